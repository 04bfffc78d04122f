"""Opening and closing: what is finished, what is cancelled, and what is said about it."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import ConfigViolation, DefinitionError, ExecutionViolation
from arvo.runtime import App, AppClosedError, DeadLetter, RetryPolicy, ShutdownReport, Subscription, Unfinished
from arvo.runtime.chain import Chain, Delivery
from tests.unit.runtime.scene import FunctionHandler, SimulatedClock, answer, handler, request, sent, settle

if TYPE_CHECKING:
    from arvo.events import Event

SECOND = timedelta(seconds=1)
AT_ONCE = timedelta(0)


@handler("com.a.a")
async def echo(event: Event[Any]) -> Event[Any]:
    return answer("com.a.a", event)


@handler("com.s.s")
async def stuck(_: Event[Any]) -> None:
    await asyncio.Event().wait()


class BrokenClock(SimulatedClock):
    """A clock that fails when it is asked to sleep."""

    async def sleep(self, seconds: float) -> None:
        raise OSError(f"cannot sleep for {seconds}")


def count_records() -> int:
    gc.collect()
    return sum(type(kept) in (Chain, Delivery) for kept in gc.get_objects())


async def test_leaving_the_block_finishes_everything_that_was_taken_in() -> None:
    finished: list[str] = []

    @handler("com.b.b")
    async def slow(event: Event[Any]) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        finished.append(event.id)

    @handler("com.a.a")
    async def first(event: Event[Any]) -> Event[Any]:
        return sent("com.a.a", event, to="com.b.b")

    async with App([first, slow]) as app:
        for _ in range(5):
            await app.publish(request("com.a.a"))
    assert len(finished) == 5
    assert app.shutdown_report == ShutdownReport(unfinished=(), waiting={}, dead_letters=0)
    assert str(app.shutdown_report) == "Stopped with nothing in flight."


async def test_publishing_needs_an_open_app() -> None:
    app = App([echo])
    for attempt in (app.publish(request("com.a.a")), app.wait_idle(), app.close()):
        with pytest.raises(AppClosedError, match="not open"):
            await attempt
    async with app:
        pass
    with pytest.raises(AppClosedError, match="not open"):
        await app.publish(request("com.a.a"))


async def test_a_closed_app_takes_no_events_even_within_its_block() -> None:
    async with App([echo]) as app:
        await app.close()
        with pytest.raises(AppClosedError, match="shutting down"):
            await app.publish(request("com.a.a"))
        with pytest.raises(AppClosedError, match="shutting down"):
            await app.resolve(request("com.a.a"))


async def test_while_an_app_drains_handlers_may_still_publish() -> None:
    done: list[str] = []
    gate = asyncio.Event()
    apps: list[App] = []

    @handler("com.a.a")
    async def publishing(event: Event[Any]) -> None:
        await gate.wait()
        if event.id == "first":
            await apps[0].publish(request("com.a.a", id="second"))
        done.append(event.id)

    apps.append(App([publishing]))
    async with apps[0] as app:
        await app.publish(request("com.a.a", id="first"))
        closing = asyncio.create_task(app.close())
        await settle()
        gate.set()
        assert (await closing).clean
    assert done == ["first", "second"]


async def test_what_cannot_be_finished_in_time_is_cancelled_and_reported() -> None:
    clock = SimulatedClock()

    async def fail(_: Event[Any]) -> None:
        raise ExecutionViolation("later")

    later = Subscription(
        FunctionHandler("com.f.f", fail), retry=RetryPolicy(initial_delay=SECOND * 60, max_delay=SECOND * 60)
    )
    running, queued, retrying = request("com.s.s"), request("com.s.s"), request("com.f.f")
    app = App([stuck, later], clock=clock, drain_timeout=SECOND * 5)

    async def work() -> None:
        async with app:
            for event in (running, queued, retrying):
                await app.publish(event)

    working = asyncio.create_task(work())
    await clock.advance(SECOND * 4)
    assert not working.done()
    await clock.advance(SECOND)
    await working
    report = app.shutdown_report
    assert report is not None
    assert report.unfinished == (
        Unfinished(event=running, handler="com.s.s", stage="running", attempts=1),
        Unfinished(event=queued, handler="com.s.s", stage="queued", attempts=0),
        Unfinished(event=retrying, handler="com.f.f", stage="retrying", attempts=1),
    )
    assert not report.clean
    assert str(report) == "Stopped with 3 events unfinished: 1 running, 1 queued, 1 retrying."


async def test_an_unclean_stop_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with App([stuck], drain_timeout=AT_ONCE) as app:
        await app.publish(request("com.s.s"))
        await settle()
    assert "1 events unfinished: 1 running" in caplog.text


def test_a_report_reads_as_sentences() -> None:
    report = ShutdownReport(unfinished=(), waiting={"human.inbox": 2}, dead_letters=1)
    assert str(report) == "Stopped with nothing in flight. 2 waiting in domain 'human.inbox'. 1 dead letters."


async def test_an_error_in_the_block_cancels_the_handlers_at_once_and_comes_out_as_it_is() -> None:
    ended: list[str] = []

    @handler("com.a.a")
    async def slow(_: Event[Any]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    app = App([slow])

    async def work() -> None:
        async with app:
            await app.publish(request("com.a.a"))
            await settle()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert ended == ["cancelled"]
    assert app.shutdown_report is not None
    assert len(app.shutdown_report.unfinished) == 1


async def test_cancelling_the_task_that_holds_the_app_cancels_the_handlers() -> None:
    app = App([stuck])

    async def work() -> None:
        async with app:
            await app.publish(request("com.s.s"))
            await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await settle()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert app.shutdown_report is not None
    assert [entry.stage for entry in app.shutdown_report.unfinished] == ["running"]


async def test_cancelling_during_the_drain_stops_at_once() -> None:
    app = App([stuck], clock=SimulatedClock())

    async def work() -> None:
        async with app:
            await app.publish(request("com.s.s"))

    working = asyncio.create_task(work())
    await settle()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert app.shutdown_report is not None
    assert len(app.shutdown_report.unfinished) == 1


async def test_close_can_be_called_from_another_task_and_hurried_by_a_second_call() -> None:
    clock = SimulatedClock()
    async with App([stuck], clock=clock) as app:
        await app.publish(request("com.s.s"))
        patient = asyncio.create_task(app.close(timeout=SECOND * 60))
        await settle()
        assert not patient.done()
        hurried = asyncio.create_task(app.close(timeout=SECOND))
        await clock.advance(SECOND)
        assert len((await hurried).unfinished) == 1
        assert len((await patient).unfinished) == 1
    assert app.shutdown_report is not None
    assert not app.shutdown_report.clean


async def test_whoever_waits_for_idleness_is_told_when_the_app_stops_instead() -> None:
    async with App([stuck], drain_timeout=AT_ONCE) as app:
        await app.publish(request("com.s.s"))
        idle = asyncio.create_task(app.wait_idle())
        await settle()
    with pytest.raises(AppClosedError, match="stopped with events in flight"):
        await idle


async def test_a_handler_that_ignores_its_cancellation_starts_nothing_new() -> None:
    @handler("com.a.a")
    async def stubborn(event: Event[Any]) -> Event[Any]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return sent("com.a.a", event, to="com.b.b")
        raise AssertionError

    @handler("com.b.b")
    async def never(_: Event[Any]) -> None:
        pytest.fail("started after the stop")

    async with App([stubborn, never], drain_timeout=AT_ONCE) as app:
        await app.publish(request("com.a.a"))
        await settle()
    assert app.shutdown_report is not None
    assert [(entry.handler, entry.stage) for entry in app.shutdown_report.unfinished] == [("com.b.b", "queued")]


async def test_a_handler_that_fails_when_cancelled_is_not_retried_after_the_stop() -> None:
    @handler("com.a.a")
    async def grumpy(_: Event[Any]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ExecutionViolation("not now")

    async with App([grumpy], drain_timeout=AT_ONCE) as app:
        await app.publish(request("com.a.a"))
        await settle()
    assert app.shutdown_report is not None
    assert [entry.stage for entry in app.shutdown_report.unfinished] == ["retrying"]


@pytest.mark.parametrize("method", ["close", "wait_idle"])
async def test_a_handler_cannot_wait_for_its_own_app_to_finish(method: str) -> None:
    apps: list[App] = []

    @handler("com.a.a")
    async def waiting(_: Event[Any]) -> None:
        await getattr(apps[0], method)()

    apps.append(App([waiting]))
    async with apps[0] as app, asyncio.timeout(5):
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    (letter,) = app.dead_letters
    assert isinstance(letter.error, DefinitionError)
    assert f"{method}() was called from inside a handler" in str(letter.error)


async def test_an_interrupted_dead_letter_hook_leaves_its_letter_and_a_finished_event() -> None:
    async def fail(_: Event[Any]) -> None:
        raise ValueError("x")

    app = App([FunctionHandler("com.a.a", fail)], drain_timeout=AT_ONCE)

    @app.on_dead_letter
    async def slow(_: DeadLetter) -> None:
        await asyncio.Event().wait()

    async with app:
        await app.publish(request("com.a.a"))
        await settle()
    assert len(app.dead_letters) == 1
    assert app.shutdown_report is not None
    assert app.shutdown_report.clean


async def test_an_app_can_be_opened_again_but_not_twice_at_a_time() -> None:
    app = App([echo])
    for _ in range(2):
        async with app:
            with pytest.raises(DefinitionError, match="open already"):
                await app.__aenter__()
            assert (await app.resolve(request("com.a.a"))).source == "com.a.a"


async def test_two_apps_with_the_same_handlers_do_not_see_each_other() -> None:
    first, second = App([echo, stuck]), App([echo])
    async with second:
        async with first:
            await first.publish(request("com.s.s"))
            await second.wait_idle()
            with pytest.raises(ConfigViolation):
                await second.publish(request("com.s.s"))
            await first.close(timeout=AT_ONCE)
        assert (await second.resolve(request("com.a.a"))).source == "com.a.a"


async def test_neither_tasks_nor_records_are_left_behind_when_events_are_done() -> None:
    before = asyncio.all_tasks()
    kept_by_other_tests = count_records()  # such as those of errors in captured logs
    async with App([echo]) as app:
        for number in range(1000):
            await app.publish(request("com.a.a", subject=f"s/{number}"))
        await app.wait_idle()
        await settle()
        assert asyncio.all_tasks() == before
        assert count_records() == kept_by_other_tests


async def test_a_broken_clock_brings_everything_down_instead_of_losing_events_silently() -> None:
    async def fail(_: Event[Any]) -> None:
        raise ExecutionViolation("later")

    app = App([FunctionHandler("com.f.f", fail), stuck], clock=BrokenClock())

    async def work() -> None:
        async with app:
            await app.publish(request("com.s.s"))
            await app.publish(request("com.f.f"))
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await work()
    assert caught.group_contains(OSError, match="cannot sleep")
    assert app.shutdown_report is not None
    assert {entry.handler for entry in app.shutdown_report.unfinished} == {"com.s.s", "com.f.f"}
    async with App([echo]) as other:
        assert (await other.resolve(request("com.a.a"))).source == "com.a.a"


async def test_a_retry_timer_cancelled_by_somebody_else_leaves_a_dead_letter() -> None:
    async def fail(_: Event[Any]) -> None:
        raise ExecutionViolation("later")

    before = asyncio.all_tasks()
    async with App([FunctionHandler("com.f.f", fail)], clock=SimulatedClock()) as app, asyncio.timeout(5):
        await app.publish(request("com.f.f"))
        await settle()
        (timer,) = asyncio.all_tasks() - before
        timer.cancel()
        await app.wait_idle()
        await app.publish(request("com.f.f"))
        await settle()
        await app.close(timeout=AT_ONCE)
    assert len(app.dead_letters) == 1
