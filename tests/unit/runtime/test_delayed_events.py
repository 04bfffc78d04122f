"""Events that arrive later, in one process: when they arrive, who waits for them, and what is said of the others."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import ConfigViolation, DefinitionError, InvalidEvent
from arvo.events import delayed
from arvo.runtime import App, DeadLetterReason, Observation, ResolveTimeoutError, Subscription, UnansweredError
from arvo.runtime.scheduled import Scheduled
from arvo.testing import ShiftableClock
from tests.unit.runtime.scene import OUTSIDE, SimulatedClock, answer, handler, request, sent, settle

if TYPE_CHECKING:
    from arvo.events import Event
    from tests.unit.runtime.scene import FunctionHandler

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Log:
    """A handler that notes when which event came."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.entries: list[tuple[str, float]] = []
        self._clock = clock

    @property
    def ids(self) -> list[str]:
        return [id_ for id_, _ in self.entries]

    def handler(self, source: str = "com.log.log") -> FunctionHandler:
        @handler(source)
        async def note(event: Event[Any]) -> None:
            assert "deliverafter" not in event.extensions
            self.entries.append((event.id, self._clock.monotonic()))

        return note


def emitting(*delays: timedelta, to: str = "com.log.log") -> FunctionHandler:
    """A handler that emits an event for each delay."""

    @handler("com.emit.emit")
    async def emit(event: Event[Any]) -> list[Event[Any]]:
        return [
            delayed(sent("com.emit.emit", event, to=to, id=str(number)), delay) for number, delay in enumerate(delays)
        ]

    return emit


async def test_an_emitted_event_arrives_after_its_delay_and_without_it() -> None:
    clock = SimulatedClock()
    log = Log(clock)
    async with App([emitting(3 * SECOND, SECOND, timedelta(0)), log.handler()], clock=clock) as app:
        await app.publish(request("com.emit.emit"))
        await clock.advance(2.5 * SECOND)
        assert log.entries == [("2", 0.0), ("1", 1.0)]
        await clock.advance(SECOND)
        assert log.entries[2:] == [("0", 3.0)]


@pytest.mark.parametrize("deliver_at", [5 * SECOND, START + 5 * SECOND], ids=["delay", "time"])
async def test_an_event_is_published_for_later(deliver_at: timedelta | datetime) -> None:
    clock = SimulatedClock()
    log = Log(clock)
    async with App([log.handler()], clock=clock) as app:
        await app.publish(request("com.log.log", id="x"), deliver_at=deliver_at)
        await clock.advance(4.9 * SECOND)
        assert log.entries == []
        await clock.advance(SECOND)
        assert log.entries == [("x", 5.0)]


@pytest.mark.parametrize("deliver_at", [timedelta(0), START, START - MINUTE, datetime.min.replace(tzinfo=UTC)])
async def test_what_is_due_by_now_arrives_at_once(deliver_at: timedelta | datetime) -> None:
    clock = SimulatedClock()
    log = Log(clock)
    async with App([log.handler()], clock=clock) as app:
        await app.publish(request("com.log.log", id="x"), deliver_at=deliver_at)
        await app.wait_idle()
        assert log.ids == ["x"]


async def test_what_the_publisher_says_goes_before_what_the_event_says() -> None:
    clock = SimulatedClock()
    log = Log(clock)
    async with App([log.handler()], clock=clock) as app:
        await app.publish(delayed(request("com.log.log", id="x"), MINUTE), deliver_at=SECOND)
        await app.publish(delayed(request("com.log.log", id="y"), 2 * SECOND))
        await clock.advance(3 * SECOND)
        assert log.entries == [("x", 1.0), ("y", 2.0)]


