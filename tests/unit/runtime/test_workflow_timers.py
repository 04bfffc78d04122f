"""Timers of workflows in one process: held back, dropped when their workflow no longer wants them, and never wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from arvo.backends.memory import InMemoryMachineMemory
from arvo.orchestration import wanted_timers
from arvo.runtime import App, ResolveTimeoutError, ShutdownReport
from tests.unit.runtime.scene import FunctionHandler, SimulatedClock, request, settle
from tests.unit.runtime.timer_script import MINUTE, Call, Play, Step, scripts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.events import Event

AT_ONCE = timedelta(0)
HOUR = timedelta(hours=1)


def timers_left(report: ShutdownReport | None) -> list[str]:
    """The ids of the timers that were still held back at the end."""
    assert report is not None
    return [entry.event.id for entry in report.unfinished if entry.event.type == "arvo.timer.elapsed"]


@given(scripts)
@settings(deadline=None, max_examples=100)
async def test_whatever_the_order_of_turns_no_unwanted_timer_reaches_the_function(script: Sequence[Step]) -> None:
    clock = SimulatedClock()
    play = Play(script, clock.monotonic)
    app = play.app(clock)
    asked = play.request()
    async with app:
        await app.publish(asked)
        await clock.advance(HOUR)
    play.check()
    assert app.dead_letters == ()
    record = await app.memory.read(asked.subject)
    assert record is not None
    assert sorted(timers_left(app.shutdown_report)) == sorted(wanted_timers(record))


@given(scripts)
@settings(deadline=None, max_examples=25)
async def test_at_any_time_what_is_held_back_is_what_the_record_wants(script: Sequence[Step]) -> None:
    for minutes in range(0, 10, 3):
        clock = SimulatedClock()
        play = Play(script, clock.monotonic)
        app, asked = play.app(clock), play.request()
        async with app:
            await app.publish(asked)
            await clock.advance(timedelta(minutes=minutes))
        record = await app.memory.read(asked.subject)
        assert record is not None
        assert sorted(timers_left(app.shutdown_report)) == sorted(wanted_timers(record))


async def test_a_workflow_that_waits_for_a_time_is_woken_and_answers_who_asked() -> None:
    clock = SimulatedClock()
    play = Play([Step(wake_after=5)], clock.monotonic)
    app = play.app(clock)
    asked = asyncio.create_task(app.resolve(play.request()))
    await clock.advance(timedelta(minutes=4.9))
    assert not asked.done()
    await clock.advance(timedelta(minutes=0.2))
    assert (await asked).type == "arvo.orc.order.done"
    assert app.shutdown_report is not None
    assert app.shutdown_report.clean
    play.check()


async def test_resolve_ends_when_the_last_timer_it_waited_for_was_dropped() -> None:
    """The answer wakes the workflow, which drops its timer and then waits for nothing."""
    clock = SimulatedClock()
    play = Play([Step(5, (Call(1.5, None),)), Step(None)], clock.monotonic)
    asked = asyncio.create_task(play.app(clock).resolve(play.request()))
    await clock.advance(timedelta(minutes=2))
    assert asked.done()
    assert "every handler that took part" in str(asked.exception())


async def test_other_events_for_later_are_never_dropped() -> None:
    clock = SimulatedClock()
    play = Play([Step(5, (Call(3.5, None), Call(1.5, None))), Step(None)], clock.monotonic)
    async with play.app(clock) as app:
        await app.publish(play.request())
        await clock.advance(HOUR)
    assert [entry.at / MINUTE for entry in play.turns] == [0, 1.5, 3.5]


class MemoryOfAnother(InMemoryMachineMemory):
    """A memory in which nothing is found, or that is away, once `broken` says so."""

    broken: Exception | None = None
    empty = False

    async def read(self, id: str) -> dict[str, Any] | None:
        if self.broken is not None:
            raise self.broken
        return None if self.empty else await super().read(id)


@pytest.mark.parametrize("empty", [True, False])
async def test_timers_are_kept_when_their_record_cannot_be_read(empty: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Dropping them is a matter of room: the workflow ignores those that it does not want."""
    clock = SimulatedClock()
    memory = MemoryOfAnother()
    calls: list[str] = []

    async def execute(event: Event[Any]) -> list[Event[Any]]:
        calls.append(event.type)
        if len(calls) == 1:
            return [event.replace(type="arvo.timer.elapsed", id="timer", extensions={"deliverafter": 60_000})]
        memory.empty, memory.broken = empty, None if empty else OSError("the disk is gone")
        return []

    async with App([FunctionHandler("com.a.a", execute)], memory=memory, clock=clock) as app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.a.a"))
        await clock.advance(timedelta(minutes=2))
    assert calls == ["com.some.request", "com.some.request", "arvo.timer.elapsed"]
    assert ("the disk is gone" in caplog.text) is not empty


async def test_a_workflow_that_is_stopped_while_it_waits_reports_its_timer() -> None:
    clock = SimulatedClock()
    play = Play([Step(5)], clock.monotonic)
    app = play.app(clock)
    with pytest.raises(ResolveTimeoutError):
        await asyncio.gather(
            app.resolve(play.request(), timeout=timedelta(minutes=1)), clock.advance(timedelta(minutes=2)), settle()
        )
    assert len(timers_left(app.shutdown_report)) == 1
