"""A small system of real handlers and workflows for the integration tests: an order, its services, a child, a human."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from pydantic import BaseModel

from arvo.contracts import Contract, OrchestratorContract, Payload, ServiceError, one_of, services
from arvo.handlers import Domain, Emit, Handler, HandlerContext
from arvo.orchestration import Done, Resumable, Turn, Wait

if TYPE_CHECKING:
    from arvo.events import Event

SHOP = "com.web.shop"
HUMAN = "human.inbox"


class ReserveStock(Payload):
    sku: str


class StockReserved(Payload, event_type="evt.stock.reserve.success"):
    hold_id: str


class ChargeCard(Payload):
    amount_cents: int


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class CardDeclined(Payload, event_type="evt.card.charge.declined"):
    reason: str


class ShipOrder(Payload):
    hold_id: str


class OrderShipped(Payload):
    tracking: str


class Approve(Payload):
    amount_cents: int


class Approved(Payload, event_type="evt.human.approve.success"):
    by: str


class PlaceOrder(Payload):
    sku: str
    amount_cents: int


class OrderPlaced(Payload, event_type="arvo.orc.order.done"):
    tracking: str


class OrderFailed(Payload, event_type="arvo.orc.order.failed"):
    reason: str


stock = Contract(uri="#/services/stock.reserve", type="com.stock.reserve")
reserve_v1 = stock.version("1.0.0", accepts=ReserveStock, emits=StockReserved)
card = Contract(uri="#/services/card.charge", type="com.card.charge")
charge_v1 = card.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))
human = Contract(uri="#/people/approve", type="com.human.approve", domain=HUMAN)
approve_v1 = human.version("1.0.0", accepts=Approve, emits=Approved)
shipping = OrchestratorContract("shipping", uri="#/workflows/shipping")
ship_v1 = shipping.version("1.0.0", accepts=ShipOrder, emits=OrderShipped)
order = OrchestratorContract("order", uri="#/workflows/order")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=one_of(OrderPlaced, OrderFailed))

reserve_stock = Handler(stock)
charge_card = Handler(card)
ship_order = Resumable(shipping)
place_order = Resumable(order)


@reserve_stock.on(reserve_v1)
async def hold(event: Event[ReserveStock], ctx: HandlerContext) -> StockReserved:
    if event.data.sku == "broken":
        raise KeyError(event.data.sku)
    return StockReserved(hold_id=f"hold {ctx.idempotency_key}")


@charge_card.on(charge_v1)
async def charge(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged | CardDeclined:
    if event.data.amount_cents > 100_000:
        return CardDeclined(reason="over limit")
    return CardCharged(charge_id=f"charge {ctx.idempotency_key}")


class NoState(BaseModel):
    pass


@ship_order.on(ship_v1, state=NoState)
async def ship(turn: Turn[ShipOrder, NoState]) -> Done[OrderShipped]:
    return Done(OrderShipped(tracking=f"parcel with {turn.event.data.hold_id}"))


class OrderState(BaseModel):
    sku: str
    amount_cents: int


@place_order.on(order_v1, state=OrderState, services=services(reserve_v1, charge_v1, approve_v1, ship_v1))
async def advance(
    turn: Turn[
        PlaceOrder | StockReserved | CardCharged | CardDeclined | Approved | OrderShipped | ServiceError, OrderState
    ],
) -> Wait[OrderState, ReserveStock | ChargeCard | Approve | ShipOrder] | Done[OrderPlaced | OrderFailed]:
    data = turn.event.data
    match data:
        case PlaceOrder():
            state = OrderState(sku=data.sku, amount_cents=data.amount_cents)
            if data.amount_cents > 50_000:
                return Wait(state, [Emit(Approve(amount_cents=data.amount_cents), domain=Domain.FROM_EVENT_CONTRACT)])
            return Wait(state, [ReserveStock(sku=data.sku), ChargeCard(amount_cents=data.amount_cents)])
        case Approved():
            assert turn.state is not None
            return Wait(
                turn.state, [ReserveStock(sku=turn.state.sku), ChargeCard(amount_cents=turn.state.amount_cents)]
            )
        case StockReserved() | CardCharged():
            reserved, charged = turn.replies(StockReserved), turn.replies(CardCharged)
            if reserved and charged:
                return Wait(turn.state, [ShipOrder(hold_id=reserved[0].data.hold_id)])
            return Wait(turn.state)
        case OrderShipped():
            return Done(OrderPlaced(tracking=data.tracking))
        case CardDeclined():
            return Done(OrderFailed(reason=data.reason))
        case ServiceError():
            return Done(OrderFailed(reason=data.error_message))
        case _:
            assert_never(data)


HANDLERS = (place_order, ship_order, reserve_stock, charge_card)
"""The system; the human is outside."""


def an_order(amount_cents: int = 999, sku: str = "book") -> Event[PlaceOrder]:
    """A new order from the shop."""
    return order_v1.request(PlaceOrder(sku=sku, amount_cents=amount_cents), source=SHOP)