@pytest.mark.parametrize("deliver_at", [-SECOND, timedelta(days=40_000)])
async def test_a_delay_that_cannot_be_is_refused(deliver_at: timedelta) -> None:
    async with App([Log(SimulatedClock()).handler()]) as app:
        with pytest.raises(InvalidEvent, match="cannot be delivered after that"):
            await app.publish(request("com.log.log"), deliver_at=deliver_at)
        with pytest.raises(InvalidEvent, match="'soon' is not a number"):
            await app.publish(request("com.log.log", extensions={"deliverafter": "soon"}))
        with pytest.raises(InvalidEvent):
            await app.resolve(request("com.log.log", extensions={"deliverafter": -1}))


async def test_a_time_without_a_zone_is_refused() -> None:
    async with App([Log(SimulatedClock()).handler()]) as app:
        with pytest.raises(DefinitionError, match="has no time zone"):
            await app.publish(request("com.log.log"), deliver_at=datetime(2026, 1, 1))  # noqa: DTZ001


async def test_a_handler_that_asks_for_a_delay_that_cannot_be_emits_nothing() -> None:
    clock = SimulatedClock()
    log = Log(clock)

    @handler("com.emit.emit")
    async def emit(event: Event[Any]) -> list[Event[Any]]:
        return [
            sent("com.emit.emit", event, to="com.log.log"),
            sent("com.emit.emit", event, to="com.log.log", extensions={"deliverafter": float("1e300")}),
        ]

    app = App([emit, log.handler()], clock=clock)
    observed: list[Observation] = []
    app.on_event(observed.append)
    async with app:
        await app.publish(request("com.emit.emit", id="asked"))
        await app.wait_idle()
    assert log.entries == []
    (letter,) = app.dead_letters
    assert (letter.event.id, letter.handler, letter.reason) == ("asked", "com.emit.emit", DeadLetterReason.POISON)
    assert isinstance(letter.error, InvalidEvent)
    assert [(seen.error, seen.outputs) for seen in observed] == [(letter.error, ())]


async def test_an_event_for_later_with_an_unknown_address_is_refused_at_once() -> None:
    async with App([Log(SimulatedClock()).handler()], clock=SimulatedClock()) as app:
        with pytest.raises(ConfigViolation, match=r"No handler of this app answers to 'com.log.lag'.*Did you mean"):
            await app.publish(request("com.log.lag"), deliver_at=SECOND)
    assert app.shutdown_report is not None
    assert app.shutdown_report.clean


async def test_an_emitted_event_for_later_with_an_unknown_address_is_a_dead_letter_then() -> None:
    clock = SimulatedClock()
    async with App([emitting(SECOND, to="com.nobody.here")], clock=clock) as app:
        await app.publish(request("com.emit.emit"))
        await clock.advance(0.5 * SECOND)
        assert not app.dead_letters
        await clock.advance(SECOND)
        (letter,) = app.dead_letters
        assert (letter.event.id, letter.reason) == ("0", DeadLetterReason.UNROUTABLE)


async def test_events_of_one_time_arrive_in_the_order_in_which_they_were_sent() -> None:
    clock = SimulatedClock()
    log = Log(clock)
    async with App([log.handler()], clock=clock) as app:
        for number in range(10):
            await app.publish(request("com.log.log", id=str(number)), deliver_at=SECOND)
        await clock.advance(SECOND)
        assert log.ids == [str(number) for number in range(10)]


# Who waits.


async def test_nobody_waits_for_what_arrives_later_and_it_is_reported_as_unfinished() -> None:
    clock = SimulatedClock()
    app = App([emitting(2 * SECOND), Log(clock).handler()], clock=clock)
    async with app, asyncio.timeout(5):
        await app.publish(request("com.emit.emit"))
        await app.publish(request("com.log.log", id="first"), deliver_at=SECOND)
        await app.wait_idle()
    report = app.shutdown_report
    assert report is not None
    assert [(entry.event.id, entry.handler, entry.stage, entry.due) for entry in report.unfinished] == [
        ("first", "com.log.log", "scheduled", START + SECOND),
        ("0", "com.log.log", "scheduled", START + 2 * SECOND),
    ]
    assert str(report) == "Stopped with 2 events unfinished: 2 scheduled."
    await clock.advance(MINUTE)
    assert app.dead_letters == ()


