"""Schedules over a store: each occurrence once over all workers, and one for the time in which none ran."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryStore
from arvo.backends.sqlite import SqliteStore
from arvo.runtime import App, Worker
from arvo.testing import ShiftableClock
from tests.unit.runtime.scene import handler, request
from tests.unit.runtime.worker.store_in_front import FailingStore
from tests.unit.runtime.worker.workplace import until, working

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from arvo.events import Event
    from arvo.ports import Clock, Store
    from tests.unit.runtime.scene import FunctionHandler

HOUR = timedelta(hours=1)


class Log:
    """A handler that notes the subjects of the events it gets."""

    def __init__(self) -> None:
        self.subjects: list[str] = []

    def handler(self) -> FunctionHandler:
        @handler("com.log.log")
        async def note(event: Event[Any]) -> None:
            self.subjects.append(event.subject)

        return note

    def app(self, cron: str = "0 * * * *", *, fails_in: int | None = None) -> App:
        """An app that asks for a report of each hour."""
        app = App([self.handler()])

        @app.schedule(cron)
        def report(due: datetime) -> Event[Any]:
            if due.hour == fails_in:
                raise ZeroDivisionError("no report in this hour")
            return request("com.log.log", subject=f"report/{due:%H:%M}")

        return app

    async def seen(self, count: int) -> None:
        async def enough() -> bool:
            return len(self.subjects) >= count

        await until(enough)
        await asyncio.sleep(0.05)  # for what must not come


class ClockAtHalfPast(ShiftableClock):
    """Begins at half past ten."""

    def __init__(self) -> None:
        super().__init__()
        self._added = datetime(2026, 1, 1, 10, 30, tzinfo=UTC) - datetime.now(UTC)


async def held(store: Store, count: int = 1) -> list[datetime]:
    """When the timers of the store are due, once there are so many."""

    async def enough() -> bool:
        return len(await store.timers()) >= count

    await until(enough)
    return [timer.due_at for timer in await store.timers()]


def worker(app: App, store: Store, clock: Clock) -> Worker:
    return Worker(app, store, clock=clock, heartbeat=timedelta(days=1))


async def test_each_occurrence_is_carried_out_once_over_all_workers(tmp_path: Path) -> None:
    log, clock = Log(), ClockAtHalfPast()
    async with (
        SqliteStore(tmp_path / "store.db", clock=clock) as store,
        SqliteStore(tmp_path / "store.db", clock=clock) as other,
        working(worker(log.app(), store, clock), worker(log.app(), other, clock), worker(log.app(), other, clock)),
    ):
        for number in range(1, 4):
            await held(store)
            await clock.let_pass(HOUR)
            await log.seen(number)
            assert log.subjects == [f"report/{hour}:00" for hour in (11, 12, 13)][:number]


async def test_the_next_occurrence_lies_in_the_store_before_its_time() -> None:
    log, clock = Log(), ClockAtHalfPast()
    async with InMemoryStore(clock=clock) as store:
        async with working(worker(log.app(), store, clock)):
            assert await held(store) == [datetime(2026, 1, 1, 11, tzinfo=UTC)]
        assert len(await store.timers()) == 1
        assert log.subjects == []


async def test_after_a_time_without_workers_one_occurrence_is_made_up_for_and_the_next_follow() -> None:
    log, clock = Log(), ClockAtHalfPast()
    async with InMemoryStore(clock=clock) as store:
        async with working(worker(log.app(), store, clock)):
            await held(store)
        await clock.let_pass(8 * HOUR)
        async with working(worker(log.app(), store, clock)):
            await log.seen(1)
            assert log.subjects == ["report/11:00"]
            assert await held(store) == [datetime(2026, 1, 1, 19, tzinfo=UTC)]
            await clock.let_pass(HOUR)
            await log.seen(2)
    assert log.subjects == ["report/11:00", "report/19:00"]


async def test_workers_carry_schedules_out_whatever_sources_they_serve() -> None:
    log, clock = Log(), ClockAtHalfPast()
    app = log.app()
    app_worker = Worker(app, store := InMemoryStore(clock=clock), clock=clock, sources=["com.log.log"])
    assert "schedule report" in app_worker.serves
    async with store, working(app_worker):
        await held(store)
        await clock.let_pass(HOUR)
        await log.seen(1)


async def test_a_factory_that_fails_leaves_a_dead_letter_and_the_schedule_goes_on() -> None:
    log, clock = Log(), ClockAtHalfPast()
    async with InMemoryStore(clock=clock) as store, working(worker(log.app(fails_in=11), store, clock)):
        for _ in range(2):
            await held(store)
            await clock.let_pass(HOUR)
            await asyncio.sleep(0.05)
        await log.seen(1)
        assert log.subjects == ["report/12:00"]
        (letter,) = await store.dead_letters()
        assert (letter.letter.handler, letter.letter.reason) == ("schedule report", "unexpected")


async def test_an_expression_that_was_changed_no_longer_makes_the_event_that_lay_in_the_store() -> None:
    log, clock = Log(), ClockAtHalfPast()
    async with InMemoryStore(clock=clock) as store:
        async with working(worker(log.app(), store, clock)):
            await held(store)
        async with working(worker(log.app("15 * * * *"), store, clock)):
            await held(store, 2)
            await clock.let_pass(HOUR)
            await log.seen(1)
    assert log.subjects == ["report/11:15"]


async def test_a_store_that_is_away_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    log, clock = Log(), ClockAtHalfPast()
    async with InMemoryStore(clock=clock) as store:
        front = FailingStore(store, {"publish": 1})
        async with working(worker(log.app(), front.as_store(), clock)):
            assert len(await held(store)) == 1
    assert "The store did not take in what is scheduled" in caplog.text


async def test_without_schedules_there_is_nothing_to_do() -> None:
    log, clock = Log(), ClockAtHalfPast()
    async with InMemoryStore(clock=clock) as store:
        async with working(worker(App([log.handler()]), store, clock)):
            await asyncio.sleep(0.02)
        assert await store.timers() == []
