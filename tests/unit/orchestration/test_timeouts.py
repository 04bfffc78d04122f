"""Resumables that wait for time to pass: what goes out, what the record keeps, and what wakes the function up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import ServiceError
from arvo.events import split_delay
from arvo.handlers import Emit
from arvo.orchestration import Done, Ignored, Outcome, Resumable, Timeout, Turn, Wait, wanted_timers
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
    record_of,
    request,
    reserved,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.events import Event
    from arvo.orchestration import BoundWorkflow

TimedTurn = Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined | ServiceError | Timeout, OrderState]
Answer = (
    Wait[OrderState, ReserveStock | ChargeCard] | Done[OrderPlaced | OrderFailed, OrderState, ReserveStock | ChargeCard]
)
MINUTE = timedelta(minutes=1)


def timed(function: Callable[[TimedTurn], Awaitable[Answer]]) -> BoundWorkflow:
    """The order workflow, run by a function that takes timeouts, with a memory of its own."""
    workflow = Resumable(order)
    workflow.on(order_v1, state=OrderState, services=order_services, timeouts=True)(function)
    return workflow.bind(InMemoryMachineMemory())


def elapsed(timer: Event[Any]) -> Event[Any]:
    """The timer as it arrives."""
    event, delay = split_delay(timer)
    assert delay is not None
    return event


async def _reserving(turn: TimedTurn) -> Answer:
    """Gives up when nothing happens for a minute."""
    match turn.event.data:
        case PlaceOrder(sku=sku):
            return Wait(None, [ReserveStock(sku=sku)], wake_after=MINUTE)
        case Timeout(call_type=None):
            return Done(OrderFailed(reason="nothing happened"))
        case _:
            return Wait()


async def test_a_wait_sends_the_workflow_an_event_for_later() -> None:
    start = request(accesscontrol="role:shopper")
    call, timer = await timed(_reserving).execute(start)
    assert call.type == "com.stock.reserve"
    assert (timer.type, timer.source, timer.to) == ("arvo.timer.elapsed", "arvo.orc.order", "arvo.orc.order")
    assert (timer.subject, timer.parentid, timer.accesscontrol) == (start.subject, start.id, "role:shopper")
    assert (timer.dataschema, timer.data) == ("#/arvo/timer.elapsed/1.0.0", Timeout(timer="wake"))
    assert split_delay(timer)[1] == MINUTE


async def test_the_record_knows_which_timers_are_wanted() -> None:
    workflow = timed(_reserving)
    start = request()
    _, timer = await workflow.execute(start)
    record = await record_of(workflow, start)
    assert record["timers"] == {"wake": timer.id}
    assert wanted_timers(record) == {timer.id}


async def test_the_function_is_woken_up() -> None:
    workflow = timed(_reserving)
    start = request()
    _, timer = await workflow.execute(start)
    (failed,) = await workflow.execute(elapsed(timer))
    assert failed.data == OrderFailed(reason="nothing happened")
    assert "timers" not in await record_of(workflow, start)


async def test_any_other_turn_ends_the_wait() -> None:
    workflow = timed(_reserving)
    call, timer = await workflow.execute(request())
    assert await workflow.execute(reserved(call)) == []
    assert "timers" not in await record_of(workflow, call)
    assert await workflow.run(elapsed(timer)) == Outcome(ignored=Ignored.OBSOLETE)


async def test_a_call_has_a_deadline() -> None:
    async def function(turn: TimedTurn) -> Answer:
        match turn.event.data:
            case PlaceOrder():
                return Wait(calls=[ChargeCard(amount_cents=1), Emit(ReserveStock(sku="x"), deadline=MINUTE)])
            case Timeout(call_id=call_id, call_type="com.stock.reserve"):
                return Done(OrderFailed(reason=f"no answer to {call_id}"))
            case _:
                return Wait()

    workflow = timed(function)
    _, reserve, timer = await workflow.execute(request())
    assert timer.data == Timeout(timer=f"deadline:{reserve.id}", call_id=reserve.id, call_type="com.stock.reserve")
    (failed,) = await workflow.execute(elapsed(timer))
    assert failed.data == OrderFailed(reason=f"no answer to {reserve.id}")
