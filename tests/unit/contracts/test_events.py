"""The events a version makes and reads: requests, answers, system errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arvo.contracts import Contract, Payload, ServiceError
from arvo.errors import ContractViolation, InvalidEvent, InvalidSubject
from arvo.events import Event, Subject, create_event, derive_event_id
from tests.unit.contracts.samples import CardCharged, CardDeclined, ChargeCard, WriteLog, charge_v1, log_v1

REQUEST = charge_v1.request(
    ChargeCard(amount_cents=5),
    source="com.web.shop",
    subject="order/1",
    redirectto="com.web.desk",
    accesscontrol="role:cashier",
)


class Special(ChargeCard):
    pass


def over_the_wire(event: Event[Any]) -> Event[Any]:
    return Event.from_json(event.to_json())


def test_a_request_goes_to_whoever_handles_the_contract() -> None:
    assert (REQUEST.type, REQUEST.to, REQUEST.source) == ("com.card.charge", "com.card.charge", "com.web.shop")
    assert (REQUEST.dataschema, REQUEST.subject) == ("#/services/card.charge/1.0.0", "order/1")
    assert REQUEST.data == ChargeCard(amount_cents=5)


def test_a_request_without_a_subject_opens_a_process() -> None:
    event = charge_v1.request(ChargeCard(amount_cents=5), source="com.web.shop", domain="eu", redirectto="com.web.desk")
    subject = Subject.parse(event.subject)
    assert (subject.name, subject.version, subject.initiator) == ("com.card.charge", "1.0.0", "com.web.shop")
    assert (subject.domain, subject.meta) == ("eu", {"redirectto": "com.web.desk"})
    assert event.domain == "eu"


def test_a_process_needs_an_initiator_with_a_name() -> None:
    with pytest.raises(InvalidSubject, match="shop"):
        charge_v1.request(ChargeCard(amount_cents=5), source="shop")
    assert charge_v1.request(ChargeCard(amount_cents=5), source="shop", subject="s").source == "shop"


def test_requests_take_the_rest_of_the_envelope_as_given() -> None:
    event = charge_v1.request(
        ChargeCard(amount_cents=5),
        source="com.web.shop",
        subject="s",
        to="com.other.desk",
        id="id-1",
        time="2025-01-01T00:00:00.000+00:00",
        executionunits=1.5,
        parentid="p",
        traceparent="tp",
        tracestate="ts",
        extensions={"tenant": "t"},
    )
    assert (event.to, event.id, event.time) == ("com.other.desk", "id-1", "2025-01-01T00:00:00.000+00:00")
    assert (event.executionunits, event.parentid, event.traceparent, event.tracestate) == (1.5, "p", "tp", "ts")
    assert event.extensions == {"tenant": "t"}


def test_addresses_are_encoded_at_the_edge_and_left_alone_afterwards() -> None:
    request = charge_v1.request(ChargeCard(amount_cents=5), source="my shop", subject="order 1", redirectto="the desk")
    assert (request.source, request.subject, request.redirectto) == ("my%20shop", "order%201", "the%20desk")
    answer = charge_v1.reply(CardCharged(charge_id="c"), to=request)
    assert (answer.subject, answer.to) == ("order%201", "the%20desk")
    assert charge_v1.reply(CardCharged(charge_id="c"), to=request, address="a b", redirectto="c d").to == "a%20b"


def test_the_dataschema_is_the_contracts_own_even_if_it_holds_escapes() -> None:
    version = Contract(uri="#/a%20b", type="com.a.b").version("1.0.0", accepts=WriteLog, emits=None)
    request = version.request(WriteLog(line="x"), source="com.a.b")
    assert request.dataschema == version.dataschema == "#/a%20b/1.0.0"
    assert version.system_error(ValueError(), to=request).dataschema == "#/a%20b/0.0.0"
    assert version.emit_error(ValueError(), source="com.a.b").dataschema == "#/a%20b/0.0.0"


@pytest.mark.parametrize("wrong", [CardCharged(charge_id="c"), Special(amount_cents=5), {"amountCents": 5}])
def test_a_request_is_made_of_the_accepted_class_itself(wrong: Any) -> None:
    with pytest.raises(ContractViolation, match=f"accepts ChargeCard, not {type(wrong).__name__}"):
        charge_v1.request(wrong, source="com.web.shop")


def test_a_reply_goes_back_with_what_the_request_asks_for() -> None:
    answer = charge_v1.reply(CardDeclined(reason="r"), to=REQUEST)
    assert (answer.type, answer.source) == ("evt.card.charge.declined", "com.card.charge")
    assert (answer.subject, answer.to, answer.parentid) == ("order/1", "com.web.desk", REQUEST.id)
    assert (answer.accesscontrol, answer.redirectto, answer.domain) == ("role:cashier", None, None)
    assert charge_v1.reply(CardDeclined(reason="r"), to=REQUEST.replace(redirectto=None)).to == "com.web.shop"


def test_the_same_reply_has_the_same_id_and_another_position_another() -> None:
    answer = charge_v1.reply(CardCharged(charge_id="c"), to=REQUEST)
    assert answer.id == charge_v1.reply(CardCharged(charge_id="c"), to=REQUEST).id
    assert answer.id == derive_event_id(REQUEST.source, REQUEST.id, "com.card.charge", 0, None)
    others = [
        charge_v1.reply(CardCharged(charge_id="c"), to=REQUEST, position=1),
        charge_v1.reply(CardCharged(charge_id="c"), to=REQUEST, domain="eu"),
        charge_v1.reply(CardCharged(charge_id="c"), to=REQUEST, source="com.other.card"),
        charge_v1.reply(CardCharged(charge_id="c"), to=REQUEST, id="mine"),
    ]
    assert len({answer.id, *(other.id for other in others)}) == 5
    assert others[1].domain == "eu"
    assert others[2].source == "com.other.card"


def test_a_reply_may_change_what_it_would_inherit() -> None:
    answer = charge_v1.reply(CardCharged(charge_id="c"), to=REQUEST, accesscontrol=None, parentid="p", executionunits=2)
    assert (answer.accesscontrol, answer.parentid, answer.executionunits) == (None, "p", 2)


@pytest.mark.parametrize("wrong", [ChargeCard(amount_cents=5), ServiceError(error_name="E", error_message="m")])
def test_a_reply_is_one_of_the_emitted_classes(wrong: Any) -> None:
    with pytest.raises(ContractViolation, match="it emits CardCharged, CardDeclined"):
        charge_v1.reply(wrong, to=REQUEST)


def test_a_version_that_emits_nothing_has_no_replies() -> None:
    nothing: Any = CardCharged(charge_id="c")
    with pytest.raises(ContractViolation, match="does not emit CardCharged; it emits nothing"):
        log_v1.reply(nothing, to=REQUEST)


def test_an_emitted_event_without_a_request_goes_to_whoever_handles_its_type() -> None:
    event = charge_v1.emit(CardCharged(charge_id="c"), source="com.card.charge", redirectto="com.a.b", domain="eu")
    subject = Subject.parse(event.subject)
    assert (event.to, subject.name, subject.domain) == ("evt.card.charge.success", "evt.card.charge.success", "eu")
    assert subject.meta == {"redirectto": "com.a.b"}


def test_a_system_error_goes_to_the_sender_even_if_answers_go_elsewhere() -> None:
    event = charge_v1.system_error(ValueError("boom"), to=REQUEST, domain="eu")
    assert (event.type, event.to) == ("sys.com.card.charge.error", "com.web.shop")
    assert (event.dataschema, event.parentid) == ("#/services/card.charge/0.0.0", REQUEST.id)
    assert (event.data.error_name, event.data.error_message, event.domain) == ("ValueError", "boom", "eu")


def test_a_ready_service_error_is_sent_as_it_is() -> None:
    error = ServiceError(error_name="Overload", error_message="later")
    assert charge_v1.system_error(error, to=REQUEST, source="com.x.y").data is error
    assert charge_v1.emit_error(error, source="com.card.charge", subject="s").to == "sys.com.card.charge.error"


def test_a_bad_envelope_is_refused_with_the_attribute() -> None:
    with pytest.raises(InvalidEvent) as refused:
        charge_v1.request(ChargeCard(amount_cents=5), source="com.web.shop", subject="s", domain="BAD")
    assert [issue.path for issue in refused.value.issues] == [("domain",)]


# --- reading


def test_accepted_data_is_read_from_the_wire_with_defaults() -> None:
    raw = json.loads(REQUEST.to_json())
    raw["data"] = {"amountCents": 5, "unknown": 1}
    event = charge_v1.parse_accepted(Event.from_dict(raw))
    assert event.data == ChargeCard(amount_cents=5, currency="EUR")
    assert event.replace(time=REQUEST.time) == REQUEST


def test_what_was_built_here_is_not_validated_again() -> None:
    assert charge_v1.parse_accepted(REQUEST) is REQUEST


def test_a_subclass_built_here_is_read_as_the_class_the_contract_names() -> None:
    event = create_event(type="com.card.charge", source="com.web.shop", subject="s", data=Special(amount_cents=5))
    assert type(charge_v1.parse_accepted(event).data) is ChargeCard


@pytest.mark.parametrize("answer", [CardCharged(charge_id="c"), CardDeclined(reason="r")])
def test_answers_are_read_as_their_classes(answer: CardCharged | CardDeclined) -> None:
    event = charge_v1.parse_emitted(over_the_wire(charge_v1.reply(answer, to=REQUEST)))
    assert (type(event.data), event.data) == (type(answer), answer)


def test_a_system_error_is_an_answer_of_every_version() -> None:
    error = ServiceError(error_name="E", error_message="m")
    assert log_v1.parse_emitted(over_the_wire(log_v1.system_error(error, to=REQUEST))).data == error


class Failed(Payload, event_type="sys.com.odd.one.error"):
    note: str


def test_a_declared_emit_wins_over_the_system_error_of_the_same_type() -> None:
    version = Contract(uri="#/odd", type="com.odd.one").version("1.0.0", accepts=WriteLog, emits=Failed)
    assert version.parse_emitted(over_the_wire(version.reply(Failed(note="n"), to=REQUEST))).data == Failed(note="n")


def test_bad_data_is_a_violation_with_all_that_is_wrong() -> None:
    event = Event(type="com.card.charge", source="a", subject="s", data={"amountCents": "5", "currency": None})
    with pytest.raises(ContractViolation, match=r"Data of 'com.card.charge' does not fit ChargeCard") as refused:
        charge_v1.parse_accepted(event)
    assert [(issue.path, issue.message) for issue in refused.value.issues] == [
        (("amountCents",), "Input should be a valid integer, got a string"),
        (("currency",), "Input should be a valid string, got null"),
    ]


@pytest.mark.parametrize("parse", [charge_v1.parse_accepted, charge_v1.parse_emitted])
def test_an_event_of_another_type_is_not_read(parse: Any) -> None:
    event = Event(type="com.log.write", source="a", subject="s", data={"line": "x"})
    with pytest.raises(ContractViolation, match=r"has type 'com.log.write', which is not one of #/services") as refused:
        parse(event)
    assert [issue.path for issue in refused.value.issues] == [("type",)]
