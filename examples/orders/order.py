"""The order workflow: approval for large orders, stock and card at once, then parcels; all undone on failure."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from pydantic import BaseModel, NonNegativeInt, PositiveInt

from arvo import Done, Emit, OrchestratorContract, Payload, Resumable, ServiceError, Turn, Wait, one_of, services

from .approval import HUMAN, Approved, AskApproval, Rejected, ask_v1
from .card import CardCharged, CardDeclined, CardRefunded, ChargeCardInCurrency, RefundCard, charge_v2, refund_v1
from .fulfilment import OrderShipped, ShipOrder, fulfilment_v1
from .stock import OutOfStock, ReleaseStock, ReserveStock, StockReleased, StockReserved, release_v1, reserve_v1

APPROVAL_FROM_CENTS = 100_000


class PlaceOrder(Payload):
    order_id: str
    sku: str
    quantity: PositiveInt
    amount_cents: NonNegativeInt
    currency: str
    card: str
    country: str


class OrderPlaced(Payload):
    charge_id: str
    tracking: tuple[str, ...]


class OrderFailed(Payload, event_type="arvo.orc.order.failed"):
    reason: str


class OrderState(BaseModel):
    order: PlaceOrder
    open_calls: int = 0
    reservation_id: str | None = None
    charge_id: str | None = None
    failure: str | None = None

    def after_reply(self, **changes: str | None) -> OrderState:
        return self.model_copy(update={**changes, "open_calls": self.open_calls - 1})


order = OrchestratorContract("order", uri="#/orchestrators/order", description="Sells goods to a customer")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=one_of(OrderPlaced, OrderFailed))

place_order = Resumable(order, execution_units=1)

Incoming: TypeAlias = (
    PlaceOrder
    | Approved
    | Rejected
    | StockReserved
    | OutOfStock
    | CardCharged
    | CardDeclined
    | StockReleased
    | CardRefunded
    | OrderShipped
    | ServiceError
)
Call: TypeAlias = AskApproval | ReserveStock | ChargeCardInCurrency | ReleaseStock | RefundCard | ShipOrder
Step: TypeAlias = Wait[OrderState, Call] | Done[OrderPlaced | OrderFailed]


@place_order.on(
    order_v1,
    state=OrderState,
    services=services(ask_v1, reserve_v1, charge_v2, release_v1, refund_v1, fulfilment_v1),
)
async def advance(turn: Turn[Incoming, OrderState]) -> Step:
    data = turn.event.data
    if isinstance(data, PlaceOrder):
        return start(OrderState(order=data))
    state = turn.state
    assert state is not None, "every event after the first one finds the state of the turn before"
    match data:
        case Approved():
            return buy(state)
        case Rejected(by=by, reason=reason):
            return Done(OrderFailed(reason=f"{by} said no: {reason}"))
        case StockReserved(reservation_id=reservation_id):
            return settle(state.after_reply(reservation_id=reservation_id))
        case CardCharged(charge_id=charge_id):
            return settle(state.after_reply(charge_id=charge_id))
        case OutOfStock(sku=sku):
            return settle(state.after_reply(failure=f"{sku} is out of stock"))
        case CardDeclined(reason=reason):
            return settle(state.after_reply(failure=f"card declined: {reason}"))
        case ServiceError(error_message=message):
            return settle(state.after_reply(failure=state.failure or message))
        case StockReleased() | CardRefunded():
            return settle(state.after_reply())
        case OrderShipped(tracking=tracking):
            assert state.charge_id is not None, "goods leave only after the money came"
            return Done(OrderPlaced(charge_id=state.charge_id, tracking=tracking))
        case _:
            assert_never(data)


def start(state: OrderState) -> Step:
    order = state.order
    if order.amount_cents < APPROVAL_FROM_CENTS:
        return buy(state)
    question = f"Sell {order.quantity} x {order.sku} for {order.amount_cents / 100:.2f} {order.currency}?"
    ask = AskApproval(order_id=order.order_id, amount_cents=order.amount_cents, question=question)
    return Wait(state.model_copy(update={"open_calls": 1}), [Emit(ask, domain=HUMAN)])


def buy(state: OrderState) -> Step:
    order = state.order
    return Wait(
        state.model_copy(update={"open_calls": 2}),
        [
            ReserveStock(sku=order.sku, quantity=order.quantity),
            ChargeCardInCurrency(card=order.card, amount_cents=order.amount_cents, currency=order.currency),
        ],
    )


def settle(state: OrderState) -> Step:
    """Go on once every open call is answered: to the parcels, or back over what was already done."""
    if state.open_calls:
        return Wait(state)
    order = state.order
    if state.failure is None:
        ship = ShipOrder(order_id=order.order_id, country=order.country, quantity=order.quantity)
        return Wait(state.model_copy(update={"open_calls": 1}), [ship])
    undo: list[Call] = []
    if state.reservation_id is not None:
        undo.append(ReleaseStock(reservation_id=state.reservation_id))
    if state.charge_id is not None:
        undo.append(RefundCard(charge_id=state.charge_id))
    if not undo:
        return Done(OrderFailed(reason=state.failure))
    undone = {"open_calls": len(undo), "reservation_id": None, "charge_id": None}
    return Wait(state.model_copy(update=undone), undo)
