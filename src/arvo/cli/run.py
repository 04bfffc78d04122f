"""Feeds a stream of events through an app, and tells a printer all that happens. Its command is in `run_command.py`."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Final, Protocol

from arvo.cli.event_input import BadLine, Catalogue, open_lines, read_events
from arvo.cli.journal import Journal
from arvo.cli.outcome import answered, unanswered
from arvo.errors import ArvoError
from arvo.runtime import AppClosedError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from arvo.cli.event_input import InputEvent, Lines
    from arvo.cli.journal import HandlerFigures, Process, Step
    from arvo.cli.outcome import Outcome
    from arvo.runtime import App, DeadLetter, Observation, ShutdownReport

__all__ = ["Printer", "Progress", "RunSummary", "run_events"]

GRACE: Final = timedelta(seconds=1)
"""After a signal, what is in flight has this long to end before it is cancelled."""


class Printer(Protocol):
    """Where a run is told."""

    def began(self, process: Process) -> None:
        """An input is on its way."""
        ...

    def stepped(self, process: Process, step: Step) -> None:
        """An attempt of a handler is over."""
        ...

    def ended(self, process: Process, outcome: Outcome) -> None:
        """An input has ended."""
        ...

    def bad_line(self, path: str, bad: BadLine) -> None:
        """A line could not be used."""
        ...

    def finished(self, summary: RunSummary) -> None:
        """The run is over."""
        ...


class Progress(Protocol):
    """Who is told how far a run has come, after every input."""

    def update(self, inputs: int, read_bytes: int, size_bytes: int | None) -> None:
        """So many inputs have ended, and so much of the file was read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A whole run in figures."""

    inputs: int
    seconds: float
    endings: Mapping[str, int]
    failed: int
    bad_lines: int
    dead_letters: Sequence[DeadLetter]
    waiting: Mapping[str, int]
    figures: Mapping[str, HandlerFigures]
    interrupted: str | None
    """The signal that ended the run early."""
    undone: str
    """What was left undone then."""

    @property
    def good(self) -> bool:
        """Whether every line was used and ended well."""
        return not (self.failed or self.bad_lines or self.dead_letters or self.interrupted)


async def run_events(app: App, path: str, *, printer: Printer, progress: Progress, at_once: int) -> RunSummary:
    """Run every event of the file (`-`: standard input) through the app, and return what came of it.

    SIGINT and SIGTERM stop the reading, give what is in flight a second, and end the run. Raises OSError when the file
    cannot be read.
    """
    run = _Run(app, path, printer, progress)
    app.on_event(run.observe)
    started = perf_counter()
    async with open_lines(path) as lines, app:
        await run.feed(lines, at_once)
    summary = run.summary(perf_counter() - started, app.shutdown_report)
    printer.finished(summary)
    return summary


class _Run:
    def __init__(self, app: App, path: str, printer: Printer, progress: Progress) -> None:
        self._app = app
        self._path = path
        self._printer = printer
        self._progress = progress
        self._journal = Journal()
        self._endings: Counter[str] = Counter()
        self._inputs = self._failed = self._bad_lines = 0
        self._unfinished: list[str] = []
        self._interrupted: str | None = None

    def observe(self, seen: Observation) -> None:
        """Take down an attempt."""
        found = self._journal.observe(seen)
        if found is not None:
            self._printer.stepped(*found)

    async def feed(self, lines: Lines, at_once: int) -> None:
        """Run every line, `at_once` of them at a time. An input keeps its turn until it is answered or has ended."""
        async with asyncio.TaskGroup() as tasks:
            turns = asyncio.Semaphore(at_once)
            reading = tasks.create_task(self._read(lines, tasks, turns))
            with self._stoppable(reading, tasks):
                await asyncio.wait([reading])
                for _ in range(at_once):
                    await turns.acquire()

    async def _read(self, lines: Lines, tasks: asyncio.TaskGroup, turns: asyncio.Semaphore) -> None:
        catalogue = Catalogue(version for handler in self._app.handlers for version in handler.implements)
        async for found in read_events(lines, catalogue):
            if isinstance(found, BadLine):
                self._bad_lines += 1
                self._printer.bad_line(self._path, found)
                continue
            await turns.acquire()
            tasks.create_task(self._resolve(found, turns))
            self._progress.update(self._inputs, lines.read_bytes, lines.size_bytes)

    async def _resolve(self, given: InputEvent, turns: asyncio.Semaphore) -> None:
        process = self._journal.begin(given)
        self._printer.began(process)
        try:
            outcome = answered(await self._app.resolve(given.event))
        except AppClosedError:
            self._unfinished.append(given.event.id)
            return
        except ArvoError as error:
            outcome = unanswered(error)
        finally:
            self._journal.end(process)
            turns.release()
        self._inputs += 1
        self._endings[outcome.title] += 1
        self._failed += not outcome.ending.good
        self._printer.ended(process, outcome)

    @contextmanager
    def _stoppable(self, reading: asyncio.Task[None], tasks: asyncio.TaskGroup) -> Generator[None]:
        """Let a first signal end the run in good order; a second one does what it does by default."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)

        def stop(name: str) -> None:
            self._interrupted = name
            reading.cancel()
            tasks.create_task(self._app.close(timeout=GRACE))
            release()

        def release() -> None:
            for number in signals:
                loop.remove_signal_handler(number)

        for number in signals:
            loop.add_signal_handler(number, stop, number.name)
        try:
            yield
        finally:
            release()

    def summary(self, seconds: float, report: ShutdownReport | None) -> RunSummary:
        """The run in figures."""
        undone = ""
        if self._interrupted is not None:
            ids = ", ".join(self._unfinished[:5])
            more = f" ({ids}{', ...' if len(self._unfinished) > 5 else ''})" if ids else ""
            undone = f"{len(self._unfinished)} inputs were not finished{more}, and the lines after them were not read."
            if report is not None and not report.clean:
                undone = f"{undone} {report}"
        return RunSummary(
            inputs=self._inputs,
            seconds=seconds,
            endings=self._endings,
            failed=self._failed,
            bad_lines=self._bad_lines,
            dead_letters=self._app.dead_letters,
            waiting={} if report is None else report.waiting,
            figures=self._journal.figures,
            interrupted=self._interrupted,
            undone=undone,
        )
