"""Machines that wait for time to pass, written in Python or as documents: what goes out, and what comes of it later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from arvo.events import Event, split_delay
from arvo.orchestration import Ignored, Outcome
from tests.unit.orchestration.documents import (
    document_machine,
    orchestrated,
)
from tests.unit.orchestration.machines import Play, begin, order_machine
from tests.unit.orchestration.orders import (
    CardCharged,
    ChargeCard,
    OrderFailed,
    OrderState,
    ReserveStock,
    StockReserved,
    record_of,
    request,
)
from tests.unit.orchestration.timing import MINUTE, elapsed, timers_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from arvo.contracts import ServiceError
    from arvo.orchestration import BoundWorkflow, State
    from tests.unit.orchestration.machines import OrderMachine
    from tests.unit.orchestration.orders import CardDeclined

    OrderMachineState = State[
        OrderState, ReserveStock | ChargeCard, StockReserved | CardCharged | CardDeclined | ServiceError
    ]

WAITING = "xstate.after.60000.order.waiting"


class Patient(NamedTuple):
    """A machine that asks for stock and money, waits for stock for some time, and gives up then."""

    machine: OrderMachine
    waiting: OrderMachineState
    late: OrderMachineState


def patient(
    delay: timedelta | Callable[[OrderState], timedelta] = MINUTE, *, when: Callable[[OrderState], bool] | None = None
) -> Patient:
    machine = order_machine()
    waiting = machine.state("waiting")
    held = machine.state("held")
    late = machine.state("late")
    machine.start(at=waiting)(begin)
    machine.root.enter(lambda state: [ReserveStock(sku=state.sku), ChargeCard(amount_cents=1)])
    waiting.on(StockReserved, to=held)
    waiting.on(CardCharged, to=waiting, reenter=True)
    waiting.after(delay, to=late, when=when)
    machine.final(at=late)(lambda state: OrderFailed(reason=f"late: {state.hold_id}"))
    return Patient(machine, waiting, late)


async def playing(machine: OrderMachine) -> tuple[Play, Event[Any]]:
    """An execution of the machine, with the timer that it has started."""
    play = Play(machine)
    await play.start()
    return play, play.calls[-1]


async def test_entering_a_state_starts_its_timer() -> None:
    play, timer = await playing(patient().machine)
    assert timers_in(await play.record()) == {WAITING: timer.id}
    assert (timer.type, timer.to, timer.data.timer) == ("arvo.timer.elapsed", "arvo.orc.order", WAITING)
    assert (timer.data.call_id, timer.data.call_type) == (None, None)
    assert split_delay(timer)[1] == MINUTE


async def test_time_that_passes_takes_its_transition() -> None:
    play, timer = await playing(patient().machine)
    assert await play.take(elapsed(timer)) == [OrderFailed(reason="late: None")]
    assert timers_in(await play.record()) is None


async def test_leaving_the_state_ends_the_wait() -> None:
    play, timer = await playing(patient().machine)
    await play.reply(StockReserved(hold_id="h"))
    assert timers_in(await play.record()) is None
    assert await play.workflow.run(elapsed(timer)) == Outcome(ignored=Ignored.OBSOLETE)
    assert await play.value() == "held"


async def test_a_reply_that_leads_nowhere_leaves_the_timer_alone() -> None:
    machine = patient().machine
    machine.root.on_any()(lambda state, _: state)
    play, timer = await playing(machine)
    await play.fail(play.services[0])
    assert timers_in(await play.record()) == {WAITING: timer.id}


async def test_entering_the_state_again_begins_a_new_wait() -> None:
    play, first = await playing(patient().machine)
    await play.reply(CardCharged(charge_id="c"))
    second = play.calls[-1]
    assert timers_in(await play.record()) == {WAITING: second.id}
    assert await play.workflow.run(elapsed(first)) == Outcome(ignored=Ignored.OBSOLETE)
    assert await play.take(elapsed(second)) == [OrderFailed(reason="late: None")]


async def test_a_timer_that_comes_twice_is_taken_once() -> None:
    machine = order_machine()
    ticking = machine.state("ticking")
    machine.start(at=ticking)(begin)
    ticking.after(MINUTE)(lambda state: state.model_copy(update={"amount_cents": state.amount_cents + 1}))
    play, timer = await playing(machine)
    assert await play.take(elapsed(timer)) == []
    assert await play.workflow.run(elapsed(timer)) == Outcome(ignored=Ignored.DUPLICATE)
    assert (await play.state()).amount_cents == 501


async def test_a_moment_whose_condition_does_not_hold_passes() -> None:
    play, timer = await playing(patient(when=lambda state: state.hold_id is not None).machine)
    assert await play.take(elapsed(timer)) == []
    assert (await play.value(), timers_in(await play.record())) == ("waiting", None)


async def test_transitions_of_one_delay_are_tried_in_order_with_their_actions() -> None:
    machine, waiting, late = patient(when=lambda _: False)
    waiting.after(timedelta(seconds=60), to=late)(lambda state: state.model_copy(update={"hold_id": "second"}))
    play, timer = await playing(machine)
    assert await play.take(elapsed(timer)) == [OrderFailed(reason="late: second")]


async def test_a_delay_can_depend_on_the_state() -> None:
    def patience(state: OrderState) -> timedelta:
        return timedelta(seconds=state.amount_cents)

    play, timer = await playing(patient(patience).machine)
    assert timers_in(await play.record()) == {"xstate.after.patience.order.waiting": timer.id}
    assert split_delay(timer)[1] == timedelta(seconds=500)


async def test_regions_have_timers_of_their_own() -> None:
    machine = order_machine()
    both = machine.parallel("both")
    for name, minutes in (("left", 1), ("right", 2)):
        region = both.state(name)
        asked, over = region.state("asked"), region.state("over", final=True)
        asked.after(minutes * MINUTE, to=over)
    ended = machine.state("ended")
    both.on_done(to=ended)
    machine.start(at=both)(begin)
    machine.final(at=ended)(lambda _: OrderFailed(reason="both"))
    play, second = await playing(machine)
    first = play.calls[-2]
    assert await play.take(elapsed(first)) == []
    assert list(timers_in(await play.record()).values()) == [second.id]
    assert await play.take(elapsed(second)) == [OrderFailed(reason="both")]


async def test_a_failure_ends_all_timers() -> None:
    def breaks(_: OrderState) -> None:
        raise LookupError("no shelf")

    machine, waiting, _ = patient()
    waiting.exit(breaks)
    play, timer = await playing(machine)
    await play.reply(StockReserved(hold_id="h"))
    record = await play.record()
    assert (record["executionStatus"], timers_in(record)) == ("failure", None)
    assert await play.workflow.run(elapsed(timer)) == Outcome(ignored=Ignored.FAILED)


def test_a_machine_that_waits_can_be_drawn_and_written_down() -> None:
    def patience(state: OrderState) -> timedelta:
        return timedelta(seconds=state.amount_cents)

    machine, waiting, late = patient(when=lambda state: state.hold_id is None)
    waiting.after(patience, to=late)
    waiting.after(timedelta(microseconds=1500))
    after = machine.to_xstate()["states"]["waiting"]["after"]
    assert {delay: [each.get("target") for each in group] for delay, group in after.items()} == {
        "60000": ["#order.late"],
        "patience": ["#order.late"],
        "1.5": [None],
    }
    assert "after 0#58;01#58;00 [waiting.after]" in machine.to_mermaid()
    assert "after patience" in machine.to_mermaid()


# Documents.


def delaying(delay: str, **more: Any) -> dict[str, Any]:
    """A document that ends once a delay is over."""
    return {
        "id": "order",
        "initial": "waiting",
        "states": {"waiting": {"after": {delay: "late"}, **more}, "late": {"type": "final"}},
    }


async def test_a_document_waits_as_a_machine_in_python_does() -> None:
    workflow = orchestrated(document_machine(delaying("60000"), output=returning_output))
    (timer,) = await workflow.execute(request())
    assert timers_in(await record_of(workflow, timer)) == {WAITING: timer.id}
    (failed,) = await workflow.execute(elapsed(timer))
    assert failed.data == OrderFailed(reason="late")


def returning_output(_context: Any, _event: Any) -> OrderFailed:
    return OrderFailed(reason="late")


async def test_the_document_of_a_machine_in_python_goes_on_from_its_record() -> None:
    machine = patient().machine
    document: dict[str, Any] = {**machine.to_xstate(), "context": {}}
    document["states"]["waiting"]["on"] = {}
    document.pop("entry")
    written = orchestrated(machine)
    *_, timer = await written.execute(request())
    read = orchestrated(document_machine(document, output=returning_output, calls={}), memory=written.memory)
    (failed,) = await read.execute(elapsed(timer))
    assert failed.data == OrderFailed(reason="late")


def patience(context: dict[str, Any], _event: Any) -> timedelta:
    return timedelta(seconds=context["amount"] - 440)


async def _with_timer_of_a_former_chart() -> tuple[BoundWorkflow, Event[Any], Event[Any]]:
    """A workflow whose document has lost a state while its timer was running, its own timer, and the lost one."""
    workflow = orchestrated(document_machine(delaying("60000"), output=returning_output))
    (timer,) = await workflow.execute(request())
    record = dict(await record_of(workflow, timer))
    timers = {**record["timers"], "xstate.after.5.order.gone": "former"}
    await workflow.memory.write(timer.subject, {**record, "timers": timers}, record)
    return workflow, elapsed(timer), elapsed(timer).replace(id="former")


async def test_the_timer_of_a_state_that_is_gone_passes() -> None:
    workflow, own, former = await _with_timer_of_a_former_chart()
    assert await workflow.run(former) == Outcome()
    assert timers_in(await record_of(workflow, own)) == {WAITING: own.id}


async def test_the_end_ends_timers_that_the_chart_does_not_know() -> None:
    workflow, own, former = await _with_timer_of_a_former_chart()
    await workflow.execute(own)
    assert timers_in(await record_of(workflow, own)) is None
    assert await workflow.run(former) == Outcome(ignored=Ignored.ENDED)


@pytest.mark.parametrize("delay", [MINUTE, patience])
async def test_delays_of_documents_can_have_names(delay: Any) -> None:
    workflow = orchestrated(document_machine(delaying("patience"), delays={"patience": delay}))
    (timer,) = await workflow.execute(request(amount_cents=500))
    assert (timer.data.timer, split_delay(timer)[1]) == ("xstate.after.patience.order.waiting", MINUTE)


async def test_the_functions_of_a_document_see_the_event_of_its_timer() -> None:
    seen: list[Any] = []
    document = delaying("60000")
    document["states"]["waiting"]["after"] = {"60000": {"target": "late", "actions": "note"}}

    def note(_context: Any, event: Any, _params: Any) -> dict[str, Any]:
        seen.append(event)
        return {}

    workflow = orchestrated(document_machine(document, actions={"note": note}, output=returning_output))
    (timer,) = await workflow.execute(request())
    await workflow.execute(elapsed(timer))
    assert seen == [{"type": WAITING}]
