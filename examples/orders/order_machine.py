"""The order workflow of `order.py` once more, as a statechart.

The states say what is being waited for, so nothing is counted: approval interrupts the sale and history leads back into
it, stock and card are asked side by side, and what was done is undone side by side. To see it:
`arvo machine show examples.orders.order_machine:machine`.
"""

from __future__ import annotations

from pydantic import BaseModel

from arvo import Emit, Machine, Orchestrator, ServiceError, not_, services

from .approval import HUMAN, Approved, AskApproval, Rejected, ask_v1
from .card import CardCharged, CardDeclined, ChargeCardInCurrency, RefundCard, charge_v2, refund_v1
from .fulfilment import OrderShipped, ShipOrder, fulfilment_v1
from .order import APPROVAL_FROM_CENTS, OrderFailed, OrderPlaced, PlaceOrder, order, order_v1
from .stock import OutOfStock, ReleaseStock, ReserveStock, StockReserved, release_v1, reserve_v1


class Sale(BaseModel, frozen=True):
    order: PlaceOrder
    approved_by: str | None = None
    reservation_id: str | None = None
    charge_id: str | None = None
    tracking: tuple[str, ...] = ()
    failure: str = ""

    def failed(self, reason: str) -> Sale:
        return self.model_copy(update={"failure": self.failure or reason})


machine = Machine(
    order_v1, state=Sale, services=services(ask_v1, reserve_v1, charge_v2, release_v1, refund_v1, fulfilment_v1)
)

selling = machine.state("selling")
priced = selling.state("priced")
buying = selling.parallel("buying")
shipping = selling.state("shipping")
approving = machine.state("approving")
undoing = machine.parallel("undoing")
placed = machine.state("placed")
failed = machine.state("failed")


@machine.start(at=selling)
def begin(order: PlaceOrder) -> Sale:
    return Sale(order=order)


# Approval


def needs_approval(sale: Sale) -> bool:
    return sale.order.amount_cents >= APPROVAL_FROM_CENTS and sale.approved_by is None


selling.always(to=approving, when=needs_approval)
priced.always(to=buying, when=not_(needs_approval))


@approving.enter
def ask_the_manager(sale: Sale) -> Emit[AskApproval]:
    order = sale.order
    question = f"Sell {order.quantity} x {order.sku} for {order.amount_cents / 100:.2f} {order.currency}?"
    ask = AskApproval(order_id=order.order_id, amount_cents=order.amount_cents, question=question)
    return Emit(ask, domain=HUMAN)


@approving.on(Approved, to=selling.history())
def go_on(sale: Sale, reply: Approved) -> Sale:
    return sale.model_copy(update={"approved_by": reply.by})


@approving.on(Rejected, to=failed)
def give_up(sale: Sale, reply: Rejected) -> Sale:
    return sale.failed(f"{reply.by} said no: {reply.reason}")


# Stock and card, side by side

reserving = buying.state("stock")
reserving_asked = reserving.state("asked")
reserving_answered = reserving.state("answered", final=True)
charging = buying.state("card")
charging_asked = charging.state("asked")
charging_answered = charging.state("answered", final=True)


@reserving_asked.enter
def ask_for_stock(sale: Sale) -> ReserveStock:
    return ReserveStock(sku=sale.order.sku, quantity=sale.order.quantity)


@reserving_asked.on(StockReserved, to=reserving_answered)
def keep_reservation(sale: Sale, reply: StockReserved) -> Sale:
    return sale.model_copy(update={"reservation_id": reply.reservation_id})


@reserving_asked.on(OutOfStock, to=reserving_answered)
def miss_stock(sale: Sale, reply: OutOfStock) -> Sale:
    return sale.failed(f"{reply.sku} is out of stock")


@charging_asked.enter
def ask_for_money(sale: Sale) -> ChargeCardInCurrency:
    order = sale.order
    return ChargeCardInCurrency(card=order.card, amount_cents=order.amount_cents, currency=order.currency)


@charging_asked.on(CardCharged, to=charging_answered)
def keep_charge(sale: Sale, reply: CardCharged) -> Sale:
    return sale.model_copy(update={"charge_id": reply.charge_id})


@charging_asked.on(CardDeclined, to=charging_answered)
def miss_money(sale: Sale, reply: CardDeclined) -> Sale:
    return sale.failed(f"card declined: {reply.reason}")


def has_failed(sale: Sale) -> bool:
    return sale.failure != ""


buying.on_done(to=undoing, when=has_failed)
buying.on_done(to=shipping)

# Parcels


@shipping.enter
def ask_for_parcels(sale: Sale) -> ShipOrder:
    return ShipOrder(order_id=sale.order.order_id, country=sale.order.country, quantity=sale.order.quantity)


@shipping.on(OrderShipped, to=placed)
def keep_tracking(sale: Sale, reply: OrderShipped) -> Sale:
    return sale.model_copy(update={"tracking": reply.tracking})


# Undoing what was done

releasing = undoing.state("stock")
releasing_asked = releasing.state("asked")
releasing_done = releasing.state("done", final=True)
refunding = undoing.state("card")
refunding_asked = refunding.state("asked")
refunding_done = refunding.state("done", final=True)


@releasing_asked.enter
def give_stock_back(sale: Sale) -> ReleaseStock | None:
    return None if sale.reservation_id is None else ReleaseStock(reservation_id=sale.reservation_id)


@refunding_asked.enter
def give_money_back(sale: Sale) -> RefundCard | None:
    return None if sale.charge_id is None else RefundCard(charge_id=sale.charge_id)


def holds_stock(sale: Sale) -> bool:
    return sale.reservation_id is not None


def holds_money(sale: Sale) -> bool:
    return sale.charge_id is not None


releasing_asked.always(to=releasing_done, when=not_(holds_stock))
releasing_asked.on_any(of=release_v1, to=releasing_done)
refunding_asked.always(to=refunding_done, when=not_(holds_money))
refunding_asked.on_any(of=refund_v1, to=refunding_done)
undoing.on_done(to=failed)


# Whatever breaks


def keep_failure(sale: Sale, error: ServiceError) -> Sale:
    return sale.failed(error.error_message)


reserving_asked.on(ServiceError, of=reserve_v1, to=reserving_answered)(keep_failure)
charging_asked.on(ServiceError, of=charge_v2, to=charging_answered)(keep_failure)
shipping.on(ServiceError, of=fulfilment_v1, to=undoing)(keep_failure)
approving.on(ServiceError, of=ask_v1, to=failed)(keep_failure)


# Ends


@machine.final(at=placed)
def report(sale: Sale) -> OrderPlaced:
    assert sale.charge_id is not None, "goods leave only after the money came"
    return OrderPlaced(charge_id=sale.charge_id, tracking=sale.tracking)


@machine.final(at=failed)
def apologise(sale: Sale) -> OrderFailed:
    return OrderFailed(reason=sale.failure)


place_order = Orchestrator(order, [machine], execution_units=1)
