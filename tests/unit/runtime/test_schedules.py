"""Schedules: when they are due, what they publish, and what becomes of those that fail. Over a store: `worker`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from arvo.errors import ConfigViolation, DefinitionError
from arvo.runtime import App, DeadLetterReason
from arvo.runtime.schedule import new_schedule
from tests.unit.runtime.scene import OUTSIDE, SimulatedClock, answer, handler, request

if TYPE_CHECKING:
    from arvo.events import Event
    from tests.unit.runtime.scene import FunctionHandler

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT_OF_SUMMER_TIME = datetime(2026, 3, 28, 22, tzinfo=UTC)
NIGHT_OF_WINTER_TIME = datetime(2026, 10, 24, 21, tzinfo=UTC)


class Log:
    """A handler that notes the events it gets, and answers them."""

    def __init__(self) -> None:
        self.events: list[Event[Any]] = []

    def handler(self) -> FunctionHandler:
        @handler("com.log.log")
        async def note(event: Event[Any]) -> Event[Any]:
            self.events.append(event)
            return answer("com.log.log", event)

        return note


def upcoming(cron: str, after: datetime, count: int) -> list[str]:
    schedule = new_schedule(cron, lambda _: [], name="x", zone=BERLIN)
    found: list[datetime] = []
    while len(found) < count:
        due = schedule.next_after(found[-1] if found else after)
        assert due is not None
        assert schedule.is_due_at(due.astimezone(UTC))
        found.append(due)
    return [f"{due:%d %H:%M %Z}" for due in found]


@pytest.mark.parametrize(
    ("cron", "after", "due"),
    [
        ("30 2 * * *", NIGHT_OF_SUMMER_TIME, ["29 03:00 CEST", "30 02:30 CEST"]),
        ("0 2,3 * * *", NIGHT_OF_SUMMER_TIME, ["29 03:00 CEST", "30 02:00 CEST"]),
        ("0 * * * *", NIGHT_OF_SUMMER_TIME + HOUR, ["29 01:00 CET", "29 03:00 CEST", "29 04:00 CEST"]),
        ("30 2 * * *", NIGHT_OF_WINTER_TIME, ["25 02:30 CEST", "26 02:30 CET"]),
        ("30 2 * * *", NIGHT_OF_WINTER_TIME + 4.2 * HOUR, ["26 02:30 CET"]),
        ("0 * * * *", NIGHT_OF_WINTER_TIME + 2 * HOUR, ["25 02:00 CEST", "25 02:00 CET", "25 03:00 CET"]),
    ],
    ids=["left out", "left out and due after it", "hourly, forward", "twice", "second time", "hourly, back"],
)
def test_when_clocks_change_a_time_of_day_is_due_once_and_hours_go_by_real_time(
    cron: str, after: datetime, due: list[str]
) -> None:
    assert upcoming(cron, after, len(due)) == due


def test_a_sixth_field_in_front_means_seconds() -> None:
    schedule = new_schedule("*/20 * * * * *", lambda _: [], name="x", zone=UTC)
    assert schedule.next_after(datetime(2026, 1, 1, 0, 0, 20, 1, tzinfo=UTC)) == datetime(
        2026, 1, 1, 0, 0, 40, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("60 * * * *", "Bad minute"),
        ("0 0 31 2 *", "Bad day-of-month"),
        ("hourly", "Wrong number of fields"),
        ("0 0 */28 * MON#2", "no such time in the next 50 years"),
    ],
)
def test_a_bad_expression_is_refused_with_what_is_wrong_with_it(cron: str, problem: str) -> None:
    app = App([Log().handler()])
    with pytest.raises(DefinitionError, match=f"Schedule 'report' cannot be .*{cron[:3]}.*{problem}"):
        app.schedule(cron, lambda _: [], name="report")


def test_a_schedule_has_a_name_of_its_own() -> None:
    app = App([Log().handler()])

    @app.schedule("0 * * * *")
    def report(_: datetime) -> list[Event[Any]]:
        return []

    assert [schedule.name for schedule in app.schedules] == ["report"]
    with pytest.raises(DefinitionError, match="has a schedule 'report' already"):
        app.schedule("5 * * * *", report)
    with pytest.raises(DefinitionError, match=r"called '<lambda>'. Give it a name"):
        app.schedule("5 * * * *", lambda _: [])
    with pytest.raises(DefinitionError, match="Give it a name"):
        app.schedule("5 * * * *", report, name=" ")


def test_a_factory_is_a_plain_function() -> None:
    async def later(_: datetime) -> list[Event[Any]]:
        return []

    with pytest.raises(DefinitionError, match=r"'later' of schedule '5 [*] [*] [*] [*]' is an async function"):
        App([Log().handler()]).schedule("5 * * * *", later)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_events_are_published_each_time_the_expression_is_due_while_the_app_is_open() -> None:
    log, clock = Log(), SimulatedClock()
    app = App([log.handler()], clock=clock)
    called: list[datetime] = []

    @app.schedule("*/30 * * * *", timezone=BERLIN)
    def report(due: datetime) -> Event[Any]:
        called.append(due)
        return request("com.log.log", subject=f"report/{due:%H:%M}")

    app.schedule("0 1 * * *", lambda _: [request("com.log.log", subject=f"part/{n}") for n in (1, 2)], name="parts")
    async with app:
        with pytest.raises(DefinitionError, match="too late to add a schedule"):
            app.schedule("0 1 * * *", report, name="late")
        await clock.advance(timedelta(hours=1, seconds=1))
    assert sorted(event.subject for event in log.events) == ["part/1", "part/2", "report/01:30", "report/02:00"]
    assert [(due.tzinfo, due.astimezone(UTC).minute) for due in called] == [(BERLIN, 30), (BERLIN, 0)]
    assert app.dead_letters == ()
    assert app.shutdown_report is not None
    assert app.shutdown_report.clean
    await clock.advance(HOUR)
    assert len(log.events) == 4


async def test_the_ids_are_made_of_the_name_and_the_time() -> None:
    async def ids(name: str, cron: str) -> list[str]:
        log, clock = Log(), SimulatedClock()
        app = App([log.handler()], clock=clock)
        app.schedule(cron, lambda _: [request("com.log.log"), request("com.log.log")], name=name)
        async with app:
            await clock.advance(HOUR)
        return [event.id for event in log.events]

    first = await ids("report", "0 * * * *")
    assert len(set(first)) == 2
    assert await ids("report", "0 */1 * * *") == first
    others = {*(await ids("report", "59 * * * *")), *(await ids("summary", "0 * * * *"))}
    assert len(others) == 4
    assert others.isdisjoint(first)


@pytest.mark.parametrize("broken", [ZeroDivisionError("no"), None, ["text"]], ids=["raises", "nothing", "no event"])
async def test_a_factory_that_fails_makes_a_dead_letter_and_the_schedule_goes_on(broken: object) -> None:
    log, clock = Log(), SimulatedClock()
    app = App([log.handler()], clock=clock)

    def report(due: datetime) -> Any:
        if due.hour == 1:
            if isinstance(broken, Exception):
                raise broken
            return broken
        return request("com.log.log")

    app.schedule("0 * * * *", report)
    async with app:
        await clock.advance(2 * HOUR)
    assert len(log.events) == 1
    (letter,) = app.dead_letters
    assert (letter.handler, letter.reason) == ("schedule report", DeadLetterReason.UNEXPECTED)
    assert letter.event.data == {"schedule": "report", "due": "2026-01-01T01:00:00+00:00"}
    if not isinstance(broken, Exception):
        assert "must return an event, or a list or tuple of events" in str(letter.error)


async def test_an_event_that_nobody_takes_makes_a_dead_letter_of_its_occurrence() -> None:
    clock = SimulatedClock()
    app = App([Log().handler()], clock=clock)
    app.schedule("0 * * * *", lambda _: request("com.nobody.here"), name="lost")
    async with app:
        await clock.advance(HOUR)
    (letter,) = app.dead_letters
    assert isinstance(letter.error, ConfigViolation)


async def test_a_schedule_may_publish_for_later() -> None:
    log, clock = Log(), SimulatedClock()
    app = App([log.handler()], clock=clock)
    app.schedule("0 1 * * *", lambda _: request("com.log.log", extensions={"deliverafter": 60_000}), name="later")
    async with app:
        await clock.advance(HOUR)
        assert log.events == []
        await clock.advance(MINUTE)
        assert len(log.events) == 1


async def test_schedules_do_not_go_in_the_run_of_a_single_resolve() -> None:
    log, clock = Log(), SimulatedClock()
    app = App([log.handler()], clock=clock)
    app.schedule("* * * * *", lambda _: request("com.log.log"), name="often")
    assert (await app.resolve(request("com.log.log"))).to == OUTSIDE
    assert clock.naps == []


def test_an_occurrence_of_an_expression_that_was_changed_makes_nothing() -> None:
    def never(_: datetime) -> list[Event[Any]]:
        raise AssertionError

    due = datetime(2026, 1, 1, 1, tzinfo=UTC)
    before = new_schedule("0 * * * *", never, name="report", zone=UTC).occurrence(due)
    after = new_schedule("30 * * * *", never, name="report", zone=UTC)
    assert after.events(before) == []
