"""Signals, seen from inside of the process; from outside, see `tests/acceptance/test_stop.py`."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.sqlite import SqliteMachineMemory
from arvo.cli.journal import Journal
from arvo.cli.stopping import CUT_OFF_SECONDS, stoppable
from tests.unit.cli.events import a_charge

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Project


class Watchdog:
    """A timer that goes off when a test says so."""

    armed: list[Watchdog]

    def __init__(self, seconds: float, bark: Callable[[], object]) -> None:
        self.seconds = seconds
        self.bark = bark
        self.daemon = False

    def start(self) -> None:
        assert self.daemon
        self.armed.append(self)


class CutOffError(BaseException):
    """What ends a process, where it must not end the tests."""


@pytest.fixture(autouse=True)
def watchdogs(monkeypatch: pytest.MonkeyPatch) -> list[Watchdog]:
    """The timers that were armed, none of which goes off by itself."""

    def end(code: int) -> None:
        raise CutOffError(code)

    armed: list[Watchdog] = []
    monkeypatch.setattr(Watchdog, "armed", armed, raising=False)
    monkeypatch.setattr("arvo.cli.stopping.Timer", Watchdog)
    monkeypatch.setattr(os, "_exit", end)
    return armed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_the_first_signal_calls_what_was_set_and_arms_the_watchdog(
    watchdogs: list[Watchdog], number: signal.Signals, code: int
) -> None:
    before = signal.getsignal(number)
    called = asyncio.Event()
    with stoppable() as stopping:
        stopping.on_signal = called.set
        signal.raise_signal(number)
        await called.wait()
    assert (stopping.signal, stopping.exit_code) == (number.name, code)
    assert [watchdog.seconds for watchdog in watchdogs] == [CUT_OFF_SECONDS]
    signal.signal(number, before)


async def test_the_task_is_cancelled_when_nothing_was_set() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def work() -> None:
        with stoppable():
            signal.raise_signal(signal.SIGTERM)
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task
    signal.signal(signal.SIGTERM, before)


async def test_without_a_signal_everything_is_as_before(watchdogs: list[Watchdog]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stoppable():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert watchdogs == []


async def test_the_watchdog_says_what_is_left_undone(
    watchdogs: list[Watchdog], capfd: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stoppable() as stopping:
        stopping.on_signal = str
        stopping.undone = lambda: "Much is left."
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(CutOffError) as end:
        watchdogs[0].bark()
    assert end.value.args == (143,)
    assert capfd.readouterr().err == (
        "\nStopped by SIGTERM: something in the app did not give way, so it was cut off. Much is left.\n"
    )
    signal.signal(signal.SIGTERM, before)


async def test_a_second_signal_does_not_wait_for_the_watchdog() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stoppable() as stopping:
        stopping.on_signal = str
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(CutOffError):
            signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def signals_as_before() -> Any:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals_as_before")
def test_a_signal_while_the_memory_is_opened_runs_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async def open_slowly(_: SqliteMachineMemory) -> None:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.Event().wait()

    monkeypatch.setattr(SqliteMachineMemory, "__aenter__", open_slowly)
    project.write("events.jsonl", a_charge())
    done = project.run("--memory", "sqlite:///orders.db")
    assert (done.code, done.out, done.err) == (143, "", "Stopped by SIGTERM before anything was run.\n")


@pytest.mark.usefixtures("signals_as_before")
def test_a_signal_in_a_handler_stops_the_run_from_outside_of_it(project: Project) -> None:
    source = (project.folder / "shop.py").read_text(encoding="utf-8")
    raising = "            import signal; signal.raise_signal(signal.SIGINT)\n"
    (project.folder / "shop.py").write_text(
        source.replace('            raise KeyError("no such card")\n', raising), encoding="utf-8"
    )
    project.write("events.jsonl", *(a_charge(id=f"charge-{number}", how="broken") for number in range(9)))
    done = project.run("--at-once", "1", "--timeline", "none")
    assert done.code == 130
    assert "Stopped by SIGINT. Inputs not finished: 0. Nothing after line 1 was taken in." in done.out


@pytest.mark.usefixtures("signals_as_before")
def test_of_many_inputs_left_undone_the_first_lines_are_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (project.folder / "shop.py").read_text(encoding="utf-8")
    raising = (
        "            import signal\n"
        "            if event.id == 'charge-7':\n"
        "                signal.raise_signal(signal.SIGTERM)\n"
        "            await asyncio.Event().wait()\n"
    )
    (project.folder / "shop.py").write_text(
        source.replace('            raise KeyError("no such card")\n', raising), encoding="utf-8"
    )
    monkeypatch.setattr("arvo.cli.run.GRACE", timedelta(milliseconds=20))
    project.write("events.jsonl", *(a_charge(id=f"charge-{number}", how="broken") for number in range(1, 8)))
    done = project.run()
    assert done.code == 143
    assert "Inputs not finished: 7 (lines 1, 2, 3, 4, 5, ...). Nothing after line 7 was taken in." in done.out
    assert done.out.count("  = not finished\n") == 7


@pytest.mark.usefixtures("signals_as_before")
def test_a_signal_when_all_is_done_but_the_audit_hurries_the_end(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (project.folder / "shop.py").read_text(encoding="utf-8")
    waiting = "import signal; signal.raise_signal(signal.SIGINT); await asyncio.Event().wait()"
    (project.folder / "shop.py").write_text(source.replace("await asyncio.sleep(0.05)", waiting), encoding="utf-8")
    monkeypatch.setattr("arvo.cli.run.GRACE", timedelta(milliseconds=20))
    project.write("events.jsonl", a_charge(type="com.parcel.ship", subject="parcel/1"))
    done = project.run()
    assert done.code == 130
    assert (
        "Stopped by SIGINT. Inputs not finished: 0. Nothing after line 1 was taken in. Stopped with 1 events"
        in done.out
    )


def test_what_is_cut_off_by_the_time_to_finish_is_told(project: Project) -> None:
    source = (project.folder / "shop.py").read_text(encoding="utf-8")
    source = source.replace("await asyncio.sleep(0.05)", "await asyncio.Event().wait()")
    source = source.replace("drain_timeout=timedelta(seconds=5)", "drain_timeout=timedelta(milliseconds=20)")
    (project.folder / "shop.py").write_text(source, encoding="utf-8")
    project.write("events.jsonl", a_charge(type="com.parcel.ship", subject="parcel/1"))
    done = project.run()
    assert done.code == 1
    assert "Stopped by the end of its time to finish. Stopped with 1 events unfinished: 1 running." in done.out
    assert "  = #2 evt.card.charge.success\n" in done.out


def test_inputs_whose_rest_never_ends_are_not_remembered_for_ever(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arvo.cli.run.MOST_LATE", 2)
    ended: list[int] = []
    end = Journal.end

    def count(journal: Journal, process: Any) -> None:
        end(journal, process)
        ended.append(len(journal))

    monkeypatch.setattr(Journal, "end", count)
    source = (project.folder / "shop.py").read_text(encoding="utf-8")
    source = source.replace("await asyncio.sleep(0.05)", "await asyncio.Event().wait()")
    source = source.replace("drain_timeout=timedelta(seconds=5)", "drain_timeout=timedelta(0)")
    (project.folder / "shop.py").write_text(source, encoding="utf-8")
    lines = [a_charge(id=f"p-{number}", type="com.parcel.ship", subject=f"parcel/{number}") for number in range(6)]
    project.write("events.jsonl", *lines)
    done = project.run("--timeline", "every", "--at-once", "1")
    assert ended[:4] == [6, 6, 6, 6]
    assert done.out.count("  = #2 evt.card.charge.success\n") == 6
