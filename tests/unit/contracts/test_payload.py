"""Payload classes: strict, frozen, indifferent to unknown fields, and named once for the wire."""

from __future__ import annotations

import math
from typing import Generic, TypeVar

import pytest
from pydantic import Field, ValidationError

from arvo.contracts import OneOf, Payload, ServiceError, one_of, read_payload
from arvo.errors import ContractViolation, DefinitionError
from tests.unit.contracts.samples import CardCharged, CardDeclined, ChargeCard

T = TypeVar("T")


class Reading(Payload):
    value: float = 0.5
    count: int = 0


def test_payload_cannot_be_changed() -> None:
    payload = CardCharged(charge_id="c")
    with pytest.raises(ValidationError, match="frozen"):
        payload.charge_id = "d"


@pytest.mark.parametrize("wrong", ['{"count": "5"}', '{"count": true}', '{"count": 1.5}', '{"value": "0.5"}'])
def test_values_are_never_coerced(wrong: str) -> None:
    with pytest.raises(ContractViolation):
        read_payload(Reading, wrong)


def test_an_integer_is_a_number() -> None:
    assert read_payload(Reading, '{"value": 3}').value == 3


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_know_are_refused(number: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Reading(value=number)


def test_unknown_fields_are_ignored() -> None:
    assert read_payload(CardCharged, '{"charge_id": "c", "later": true}') == CardCharged(charge_id="c")


def test_unknown_fields_are_refused_where_a_class_says_so() -> None:
    class Closed(Payload, extra="forbid"):
        charge_id: str

    with pytest.raises(ContractViolation) as refused:
        read_payload(Closed, '{"charge_id": "c", "later": true}')
    assert [(issue.path, issue.message) for issue in refused.value.issues] == [((), "unknown key 'later'")]


def test_python_names_are_for_python_and_wire_names_for_the_wire() -> None:
    payload = ChargeCard(amount_cents=5)
    assert payload.model_dump_json() == '{"amountCents":5,"currency":"EUR"}'
    assert read_payload(ChargeCard, '{"amountCents": 5}') == payload
    with pytest.raises(ContractViolation) as refused:
        read_payload(ChargeCard, '{"amount_cents": 5}')
    assert [issue.path for issue in refused.value.issues] == [("amountCents",)]


def test_a_copy_with_changes_is_checked_like_a_new_one() -> None:
    payload = ChargeCard(amount_cents=1)
    assert payload.model_copy(update={"amount_cents": 2}) == ChargeCard(amount_cents=2)
    assert payload.model_copy() == payload
    with pytest.raises(ValidationError, match="amount_cents"):
        payload.model_copy(update={"amount_cents": "2"})


def test_event_type_is_inherited_and_can_be_replaced() -> None:
    class Later(CardCharged):
        receipt: str

    class Refunded(CardCharged, event_type="evt.card.refund.success"):
        pass

    assert (Payload.event_type, Later.event_type, Refunded.event_type) == (
        None,
        "evt.card.charge.success",
        "evt.card.refund.success",
    )


@pytest.mark.parametrize("event_type", ["", "evt", "evt.card", "Evt.card.charge", "evt.card.charge\n", "evt..card"])
def test_event_types_that_no_event_could_have_are_refused(event_type: str) -> None:
    with pytest.raises(DefinitionError, match="reverse-DNS"):
        type("Wrong", (Payload,), {}, event_type=event_type)


def test_generic_payloads_keep_their_event_type() -> None:
    class Page(Payload, Generic[T], event_type="evt.page.read.success"):
        items: tuple[T, ...]

    assert Page[int].event_type == "evt.page.read.success"
    assert read_payload(Page[int], '{"items": [1, 2]}').items == (1, 2)


def test_a_field_may_be_called_like_a_model_method_prefix() -> None:
    class Trained(Payload):
        model_id: str

    assert read_payload(Trained, '{"model_id": "m"}').model_id == "m"


def test_service_error_has_the_recorded_wire_names() -> None:
    error = ServiceError(error_name="E", error_message="m")
    assert error.model_dump_json() == '{"errorName":"E","errorMessage":"m","errorStack":null}'


def test_service_error_tells_what_an_exception_was_and_where() -> None:
    def fails() -> None:
        raise LookupError("no card")

    with pytest.raises(LookupError) as caught:
        fails()
    error = ServiceError.from_exception(caught.value)
    assert (error.error_name, error.error_message) == ("LookupError", "no card")
    assert error.error_stack is not None
    assert "in fails" in error.error_stack


def test_one_of_keeps_the_order() -> None:
    assert one_of(CardDeclined, CardCharged) == OneOf((CardDeclined, CardCharged))


def test_constraints_are_kept() -> None:
    class Bounded(Payload):
        name: str = Field(min_length=2)

    with pytest.raises(ContractViolation, match="at least 2 characters"):
        read_payload(Bounded, '{"name": "x"}')
