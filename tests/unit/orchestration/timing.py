"""What tests of timers share: the order workflow with a function that takes timeouts, and timers as they arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import ServiceError
from arvo.events import split_delay
from arvo.orchestration import Done, Resumable, Timeout, Turn, Wait
from tests.unit.orchestration.orders import (
    CardCharged,
    CardDeclined,
    ChargeCard,
    OrderFailed,
    OrderPlaced,
    OrderState,
    PlaceOrder,
    ReserveStock,
    StockReserved,
    order,
    order_services,
    order_v1,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from arvo.events import Event
    from arvo.orchestration import BoundWorkflow
    from arvo.ports import MachineMemory

    TimedFunction = Callable[["TimedTurn"], Awaitable["TimedAnswer"]]

MINUTE = timedelta(minutes=1)

TimedTurn = Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined | ServiceError | Timeout, OrderState]
TimedAnswer = (
    Wait[OrderState, ReserveStock | ChargeCard] | Done[OrderPlaced | OrderFailed, OrderState, ReserveStock | ChargeCard]
)


def timed(function: TimedFunction, *, memory: MachineMemory | None = None) -> BoundWorkflow:
    """The order workflow, run by a function that takes timeouts, with a memory of its own."""
    workflow = Resumable(order)
    workflow.on(order_v1, state=OrderState, services=order_services, timeouts=True)(function)
    return workflow.bind(InMemoryMachineMemory() if memory is None else memory)


def elapsed(timer: Event[Any]) -> Event[Any]:
    """The event of a timer as it arrives."""
    event, delay = split_delay(timer)
    assert delay is not None
    return event


def timers_in(record: Mapping[str, Any]) -> Any:
    """The timers that a record keeps; None if it has no such member."""
    return record.get("timers")
