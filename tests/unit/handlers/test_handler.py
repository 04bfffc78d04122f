# ruff: noqa: ARG001 - the functions of handlers take what handlers give them, needed or not

from __future__ import annotations

import pytest

from arvo.contracts import Contract, Payload
from arvo.errors import ConfigViolation, ContractViolation, DefinitionError
from arvo.events import Event
from arvo.handlers import Handler, HandlerContext
from tests.unit.handlers.card_service import (
    CLIENT,
    TYPE,
    URI,
    CardCharged,
    CardDeclined,
    ChargeCard,
    StockReserved,
    answering,
    charge,
    charge_v1,
    handled_by,
    human_charge_v1,
    raw_request,
    request,
)

# Answers


async def test_answer_goes_back_to_the_sender_on_the_same_subject() -> None:
    asked = request(accesscontrol="role:cashier")
    (answer,) = await answering(CardCharged(charge_id="ch_1"), execution_units=2.5).execute(asked)
    assert answer.data == CardCharged(charge_id="ch_1")
    assert {name: getattr(answer, name) for name in ("type", "source", "subject", "to", "parentid", "dataschema")} == {
        "type": "evt.card.charge.success",
        "source": TYPE,
        "subject": "order/1",
        "to": CLIENT,
        "parentid": asked.id,
        "dataschema": f"{URI}/1.0.0",
    }
    assert answer.accesscontrol == "role:cashier"
    assert answer.executionunits == 2.5
    assert answer.redirectto is None
    assert answer.domain is None


async def test_answer_goes_to_redirectto_when_the_sender_asked_for_it() -> None:
    (answer,) = await answering(CardCharged(charge_id="ch_1")).execute(request(redirectto="com.ledger.book"))
    assert answer.to == "com.ledger.book"
    assert answer.redirectto is None


@pytest.mark.parametrize("returned", [[], (), None], ids=repr)
async def test_function_may_emit_nothing(returned: object) -> None:
    assert await answering(returned).execute(request()) == []


@pytest.mark.parametrize("kind", [list, tuple])
async def test_several_answers_keep_their_order(kind: type) -> None:
    outputs = kind([CardDeclined(reason="a"), CardCharged(charge_id="b"), CardDeclined(reason="c")])
    answers = await answering(outputs).execute(request())
    assert [answer.data for answer in answers] == list(outputs)


async def test_redelivered_event_gives_events_with_the_same_ids() -> None:
    handler, asked = answering([CardCharged(charge_id="a"), CardDeclined(reason="b")]), request()
    first, second = await handler.execute(asked), await handler.execute(Event.from_json(asked.to_json()))
    assert [answer.id for answer in first] == [answer.id for answer in second]
    assert len({answer.id for answer in first}) == 2


async def test_answers_to_different_events_have_different_ids() -> None:
    handler = answering(CardCharged(charge_id="a"))
    (first,), (second,) = await handler.execute(request()), await handler.execute(request())
    assert first.id != second.id


async def test_function_gets_validated_data_with_defaults_and_without_unknown_keys() -> None:
    seen: list[Event[ChargeCard]] = []

    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> None:
        seen.append(event)

    asked = raw_request(data={"amount_cents": 5, "unknown": True})
    await handled_by(function).execute(asked)
    assert seen[0].data == ChargeCard(amount_cents=5, currency="EUR")
    assert seen[0].id == asked.id


async def test_decorated_function_can_still_be_called() -> None:
    handler = Handler(charge)

    @handler.on(charge_v1)
    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged:
        return CardCharged(charge_id=ctx.source)

    answer = await function(request(), HandlerContext(event=request(), source="com.my.test"))
    assert answer == CardCharged(charge_id="com.my.test")


# Versions


class OldRequest(Payload):
    cents: int


class Echo(Payload, event_type="evt.echo.version.done"):
    version: str | None


