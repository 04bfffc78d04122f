from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arvo.contracts import Contract
from arvo.errors import ConfigViolation, DefinitionError, ExecutionViolation
from arvo.handlers import Emit, EventHandler, Handler, MultiHandler, Router
from tests.unit.handlers.card_service import (
    CLIENT,
    CardCharged,
    CardDeclined,
    ChargeCard,
    answering,
    charge,
    charge_v1,
    human_charge,
    human_charge_v1,
    raising,
    request,
)

if TYPE_CHECKING:
    from arvo.events import Event

BILLING = "com.billing"


def human_handler() -> Handler:
    handler = Handler(human_charge, execution_units=2)

    @handler.on(human_charge_v1)
    async def decide(*_: object) -> CardDeclined:
        return CardDeclined(reason="no")

    return handler


async def test_event_type_picks_the_handler() -> None:
    router = Router(BILLING, [answering(CardCharged(charge_id="c")), human_handler()])
    (charged,) = await router.execute(request(to=BILLING))
    asked = human_charge_v1.request(ChargeCard(amount_cents=1), source=CLIENT, subject="order/1", to=BILLING)
    (declined,) = await router.execute(asked)
    assert charged.data == CardCharged(charge_id="c")
    assert declined.data == CardDeclined(reason="no")


async def test_answers_get_the_routers_source_and_keep_all_else() -> None:
    emit = Emit(CardCharged(charge_id="c"), domain=["audit"], redirectto="com.next.hop", extensions={"tenant": "x"})
    handler = answering(emit)
    asked = request(to=BILLING, accesscontrol="role:a")
    (direct,) = await handler.execute(asked)
    (routed,) = await Router(BILLING, [handler]).execute(asked)
    assert routed == direct.replace(source=BILLING, time=routed.time)
    assert (routed.parentid, routed.domain, routed.to) == (asked.id, "audit", CLIENT)


@pytest.mark.parametrize(
    ("inner", "own", "total"), [(None, None, None), (2, None, 2), (None, 3, 3), (2, 3, 5), (0.5, 1, 1.5)]
)
async def test_router_adds_its_execution_units(inner: float | None, own: float | None, total: float | None) -> None:
    handler = answering(CardCharged(charge_id="c"), execution_units=inner)
    (answer,) = await Router(BILLING, [handler], execution_units=own).execute(request(to=BILLING))
    assert answer.executionunits == total


async def test_system_error_of_a_handler_comes_from_the_router() -> None:
    (answer,) = await Router(BILLING, [raising(ValueError("boom"))]).execute(request(to=BILLING))
    assert (answer.type, answer.source) == ("sys.com.card.charge.error", BILLING)


async def test_violation_of_a_handler_is_raised() -> None:
    with pytest.raises(ExecutionViolation):
        await Router(BILLING, [raising(ExecutionViolation("later"))]).execute(request(to=BILLING))


async def test_handler_is_addressed_by_its_own_source() -> None:
    """So anything that looks at the address can be routed to, for example another router."""
    inner = Router("com.cards", [answering(CardCharged(charge_id="c"))], execution_units=1)
    (answer,) = await Router(BILLING, [inner], execution_units=1).execute(request(to=BILLING))
    assert (answer.source, answer.executionunits) == (BILLING, 2)


async def test_foreign_address_is_a_config_violation() -> None:
    with pytest.raises(
        ConfigViolation, match=r"Router for 'com\.billing' got event .* addressed to 'com\.card\.charge'"
    ):
        await Router(BILLING, [answering(None)]).execute(request())


async def test_unknown_type_is_a_config_violation_that_lists_the_known_ones() -> None:
    event = request(to=BILLING).replace(type="com.card.refund")
    with pytest.raises(ConfigViolation, match=r"no handler for .*'com\.card\.refund'.* it routes 'com\.card\.charge'"):
        await Router(BILLING, [answering(None)]).execute(event)


def test_two_handlers_for_a_type_are_refused() -> None:
    with pytest.raises(DefinitionError, match=r"two handlers for 'com\.card\.charge'"):
        Router(BILLING, [answering(None), answering(None)])


def test_same_handler_twice_is_no_conflict() -> None:
    handler = answering(None)
    assert Router(BILLING, [handler, handler]).implements == (charge_v1,)


def test_router_without_handlers_is_refused() -> None:
    with pytest.raises(DefinitionError, match="has no handlers"):
        Router(BILLING, [])


class Workflow:
    """What a router sees of one: it calls services, so answers come back to its own source."""

    source = "arvo.orc.order"
    domain: str | None = None
    implements = (charge_v1,)
    calls = (human_charge_v1,)

    def check(self) -> None: ...

    async def execute(self, event: Event[Any]) -> list[Event[Any]]:
        return [event]


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (Workflow(), "its answers would not find back"),
        (MultiHandler("com.audit.log"), "it takes no event type in particular"),
    ],
)
def test_handler_that_cannot_be_found_by_type_is_refused(handler: EventHandler, reason: str) -> None:
    with pytest.raises(DefinitionError, match=reason):
        Router(BILLING, [handler])


def test_router_checks_its_handlers() -> None:
    with pytest.raises(DefinitionError, match=r"Handler for 'com\.card\.charge' has no function"):
        Router(BILLING, [human_handler(), Handler(charge)]).check()


def test_router_tells_an_app_what_it_implements() -> None:
    router = Router(BILLING, [answering(None), human_handler()])
    router.check()
    assert router.implements == (charge_v1, human_charge_v1)
    assert (router.source, router.domain, router.calls) == (BILLING, None, ())


def test_handler_of_a_contract_without_versions_is_refused() -> None:
    with pytest.raises(DefinitionError, match="it takes no event type in particular"):
        Router(BILLING, [Handler(Contract(uri="#/none", type="com.no.versions"))])
