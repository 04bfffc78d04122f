# ruff: noqa: ARG001 - the functions of handlers take what handlers give them, needed or not

from __future__ import annotations

from typing import Any

import pytest

from arvo.contracts import ServiceError
from arvo.errors import BackendError, ConfigViolation, ContractViolation, DefinitionError, ExecutionViolation
from arvo.events import Event, JsonObject
from arvo.handlers import Emit, HandlerContext, MultiHandler
from tests.unit.handlers.card_service import CLIENT, CardCharged, ChargeCard, charge_v1, request

AUDIT = "com.audit.log"


def auditing(returned: Any, **settings: Any) -> MultiHandler:
    handler = MultiHandler(AUDIT, **settings)

    @handler.handle
    async def function(event: Event[JsonObject], ctx: HandlerContext) -> Any:
        if isinstance(returned, Exception):
            raise returned
        return returned

    return handler


def note(**envelope: Any) -> Event[Any]:
    attributes: dict[str, Any] = {
        "type": "evt.any.thing",
        "source": CLIENT,
        "subject": "order/1",
        "to": AUDIT,
        **envelope,
    }
    return Event(**attributes, data={"x": 1})


@pytest.mark.parametrize("event_type", ["evt.any.thing", "com.card.charge", "sys.com.card.charge.error"])
async def test_events_of_any_type_are_taken(event_type: str) -> None:
    (answer,) = await auditing(CardCharged(charge_id="c")).execute(note(type=event_type))
    assert answer.type == "evt.card.charge.success"


async def test_function_sees_plain_json_wherever_the_event_was_made() -> None:
    seen: list[Event[JsonObject]] = []
    handler = MultiHandler(AUDIT)

    @handler.handle
    async def function(event: Event[JsonObject], ctx: HandlerContext) -> None:
        seen.append(event)
        assert ctx.version is None

    here = request(5, to=AUDIT)
    await handler.execute(here)
    await handler.execute(Event.from_json(here.to_json()))
    assert [dict(event.data) for event in seen] == [{"amount_cents": 5, "currency": "EUR"}] * 2
    assert charge_v1.parse_accepted(seen[0]).data == ChargeCard(amount_cents=5)


async def test_payload_answers_the_sender() -> None:
    asked = note(redirectto="com.ledger.book", accesscontrol="role:a")
    plain, wrapped = await auditing(
        [CardCharged(charge_id="c"), Emit(CardCharged(charge_id="d"), to="x.y.z", domain="audit")], execution_units=3
    ).execute(asked)
    assert (plain.source, plain.subject, plain.to, plain.parentid) == (AUDIT, "order/1", "com.ledger.book", asked.id)
    assert (plain.executionunits, plain.accesscontrol, plain.dataschema) == (3, "role:a", None)
    assert (wrapped.to, wrapped.domain) == ("x.y.z", "audit")
    assert plain.id != wrapped.id


async def test_ready_event_keeps_all_but_id_source_and_parentid() -> None:
    ready = request(5, subject="order/2", redirectto="com.other.place", accesscontrol="role:b")
    asked = note(accesscontrol="role:a")
    handler = auditing(ready)
    (sent,) = await handler.execute(asked)
    assert sent == ready.replace(id=sent.id, source=AUDIT, parentid=asked.id)
    assert (await handler.execute(asked))[0].id == sent.id != ready.id


async def test_failure_is_answered_with_a_system_error_named_after_the_source() -> None:
    (answer,) = await auditing(ValueError("boom"), error_domains="audit").execute(note(redirectto="com.ledger.book"))
    assert isinstance(answer.data, ServiceError)
    assert (answer.type, answer.to, answer.dataschema) == ("sys.com.audit.log.error", CLIENT, None)
    assert (answer.data.error_name, answer.data.error_message, answer.domain) == ("ValueError", "boom", "audit")


@pytest.mark.parametrize("error", [ExecutionViolation("later"), BackendError("gone")], ids=repr)
async def test_violations_and_lost_back_ends_are_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        await auditing(error).execute(note())


async def test_violation_in_a_group_is_raised() -> None:
    with pytest.raises(ExecutionViolation):
        await auditing(ExceptionGroup("tasks", [ExecutionViolation("later")])).execute(note())


async def test_event_with_another_address_is_a_config_violation() -> None:
    with pytest.raises(ConfigViolation, match=r"addressed to 'com\.other\.place'"):
        await auditing(None).execute(note(to="com.other.place"))


async def test_payload_without_an_event_type_is_a_contract_violation() -> None:
    with pytest.raises(ContractViolation, match=r"returned ChargeCard, which has no event type"):
        await auditing(ChargeCard(amount_cents=1)).execute(note())


@pytest.mark.parametrize("returned", ["text", [5], {"a": 1}], ids=repr)
async def test_anything_but_outputs_is_a_contract_violation(returned: object) -> None:
    with pytest.raises(ContractViolation, match=r"returned (str|int|dict)\. Return payloads"):
        await auditing(returned).execute(note())


async def test_missing_function_is_told_by_check_and_by_the_first_event() -> None:
    handler = MultiHandler(AUDIT)
    with pytest.raises(DefinitionError, match="has no function"):
        handler.check()
    with pytest.raises(DefinitionError, match="has no function"):
        await handler.execute(note())


def test_second_function_is_refused() -> None:
    async def another(event: Event[JsonObject], ctx: HandlerContext) -> None: ...

    with pytest.raises(DefinitionError, match="already has a function"):
        auditing(None).handle(another)


@pytest.mark.parametrize("source", ["", "Audit", "com.audit log", "#/audit", "com..audit"])
def test_source_that_no_error_can_be_named_after_is_refused(source: str) -> None:
    with pytest.raises(DefinitionError, match="cannot have the source"):
        MultiHandler(source)


def test_handler_tells_an_app_that_it_takes_anything() -> None:
    handler = auditing(None)
    handler.check()
    assert (handler.source, handler.domain, handler.implements, handler.calls) == (AUDIT, None, (), ())