async def test_what_arrives_later_holds_no_credit_of_its_publisher() -> None:
    clock = SimulatedClock()
    log = Log(clock)
    handlers = [Subscription(emitting(SECOND), queue_limit=1), Subscription(log.handler(), queue_limit=1)]
    async with App(handlers, clock=clock) as app, asyncio.timeout(5):
        for number in range(3):
            await app.publish(request("com.emit.emit", subject=str(number)))
            await app.publish(request("com.log.log", id=f"p{number}"), deliver_at=SECOND)
        await clock.advance(SECOND)
        assert sorted(log.ids) == ["0", "0", "0", "p0", "p1", "p2"]


async def test_resolve_waits_for_what_comes_of_events_that_arrive_later() -> None:
    @handler("com.first.first")
    async def first(event: Event[Any]) -> Event[Any]:
        return delayed(sent("com.first.first", event, to="com.second.second"), 2 * MINUTE)

    @handler("com.second.second")
    async def second(event: Event[Any]) -> Event[Any]:
        return delayed(sent("com.second.second", event, to=OUTSIDE), MINUTE)

    clock = SimulatedClock()
    app = App([first, second], clock=clock)
    asked = asyncio.create_task(app.resolve(delayed(request("com.first.first"), MINUTE)))
    await clock.advance(3.9 * MINUTE)
    assert not asked.done()
    await clock.advance(0.2 * MINUTE)
    assert (await asked).source == "com.second.second"


async def test_while_somebody_waits_for_its_answer_what_arrives_later_is_in_flight() -> None:
    @handler("com.a.a")
    async def late(event: Event[Any]) -> Event[Any]:
        return delayed(answer("com.a.a", event), MINUTE)

    clock = SimulatedClock()
    async with App([late], clock=clock) as app:
        asked = asyncio.create_task(app.resolve(request("com.a.a")))
        await settle()
        idle = asyncio.create_task(app.wait_idle())
        await clock.advance(0.9 * MINUTE)
        assert not idle.done()
        await clock.advance(0.2 * MINUTE)
        await idle
        assert (await asked).source == "com.a.a"


async def test_once_it_is_answered_nobody_waits_for_the_rest() -> None:
    @handler("com.a.a")
    async def both(event: Event[Any]) -> list[Event[Any]]:
        return [answer("com.a.a", event), delayed(sent("com.a.a", event, to="com.a.a"), MINUTE)]

    clock = SimulatedClock()
    app = App([both], clock=clock)
    async with asyncio.timeout(5):
        await app.resolve(request("com.a.a"))
    assert app.shutdown_report is not None
    assert [entry.stage for entry in app.shutdown_report.unfinished] == ["scheduled"]


async def test_resolve_ends_when_what_arrived_later_brought_no_answer() -> None:
    clock = SimulatedClock()
    app = App([emitting(SECOND), Log(clock).handler()], clock=clock)
    asked = asyncio.create_task(app.resolve(request("com.emit.emit")))
    await clock.advance(0.5 * SECOND)
    assert not asked.done()
    await clock.advance(SECOND)
    with pytest.raises(UnansweredError, match="every handler that took part"):
        await asked


async def test_a_time_limit_of_resolve_ends_the_wait_for_later_events() -> None:
    clock = SimulatedClock()
    async with App([emitting(MINUTE), Log(clock).handler()], clock=clock) as app:
        asked = asyncio.create_task(app.resolve(request("com.emit.emit"), timeout=SECOND))
        await settle()
        idle = asyncio.create_task(app.wait_idle())
        await clock.advance(2 * SECOND)
        with pytest.raises(ResolveTimeoutError, match="its chain is still running"):
            await asked
        await idle