def versioned_handler() -> Handler:
    contract = Contract(uri="#/versions", type="com.many.versions")
    handler = Handler(contract)

    async def echo(event: Event[OldRequest], ctx: HandlerContext) -> Echo:
        return Echo(version=ctx.version)

    for number in ("1.2.0", "1.10.0", "0.9.0"):
        handler.on(contract.version(number, accepts=OldRequest, emits=Echo))(echo)
    return handler


def versioned_request(dataschema: str | None) -> Event[object]:
    return Event(
        type="com.many.versions", source=CLIENT, subject="s", dataschema=dataschema, data={"cents": 1}, to="x.y.z"
    )


@pytest.mark.parametrize(
    ("dataschema", "served"), [("#/versions/0.9.0", "0.9.0"), ("#/versions/1.2.0", "1.2.0"), (None, "1.10.0")]
)
async def test_dataschema_picks_the_version_and_none_means_the_latest(dataschema: str | None, served: str) -> None:
    (answer,) = await versioned_handler().execute(versioned_request(dataschema))
    assert answer.data == Echo(version=served)
    assert answer.dataschema == f"#/versions/{served}"


@pytest.mark.parametrize("number", ["9.9.9", "0.0.0", "1.0", "latest", ""])
async def test_unknown_version_is_a_config_violation(number: str) -> None:
    with pytest.raises(ConfigViolation, match=r"does not know version .*Send it with one of '#/versions/0.9.0'"):
        await versioned_handler().execute(versioned_request(f"#/versions/{number}"))


@pytest.mark.parametrize("dataschema", ["#/other/1.0.0", "#/versions/sub/1.2.0", "1.2.0", "garbage", "#/versions"])
async def test_dataschema_of_another_contract_is_a_contract_violation(dataschema: str) -> None:
    with pytest.raises(ContractViolation, match=r"follows the contract '#/versions'") as raised:
        await versioned_handler().execute(versioned_request(dataschema))
    assert [issue.path for issue in raised.value.issues] == [("dataschema",)]


async def test_event_of_another_type_is_a_config_violation() -> None:
    with pytest.raises(ConfigViolation, match=r"Handler for 'com.card.charge' got event .* of type 'com.card.refund'"):
        await answering(None).execute(raw_request(type="com.card.refund"))


async def test_type_is_looked_at_before_the_dataschema() -> None:
    with pytest.raises(ConfigViolation):
        await answering(None).execute(raw_request(type="com.card.refund", dataschema="#/other/1.0.0"))


# Data that does not fit


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        ({}, [("amount_cents",)]),
        ({"amount_cents": "5"}, [("amount_cents",)]),
        ({"amount_cents": 5, "currency": 3}, [("currency",)]),
    ],
    ids=repr,
)
async def test_input_that_does_not_fit_is_a_contract_violation(data: object, paths: object) -> None:
    with pytest.raises(ContractViolation) as raised:
        await answering(CardCharged(charge_id="never")).execute(raw_request(data=data))
    assert [issue.path for issue in raised.value.issues] == paths


async def test_undeclared_payload_is_a_contract_violation_that_names_the_declared_ones() -> None:
    with pytest.raises(ContractViolation, match=r"1\.0\.0, returned StockReserved, .* emits CardCharged, CardDeclined"):
        await answering(StockReserved(hold_id="h")).execute(request())


@pytest.mark.parametrize("returned", ["text", {"charge_id": "c"}, 5, [CardCharged(charge_id="a"), None]], ids=repr)
async def test_anything_but_payloads_is_a_contract_violation(returned: object) -> None:
    with pytest.raises(ContractViolation, match=r"returned (str|dict|int|NoneType), but the version emits"):
        await answering(returned).execute(request())


async def test_subclass_of_a_declared_payload_is_not_the_declared_payload() -> None:
    class Detailed(CardCharged):
        remark: str

    with pytest.raises(ContractViolation, match=r"returned Detailed"):
        await answering(Detailed(charge_id="c", remark="not in the contract")).execute(request())


# Definition


