"""A small order workflow with its services, played by the tests: each test delivers events by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from pydantic import BaseModel

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import Contract, OrchestratorContract, Payload, ServiceError, one_of, services
from arvo.orchestration import BoundWorkflow, Done, Resumable, Turn, Wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from arvo.events import Event
    from arvo.ports import MachineMemory


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


class PlaceOrder(Payload):
    sku: str
    amount_cents: int


class OrderPlaced(Payload):
    charge_id: str


class OrderFailed(Payload, event_type="arvo.orc.order.failed"):
    reason: str


class OrderState(BaseModel):
    sku: str
    amount_cents: int
    hold_id: str | None = None


reserve = Contract(uri="#/services/stock.reserve", type="com.stock.reserve")
reserve_v1 = reserve.version("1.0.0", accepts=ReserveStock, emits=StockReserved)
charge = Contract(uri="#/services/card.charge", type="com.card.charge")
charge_v1 = charge.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))
order = OrchestratorContract("order", uri="#/orchestrators/order")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=one_of(OrderPlaced, OrderFailed))
order_services = services(reserve_v1, charge_v1)

OrderTurn = Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined | ServiceError, OrderState]
OrderAnswer = (
    Wait[OrderState, ReserveStock | ChargeCard] | Done[OrderPlaced | OrderFailed, OrderState, ReserveStock | ChargeCard]
)
if TYPE_CHECKING:
    OrderFunction = Callable[[OrderTurn], Awaitable[OrderAnswer]]

P = TypeVar("P", bound=Payload)


async def advance(turn: OrderTurn) -> OrderAnswer:
    """Reserve, then charge, then done; a decline or a broken service fails the order."""
    data = turn.event.data
    match data:
        case PlaceOrder(sku=sku, amount_cents=amount_cents):
            return Wait(OrderState(sku=sku, amount_cents=amount_cents), [ReserveStock(sku=sku)])
        case StockReserved(hold_id=hold_id):
            assert turn.state is not None
            return Wait(
                turn.state.model_copy(update={"hold_id": hold_id}), [ChargeCard(amount_cents=turn.state.amount_cents)]
            )
        case CardCharged(charge_id=charge_id):
            return Done(OrderPlaced(charge_id=charge_id))
        case CardDeclined(reason=reason):
            return Done(OrderFailed(reason=reason))
        case ServiceError(error_message=reason):
            return Done(OrderFailed(reason=reason))
        case _:
            assert_never(data)


def order_workflow(function: OrderFunction = advance, **settings: Any) -> Resumable:
    """The order workflow, run by `function`."""
    workflow = Resumable(order, **settings)
    workflow.on(order_v1, state=OrderState, services=order_services)(function)
    return workflow


def bound(function: OrderFunction = advance, *, memory: MachineMemory | None = None, **settings: Any) -> BoundWorkflow:
    """The order workflow with a memory of its own."""
    return order_workflow(function, **settings).bind(InMemoryMachineMemory() if memory is None else memory)


def request(sku: str = "shoe", amount_cents: int = 500, **attributes: Any) -> Event[PlaceOrder]:
    """An order from the web shop."""
    attributes.setdefault("source", "com.web.shop")
    return order_v1.request(PlaceOrder(sku=sku, amount_cents=amount_cents), **attributes)


def reserved(call: Event[Any], hold_id: str = "h1") -> Event[Any]:
    return reserve_v1.reply(StockReserved(hold_id=hold_id), to=call)


def charged(call: Event[Any], charge_id: str = "c1") -> Event[Any]:
    return charge_v1.reply(CardCharged(charge_id=charge_id), to=call)


async def record_of(workflow: BoundWorkflow, event: Event[Any]) -> Mapping[str, Any]:
    """The stored record of the execution that an event belongs to."""
    record = await workflow.memory.read(event.subject)
    assert record is not None
    return record