# Where they go.


async def test_an_event_for_a_domain_is_handed_to_its_sink_when_it_is_due() -> None:
    @handler("com.a.a")
    async def ask(event: Event[Any]) -> Event[Any]:
        return delayed(sent("com.a.a", event, to="com.human.ask", domain="human"), MINUTE)

    clock = SimulatedClock()
    app = App([ask], clock=clock)
    seen: list[float] = []

    @app.sink("human")
    async def human(_: Event[Any]) -> None:
        seen.append(clock.monotonic())

    async with app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.human.ask", domain="human"), deliver_at=2 * MINUTE)
        await clock.advance(3 * MINUTE)
    assert seen == [60.0, 120.0]


async def test_without_a_sink_it_waits_for_its_domain_from_then_on() -> None:
    @handler("com.a.a")
    async def ask(event: Event[Any]) -> Event[Any]:
        return delayed(sent("com.a.a", event, to="com.human.ask", domain="human", id="question"), MINUTE)

    clock = SimulatedClock()
    async with App([ask], clock=clock) as app:
        await app.publish(request("com.a.a"))
        await clock.advance(0.9 * MINUTE)
        assert app.waiting("human") == ()
        await clock.advance(0.2 * MINUTE)
        assert [event.id for event in app.waiting("human")] == ["question"]


async def test_an_answer_for_later_may_go_to_whoever_waits_for_it() -> None:
    @handler("com.a.a")
    async def ask(event: Event[Any]) -> Event[Any]:
        return sent("com.a.a", event, to="com.human.ask", domain="human")

    clock = SimulatedClock()
    async with App([ask], clock=clock) as app:
        asked = asyncio.create_task(app.resolve(request("com.a.a"), timeout=MINUTE))
        await settle()
        (question,) = app.waiting("human")
        await app.publish(sent("com.human.ask", question, to=OUTSIDE), deliver_at=SECOND)
        await clock.advance(SECOND)
        assert (await asked).source == "com.human.ask"


async def test_a_handler_may_publish_for_later() -> None:
    clock = SimulatedClock()
    log = Log(clock)

    @handler("com.a.a")
    async def publishes(_: Event[Any]) -> None:
        await app.publish(request("com.log.log", id="later"), deliver_at=SECOND)

    app = App([publishes, log.handler()], clock=clock)
    async with app:
        await app.publish(request("com.a.a"))
        await clock.advance(2 * SECOND)
    assert log.entries == [("later", 1.0)]


# What it costs.


async def test_many_events_for_later_are_one_task_and_leave_nothing_behind() -> None:
    before = asyncio.all_tasks()
    clock = ShiftableClock()
    handled = 0

    @handler("com.a.a")
    async def count(_: Event[Any]) -> None:
        nonlocal handled
        handled += 1

    async with App([count], clock=clock) as app:
        for number in range(5000):
            await app.publish(request("com.a.a", subject=str(number)), deliver_at=timedelta(hours=1 + number % 7))
        assert len(asyncio.all_tasks() - before) == 1
        await clock.let_pass(timedelta(hours=8))
        async with asyncio.timeout(20):
            while handled < 5000:  # noqa: ASYNC110 - events that arrive later are not waited for
                await asyncio.sleep(0.01)
        await app.wait_idle()
        await settle()
        assert asyncio.all_tasks() == before
        gc.collect()
        assert [kept for kept in gc.get_objects() if type(kept) is Scheduled] == []


async def test_the_clock_is_looked_at_every_minute_since_it_may_be_set() -> None:
    clock = SimulatedClock()
    log = Log(clock)
    async with App([log.handler()], clock=clock) as app:
        await app.publish(request("com.log.log"), deliver_at=timedelta(hours=1))
        await clock.advance(timedelta(hours=1))
        assert len(log.entries) == 1
        assert max(clock.naps) == 60.0
