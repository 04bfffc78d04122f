"""A small system to be tested: an order that needs a human's word, and a service that fails now and then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel

from arvo import (
    App,
    Contract,
    Done,
    Emit,
    Handler,
    HandlerContext,
    OrchestratorContract,
    Payload,
    Resumable,
    RetryPolicy,
    ServiceError,
    Timeout,
    Turn,
    Wait,
    one_of,
    services,
)
from arvo.errors import ExecutionViolation

if TYPE_CHECKING:
    from arvo import Event


class Ask(Payload):
    question: str


class Approved(Payload, event_type="evt.approval.success"):
    by: str


class Charge(Payload):
    cents: int


class Charged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class Buy(Payload):
    cents: int


class Bought(Payload):
    charge_id: str


class NotBought(Payload, event_type="arvo.orc.shop.failed"):
    reason: str


approval = Contract(uri="#/approval", type="com.approval.ask")
approval_v1 = approval.version("1.0.0", accepts=Ask, emits=Approved)
charge = Contract(uri="#/card/charge", type="com.card.charge")
charge_v1 = charge.version("1.0.0", accepts=Charge, emits=Charged)
shop = OrchestratorContract("shop", uri="#/shop")
shop_v1 = shop.version("1.0.0", accepts=Buy, emits=one_of(Bought, NotBought))


class Basket(BaseModel):
    cents: int


buy = Resumable(shop)


@buy.on(shop_v1, state=Basket, services=services(approval_v1, charge_v1), timeouts=True)
async def advance(
    turn: Turn[Buy | Approved | Charged | ServiceError | Timeout, Basket],
) -> Wait[Basket, Ask | Charge] | Done[Bought | NotBought]:
    match turn.event.data:
        case Buy(cents=cents):
            ask = Emit(Ask(question=f"Spend {cents}?"), domain="human")
            return Wait(Basket(cents=cents), [ask], wake_after=timedelta(days=3))
        case Approved():
            assert turn.state is not None
            return Wait(calls=[Charge(cents=turn.state.cents)])
        case Charged(charge_id=charge_id):
            return Done(Bought(charge_id=charge_id))
        case ServiceError(error_message=message):
            return Done(NotBought(reason=message))
        case Timeout():
            return Done(NotBought(reason="nobody answered"))


def make_app(*, failures: int = 0) -> App:
    """The shop, whose card service fails so often at first."""
    charge_card = Handler(charge)
    left = failures

    @charge_card.on(charge_v1)
    async def charge_it(event: Event[Charge], _ctx: HandlerContext) -> Charged:
        nonlocal left
        if left:
            left -= 1
            raise ExecutionViolation("The card service is not there. Try again.")
        return Charged(charge_id=f"ch_{event.data.cents}")

    return App(handlers=[charge_card, buy], external=[approval], retry=RetryPolicy(attempts=3, jitter=0))
