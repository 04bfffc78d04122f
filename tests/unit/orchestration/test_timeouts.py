"""Resumables that wait for time to pass: what goes out, what the record keeps, and what wakes the function up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.errors import TransactionViolation
from arvo.events import Event, split_delay
from arvo.handlers import Emit
from arvo.orchestration import Done, Ignored, Outcome, Resumable, Timeout, Turn, Wait, wanted_timers
from tests.unit.orchestration.memories import FaultyMemory
from tests.unit.orchestration.orders import (
    ChargeCard,
    OrderFailed,
    OrderPlaced,
    OrderState,
    PlaceOrder,
    ReserveStock,
    StockReserved,
    charged,
    order,
    order_v1,
    record_of,
    request,
    reserve_v1,
    reserved,
)
from tests.unit.orchestration.timing import MINUTE, TimedAnswer, TimedTurn, elapsed, timed, timers_in

if TYPE_CHECKING:
    from arvo.orchestration import BoundWorkflow


async def impatient(turn: TimedTurn) -> TimedAnswer:
    """Asks for stock and money, and waits for a minute; after that it waits without end."""
    match turn.event.data:
        case PlaceOrder():
            return Wait(None, [ReserveStock(sku="x"), ChargeCard(amount_cents=1)], wake_after=MINUTE)
        case Timeout():
            return Done(OrderFailed(reason=f"woken with {len(turn.collected)} replies"))
        case _:
            return Wait()


async def with_deadlines(turn: TimedTurn) -> TimedAnswer:
    """Asks for stock within a minute and for money within two, and notes the types of late answers."""
    match turn.event.data:
        case PlaceOrder():
            return Wait(
                OrderState(sku="", amount_cents=0),
                [
                    Emit(ReserveStock(sku="x"), deadline=MINUTE, execution_units=2),
                    Emit(ChargeCard(amount_cents=1), deadline=2 * MINUTE),
                ],
            )
        case Timeout(call_type=reserve_v1.accepted_type):
            return Wait(OrderState(sku="late stock", amount_cents=0))
        case Timeout(call_id=str(call_id)):
            return Done(OrderFailed(reason=call_id))
        case _:
            return Wait()


async def started(workflow: BoundWorkflow) -> list[Event[Any]]:
    return await workflow.execute(request())


async def test_a_wait_sends_the_workflow_an_event_for_later() -> None:
    start = request(accesscontrol="role:shopper")
    *calls, timer = await timed(impatient).execute(start)
    assert [call.type for call in calls] == ["com.stock.reserve", "com.card.charge"]
    assert (timer.type, timer.source, timer.to) == ("arvo.timer.elapsed", "arvo.orc.order", "arvo.orc.order")
    assert (timer.subject, timer.parentid, timer.accesscontrol) == (start.subject, start.id, "role:shopper")
    assert (timer.redirectto, timer.executionunits, timer.domain) == (None, None, None)
    assert (timer.dataschema, timer.data) == ("#/arvo/timer.elapsed/1.0.0", Timeout(timer="wake"))
    assert split_delay(timer)[1] == MINUTE


async def test_the_record_knows_which_timers_are_wanted() -> None:
    workflow = timed(impatient)
    reserve, charge, timer = await started(workflow)
    record = await record_of(workflow, timer)
    assert timers_in(record) == {"wake": timer.id}
    assert wanted_timers(record) == {timer.id}
    assert record["events"]["expected"] == {reserve.id: [], charge.id: []}
    assert record["events"]["produced"] == [reserve.to_dict(), charge.to_dict(), timer.to_dict()]


async def test_time_that_passes_wakes_the_function_up() -> None:
    workflow = timed(impatient)
    *_, timer = await started(workflow)
    (failed,) = await workflow.execute(elapsed(timer))
    assert failed.data == OrderFailed(reason="woken with 0 replies")
    assert timers_in(await record_of(workflow, timer)) is None


async def test_a_timeout_that_came_over_the_wire_is_read() -> None:
    workflow = timed(impatient)
    *_, timer = await started(workflow)
    (failed,) = await workflow.execute(Event.from_json(elapsed(timer).to_json()))
    assert failed.data == OrderFailed(reason="woken with 0 replies")


async def test_every_other_turn_ends_the_wait() -> None:
    workflow = timed(impatient)
    reserve, _, timer = await started(workflow)
    assert await workflow.execute(reserved(reserve)) == []
    assert timers_in(await record_of(workflow, timer)) is None
    assert await workflow.run(elapsed(timer)) == Outcome(ignored=Ignored.OBSOLETE)


async def test_every_turn_may_wait_anew() -> None:
    async def nagging(turn: TimedTurn) -> TimedAnswer:
        return Wait(wake_after=MINUTE * (1 + len(turn.collected)))

    workflow = timed(nagging)
    (first,) = await started(workflow)
    (second,) = await workflow.execute(elapsed(first))
    assert timers_in(await record_of(workflow, first)) == {"wake": second.id}
    assert second.id != first.id


async def test_timeouts_are_not_among_the_collected_replies() -> None:
    seen: list[int] = []

    async def patient(turn: TimedTurn) -> TimedAnswer:
        seen.append(len(turn.collected))
        if isinstance(turn.event.data, PlaceOrder):
            return Wait(None, [ReserveStock(sku="x")], wake_after=MINUTE)
        return Wait()

    workflow = timed(patient)
    reserve, timer = await started(workflow)
    await workflow.execute(elapsed(timer))
    await workflow.execute(reserved(reserve))
    assert seen == [0, 0, 1]
    assert (await record_of(workflow, timer))["events"]["expected"].keys() == {reserve.id}


async def test_each_call_can_have_a_deadline() -> None:
    workflow = timed(with_deadlines)
    reserve, charge, first, second = await started(workflow)
    assert reserve.executionunits == 2
    assert first.data == Timeout(timer=f"deadline:{reserve.id}", call_id=reserve.id, call_type="com.stock.reserve")
    assert second.data == Timeout(timer=f"deadline:{charge.id}", call_id=charge.id, call_type="com.card.charge")
    assert [split_delay(timer)[1] for timer in (first, second)] == [MINUTE, 2 * MINUTE]
    assert timers_in(await record_of(workflow, reserve)) == {first.data.timer: first.id, second.data.timer: second.id}


async def test_a_deadline_that_passes_says_which_call_was_not_answered() -> None:
    workflow = timed(with_deadlines)
    _, charge, first, second = await started(workflow)
    assert await workflow.execute(elapsed(first)) == []
    record = await record_of(workflow, charge)
    assert (record["state$$"]["sku"], timers_in(record)) == ("late stock", {second.data.timer: second.id})
    (failed,) = await workflow.execute(elapsed(second))
    assert failed.data == OrderFailed(reason=charge.id)


async def test_a_reply_ends_the_deadline_of_its_call_alone() -> None:
    workflow = timed(with_deadlines)
    reserve, _, first, second = await started(workflow)
    await workflow.execute(reserved(reserve))
    assert wanted_timers(await record_of(workflow, reserve)) == {second.id}
    assert await workflow.run(elapsed(first)) == Outcome(ignored=Ignored.OBSOLETE)


async def test_a_system_error_is_a_reply_too() -> None:
    workflow = timed(with_deadlines)
    reserve, _, _, second = await started(workflow)
    await workflow.execute(reserve_v1.system_error(OSError("no shelf"), to=reserve))
    assert wanted_timers(await record_of(workflow, reserve)) == {second.id}


async def test_a_reply_after_the_deadline_still_arrives() -> None:
    workflow = timed(with_deadlines)
    reserve, _, first, _ = await started(workflow)
    await workflow.execute(elapsed(first))
    assert (await workflow.run(reserved(reserve))).ignored is None


async def test_a_call_to_several_domains_has_a_deadline_for_each() -> None:
    async def spread(turn: TimedTurn) -> TimedAnswer:
        domains = (None, "mirror") if isinstance(turn.event.data, PlaceOrder) else ()
        return Wait(calls=[Emit(ReserveStock(sku="x"), domain=domains, deadline=MINUTE)])

    workflow = timed(spread)
    local, mirrored, first, second = await started(workflow)
    assert [first.data.call_id, second.data.call_id] == [local.id, mirrored.id]
    assert await workflow.execute(elapsed(first)) == []
    assert wanted_timers(await record_of(workflow, local)) == {second.id}


async def test_waking_up_leaves_deadlines_alone() -> None:
    async def both(turn: TimedTurn) -> TimedAnswer:
        if isinstance(turn.event.data, PlaceOrder):
            return Wait(None, [Emit(ReserveStock(sku="x"), deadline=2 * MINUTE)], wake_after=MINUTE)
        return Wait()

    workflow = timed(both)
    _, deadline, wake = await started(workflow)
    await workflow.execute(elapsed(wake))
    assert wanted_timers(await record_of(workflow, wake)) == {deadline.id}


async def test_the_end_ends_all_timers() -> None:
    async def ending(turn: TimedTurn) -> TimedAnswer:
        if isinstance(turn.event.data, PlaceOrder):
            return Wait(None, [Emit(ReserveStock(sku="x"), deadline=MINUTE), ChargeCard(amount_cents=1)])
        return Done(OrderPlaced(charge_id="c"))

    workflow = timed(ending)
    _, charge, timer = await started(workflow)
    await workflow.execute(charged(charge))
    record = await record_of(workflow, charge)
    assert (timers_in(record), wanted_timers(record)) == (None, frozenset())
    assert await workflow.run(elapsed(timer)) == Outcome(ignored=Ignored.ENDED)


async def test_a_failure_ends_all_timers() -> None:
    async def failing(turn: TimedTurn) -> TimedAnswer:
        if isinstance(turn.event.data, StockReserved):
            raise LookupError("no shelf")
        return await impatient(turn)

    workflow = timed(failing)
    reserve, _, timer = await started(workflow)
    await workflow.execute(reserved(reserve))
    record = await record_of(workflow, reserve)
    assert (record["executionStatus"], timers_in(record)) == ("failure", None)
    assert await workflow.run(elapsed(timer)) == Outcome(ignored=Ignored.FAILED)


async def test_a_timer_that_comes_twice_is_taken_once() -> None:
    async def counting(_: TimedTurn) -> TimedAnswer:
        return Wait(calls=[ChargeCard(amount_cents=1)], wake_after=MINUTE)

    workflow = timed(counting)
    _, timer = await started(workflow)
    charge, _ = await workflow.execute(elapsed(timer))
    assert await workflow.run(elapsed(timer)) == Outcome(ignored=Ignored.DUPLICATE)
    await workflow.execute(charged(charge))
    assert await workflow.run(elapsed(timer)) == Outcome(ignored=Ignored.OBSOLETE)


async def test_a_timer_of_a_stranger_has_no_effect() -> None:
    workflow = timed(impatient)
    *_, timer = await started(workflow)
    assert await workflow.run(elapsed(timer).replace(source="com.evil")) == Outcome(ignored=Ignored.OBSOLETE)
    assert await workflow.run(elapsed(timer).replace(id="guessed")) == Outcome(ignored=Ignored.OBSOLETE)
    assert timers_in(await record_of(workflow, timer)) == {"wake": timer.id}


async def test_a_timer_before_the_start_has_no_effect() -> None:
    *_, timer = await started(timed(impatient))
    assert await timed(impatient).run(elapsed(timer)) == Outcome(ignored=Ignored.NOT_STARTED)


async def test_an_event_delivered_again_after_a_lost_write_starts_the_same_timers() -> None:
    memory = FaultyMemory()
    workflow = timed(with_deadlines, memory=memory)
    start = request()
    elsewhere = [event.id for event in await timed(with_deadlines).execute(start)]
    memory.broken.add("write")
    with pytest.raises(TransactionViolation):
        await workflow.execute(start)
    memory.broken.clear()
    assert [event.id for event in await workflow.execute(start)] == elsewhere


async def test_a_workflow_without_services_can_sleep() -> None:
    sleeper = Resumable(order)

    @sleeper.on(order_v1, state=OrderState, timeouts=True)
    async def function(turn: Turn[PlaceOrder | Timeout, OrderState]) -> Wait[OrderState] | Done[OrderPlaced]:
        if isinstance(turn.event.data, PlaceOrder):
            return Wait(wake_after=timedelta(days=30))
        return Done(OrderPlaced(charge_id="a month later"))

    workflow = sleeper.bind(InMemoryMachineMemory())
    (timer,) = await workflow.execute(request())
    assert split_delay(timer)[1] == timedelta(days=30)
    (done,) = await workflow.execute(elapsed(timer))
    assert done.data == OrderPlaced(charge_id="a month later")


def test_wanted_timers_of_what_is_no_record_are_none() -> None:
    assert wanted_timers({}) == frozenset()
    assert wanted_timers({"timers": None}) == frozenset()
    assert wanted_timers({"timers": {"wake": 5, "other": "id"}}) == {"id"}
