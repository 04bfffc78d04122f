"""Signals to a worker, seen from inside of the process; from outside, see `tests/acceptance/test_worker_command.py`."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from arvo.backends.sqlite import SqliteStore
from arvo.runtime import Worker
from tests.unit.cli.events import a_charge

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from arvo.runtime import WorkerReport
    from tests.unit.cli.conftest import Project

STORE = ("--store", "sqlite:///orders.db")
ARMED: list[float] = []
RUN = Worker.run


class Watchdog:
    """A timer that never goes off."""

    def __init__(self, seconds: float, _: Callable[[], object]) -> None:
        ARMED.append(seconds)

    def start(self) -> None:
        """Do nothing."""


@pytest.fixture(autouse=True)
def signals_as_before(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """What a signal does after the test is what it did before."""
    monkeypatch.setattr("arvo.cli.stopping.Timer", Watchdog)
    ARMED.clear()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def signal_when_at_work(monkeypatch: pytest.MonkeyPatch, project: Project) -> None:
    """Have SIGTERM come when a handler has begun."""

    async def run(worker: Worker) -> WorkerReport:
        async def wait_for_the_handler() -> None:
            while not (project.folder / "started").exists():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)
            signal.raise_signal(signal.SIGTERM)

        waiting = asyncio.create_task(wait_for_the_handler())
        report = await RUN(worker)
        await waiting
        return report

    monkeypatch.setattr(Worker, "run", run)


def fill_the_store(project: Project, how: str) -> None:
    """Take a line into the store, and have no worker work on it."""
    project.write("events.jsonl", a_charge(how=how))
    assert project.run(*STORE, "--sources", "com.audit.log").code == 0


@pytest.mark.parametrize(("events", "code"), [((), 0), (("--events", "events.jsonl"), 143)])
def test_a_signal_while_the_store_is_opened_runs_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, events: tuple[str, ...], code: int
) -> None:
    async def open_slowly(_: SqliteStore) -> None:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.Event().wait()

    monkeypatch.setattr(SqliteStore, "__aenter__", open_slowly)
    project.write("events.jsonl", a_charge())
    done = project.arvo("run", "shop:app", *STORE, *events)
    assert (done.code, done.out, done.err) == (code, "", "Stopped by SIGTERM before anything was run.\n")


def test_a_worker_ends_well_once_what_it_does_is_done(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_the_store(project, "slowly")
    signal_when_at_work(monkeypatch, project)
    done = project.arvo("run", "shop:app", *STORE)
    assert done.code == 0
    assert done.out.startswith("Stopped by SIGTERM after ")
    assert done.out.endswith(" s: 1 deliveries.\n")
    assert ARMED == [29.0]


def test_what_does_not_end_in_time_is_cancelled_and_handed_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_the_store(project, "hanging")
    for module in ("work", "work_command"):
        monkeypatch.setattr(f"arvo.cli.{module}.DRAIN", timedelta(milliseconds=30))
    signal_when_at_work(monkeypatch, project)
    done = project.arvo("run", "shop:app", *STORE)
    assert done.code == 1
    assert " s: 0 deliveries, 1 lanes handed back.\nCancelled what had not ended 0 s later." in done.out


def test_lines_that_were_not_worked_off_are_no_success(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("events.jsonl", a_charge(how="slowly"))
    signal_when_at_work(monkeypatch, project)
    done = project.run(*STORE, "--json")
    (summary,) = done.objects
    assert done.code == 143
    assert (summary["stopped"], summary["good"], summary["drained"], summary["deliveries"]) == (
        "SIGTERM",
        False,
        True,
        1,
    )
