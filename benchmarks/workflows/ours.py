"""One workflow written twice, as a statechart and as a resumable: an order comes, stock is held for it, it is placed.

Runs as a process of its own. Each way of writing it is a case to time, and under `NAME_events` one that shows what it
emits.
"""

from __future__ import annotations

import asyncio
from functools import partial
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from pydantic import BaseModel

from arvo import (
    Contract,
    Done,
    Event,
    Machine,
    Orchestrator,
    OrchestratorContract,
    Payload,
    Resumable,
    ServiceError,
    Subject,
    Turn,
    Wait,
    one_of,
    services,
)
from arvo.backends.memory import InMemoryMachineMemory
from arvo.events import derive_event_id
from benchmarks.ours import Line, PlaceOrder, fields, identifier
from benchmarks.protocol import Case, serve

if TYPE_CHECKING:
    from arvo.orchestration import BoundWorkflow

INITIATOR = "com.web.checkout"


class ReserveStock(Payload):
    order_id: str
    lines: list[Line]


class StockReserved(Payload, event_type="evt.stock.reserve.success"):
    hold_id: str


class OrderPlaced(Payload):
    order_id: str
    hold_id: str


class OrderFailed(Payload, event_type="arvo.orc.order.failed"):
    reason: str


class Purchase(BaseModel, frozen=True):
    order: PlaceOrder
    hold_id: str = ""
    failure: str = ""

    def call(self) -> ReserveStock:
        return ReserveStock(order_id=self.order.order_id, lines=self.order.lines)

    def placed(self) -> OrderPlaced:
        return OrderPlaced(order_id=self.order.order_id, hold_id=self.hold_id)


reserve = Contract(uri="#/services/stock.reserve", type="com.stock.reserve")
reserve_v1 = reserve.version("1.0.0", accepts=ReserveStock, emits=StockReserved)
order = OrchestratorContract("order", uri="#/orchestrators/order")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=one_of(OrderPlaced, OrderFailed))

machine = Machine(order_v1, state=Purchase, services=services(reserve_v1))
reserving = machine.state("reserving")
placed = machine.state("placed")
failed = machine.state("failed")


@machine.start(at=reserving)
def begin(request: PlaceOrder) -> Purchase:
    return Purchase(order=request)


@reserving.enter
def ask_for_stock(purchase: Purchase) -> ReserveStock:
    return purchase.call()


@reserving.on(StockReserved, to=placed)
def keep_hold(purchase: Purchase, reply: StockReserved) -> Purchase:
    return purchase.model_copy(update={"hold_id": reply.hold_id})


@reserving.on(ServiceError, to=failed)
def give_up(purchase: Purchase, reply: ServiceError) -> Purchase:
    return purchase.model_copy(update={"failure": reply.error_message})


@machine.final(at=placed)
def confirm(purchase: Purchase) -> OrderPlaced:
    return purchase.placed()


@machine.final(at=failed)
def refuse(purchase: Purchase) -> OrderFailed:
    return OrderFailed(reason=purchase.failure)


resumable = Resumable(order)


@resumable.on(order_v1, state=Purchase, services=services(reserve_v1))
async def advance(
    turn: Turn[PlaceOrder | StockReserved | ServiceError, Purchase],
) -> Wait[Purchase, ReserveStock] | Done[OrderPlaced | OrderFailed, Purchase]:
    data = turn.event.data
    if isinstance(data, PlaceOrder):
        purchase = Purchase(order=data)
        return Wait(purchase, [purchase.call()])
    assert turn.state is not None, "every event after the first one finds the state of the turn before"
    if isinstance(data, ServiceError):
        return Done(OrderFailed(reason=data.error_message))
    purchase = turn.state.model_copy(update={"hold_id": data.hold_id})
    return Done(purchase.placed(), purchase)


class Execution(NamedTuple):
    """One workflow about to start, with the reply that its call will get; both as they come from a broker."""

    workflow: BoundWorkflow
    start: Event[Any]
    reply: Event[Any]


def execution(definition: Orchestrator | Resumable, number: int) -> Execution:
    """The execution of this number, in a memory that no other one has filled."""
    payload = PlaceOrder.model_validate(fields(number))
    subject = Subject.new(
        name=order.type, version="1.0.0", initiator=INITIATOR, execution_id=identifier(number)
    ).encode()
    start = order_v1.request(payload, source=INITIATOR, subject=subject, id=identifier(number))
    call = reserve_v1.request(
        Purchase(order=payload).call(),
        source=order.type,
        subject=subject,
        id=derive_event_id(start.source, start.id, order.type, 0, None),
    )
    reply = reserve_v1.reply(StockReserved(hold_id="hold-1"), to=call)
    workflow = definition.bind(InMemoryMachineMemory())
    return Execution(workflow, Event.from_json(start.to_json()), Event.from_json(reply.to_json()))


async def run(given: Execution) -> list[Event[Any]]:
    return [*await given.workflow.execute(given.start), *await given.workflow.execute(given.reply)]


async def events(given: Execution) -> bytes:
    """What a run emits, without what differs between any two runs."""
    emitted = [{**event.to_dict(), "time": None} for event in await run(given)]
    return msgspec.json.encode({"events": emitted})


def cases(name: str, definition: Orchestrator | Resumable) -> dict[str, Case]:
    # Numbers go on from one measurement to the next: no execution is ever met again, so no cache knows it.
    numbers = count()
    return {
        name: Case(prepare=lambda _: execution(definition, next(numbers)), run_async=run),
        f"{name}_events": Case(prepare=partial(execution, definition), run_async=events),
    }


def main() -> None:
    known = cases("workflow", Orchestrator(order, [machine])) | cases("workflow_resumable", resumable)
    asyncio.run(serve(known, versions=[f"arvo-event-handler {version('arvo-event-handler')}"]))


if __name__ == "__main__":
    main()
