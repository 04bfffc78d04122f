"""The contract that the tests of handlers are played with, and requests for it."""

# ruff: noqa: ARG001 - the functions of handlers take what handlers give them, needed or not

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.contracts import Contract, Payload, one_of
from arvo.events import Event
from arvo.handlers import Handler, HandlerContext

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

URI = "#/services/card.charge"
TYPE = "com.card.charge"
CLIENT = "com.web.checkout"


class ChargeCard(Payload):
    amount_cents: int
    currency: str = "EUR"


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class CardDeclined(Payload, event_type="evt.card.charge.declined"):
    reason: str


class StockReserved(Payload, event_type="evt.stock.reserve.success"):
    hold_id: str


charge = Contract(uri=URI, type=TYPE)
charge_v1 = charge.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))

human_charge = Contract(uri="#/services/human.charge", type="com.human.charge", domain="human")
human_charge_v1 = human_charge.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))


def request(amount_cents: int = 999, **envelope: Any) -> Event[ChargeCard]:
    """A request as it comes out of a factory in this process."""
    attributes: dict[str, Any] = {"source": CLIENT, "subject": "order/1", **envelope}
    return charge_v1.request(ChargeCard(amount_cents=amount_cents), **attributes)


def raw_request(**changes: Any) -> Event[Any]:
    """A request as it comes off the wire, with some of its members changed."""
    return Event.from_dict({**request().to_dict(), **changes})


def answering(returned: Any, **settings: Any) -> Handler:
    """A handler whose function returns this."""

    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> Any:
        return returned

    return handled_by(function, **settings)


def raising(error: BaseException, **settings: Any) -> Handler:
    """A handler whose function raises this."""

    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> Any:
        raise error

    return handled_by(function, **settings)


def handled_by(function: Callable[[Event[ChargeCard], HandlerContext], Awaitable[Any]], **settings: Any) -> Handler:
    """A handler with this function."""
    handler = Handler(charge, **settings)
    handler.on(charge_v1)(function)
    return handler