def test_version_of_another_contract_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"cannot serve '#/services/human.charge/1.0.0'"):
        Handler(charge).on(human_charge_v1)


def test_second_function_for_a_version_is_refused() -> None:
    async def another(event: Event[ChargeCard], ctx: HandlerContext) -> None: ...

    with pytest.raises(DefinitionError, match=r"version 1\.0\.0, already has a function"):
        answering(None).on(charge_v1)(another)


@pytest.mark.parametrize("domain", ["UPPER", "a b", "human_review"])
def test_impossible_default_domain_is_refused(domain: str) -> None:
    with pytest.raises(DefinitionError, match=r"is not a domain"):
        Handler(charge, domains=[None, domain])
    with pytest.raises(DefinitionError, match=r"is not a domain"):
        Handler(charge, error_domains=domain)


async def test_missing_version_is_told_by_check_and_by_the_first_event() -> None:
    contract = Contract(uri="#/two", type="com.two.versions")
    first = contract.version("1.0.0", accepts=OldRequest, emits=Echo)
    contract.version("2.0.0", accepts=OldRequest, emits=Echo)
    contract.version("3.0.0", accepts=OldRequest, emits=Echo)
    handler = Handler(contract)

    @handler.on(first)
    async def function(event: Event[OldRequest], ctx: HandlerContext) -> None: ...

    message = r"Handler for 'com.two.versions' has no function for versions 2\.0\.0, 3\.0\.0\. Every contract version"
    with pytest.raises(DefinitionError, match=message):
        handler.check()
    with pytest.raises(DefinitionError, match=message):
        await handler.execute(first.request(OldRequest(cents=1), source=CLIENT))


@pytest.mark.parametrize("units", [float("nan"), True])
async def test_execution_units_that_no_event_can_carry_are_told_by_check_and_by_the_first_event(units: float) -> None:
    handler = answering(CardCharged(charge_id="c"), execution_units=units)
    with pytest.raises(DefinitionError, match="Give a finite number") as told:
        handler.check()
    assert repr(units) in str(told.value)
    with pytest.raises(DefinitionError, match="Give a finite number"):
        await handler.execute(request())


def test_contract_without_versions_is_told_by_check() -> None:
    with pytest.raises(DefinitionError, match=r"has no versions"):
        Handler(Contract(uri="#/none", type="com.no.versions")).check()


async def test_version_added_after_the_first_event_is_served() -> None:
    contract = Contract(uri="#/late", type="com.late.version")
    first = contract.version("1.0.0", accepts=OldRequest, emits=Echo)
    handler = Handler(contract)

    async def echo(event: Event[OldRequest], ctx: HandlerContext) -> Echo:
        return Echo(version=ctx.version)

    handler.on(first)(echo)
    await handler.execute(first.request(OldRequest(cents=1), source=CLIENT))
    second = contract.version("2.0.0", accepts=OldRequest, emits=Echo)
    handler.on(second)(echo)
    (answer,) = await handler.execute(second.request(OldRequest(cents=1), source=CLIENT))
    assert answer.data == Echo(version="2.0.0")


async def test_version_added_without_a_function_is_told_by_its_first_event() -> None:
    contract = Contract(uri="#/late", type="com.late.version")
    handler = Handler(contract)

    @handler.on(contract.version("1.0.0", accepts=OldRequest, emits=Echo))
    async def function(event: Event[OldRequest], ctx: HandlerContext) -> None: ...

    handler.check()
    second = contract.version("2.0.0", accepts=OldRequest, emits=Echo)
    with pytest.raises(DefinitionError, match=r"has no function for version 2\.0\.0"):
        await handler.execute(second.request(OldRequest(cents=1), source=CLIENT))


def test_handler_tells_an_app_what_it_implements() -> None:
    handler = answering(None)
    handler.check()
    assert handler.source == TYPE
    assert handler.domain is None
    assert handler.implements == (charge_v1,)
    assert handler.calls == ()
    assert repr(handler) == "Handler for 'com.card.charge'"
