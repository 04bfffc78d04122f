"""Feeds a stream of events through an app, and tells a printer all that happens. Its command is in `run_command.py`."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Final, Protocol

from arvo.cli.event_input import BadLine, Catalogue, read_events
from arvo.cli.journal import Journal
from arvo.cli.outcome import Ending, answered, ignored, unanswered
from arvo.errors import ArvoError
from arvo.orchestration import Ignored
from arvo.runtime import AppClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from arvo.cli.journal import HandlerFigures, Process, Step
    from arvo.cli.line_reader import LineReader
    from arvo.cli.outcome import Outcome
    from arvo.runtime import App, DeadLetter, Observation

__all__ = ["Printer", "Run", "RunSummary"]

GRACE: Final = timedelta(seconds=1)
"""When a run is stopped, what is in flight has this long to end before it is cancelled."""
MOST_LATE: Final = 256
"""So many inputs that are answered may wait for the rest of what came of them; then the oldest is taken as ended."""
UNFINISHED_TOLD: Final = 5

_workflow_log = logging.getLogger("arvo.orchestration")


class Printer(Protocol):
    """Where a run is told."""

    def began(self, process: Process) -> None:
        """An input is on its way."""
        ...

    def stepped(self, process: Process, step: Step) -> None:
        """An attempt of a handler is over."""
        ...

    def ended(self, process: Process, outcome: Outcome) -> None:
        """An input has ended, and nothing more will come of it."""
        ...

    def bad_line(self, bad: BadLine) -> None:
        """A line could not be used."""
        ...

    def note(self, text: str) -> None:
        """Something was logged meanwhile."""
        ...

    def finished(self, summary: RunSummary) -> None:
        """The run is over."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A whole run in figures."""

    inputs: int
    """Those that ended."""
    seconds: float
    endings: Mapping[str, int]
    bad_endings: frozenset[str]
    """Those of the endings that nobody wanted."""
    bad_lines: int
    dead_letters: int
    kept_dead_letters: Sequence[DeadLetter]
    """As many of them as the app keeps."""
    dead_letters_told: int
    """How many of them were the reason why an input failed."""
    waiting: Mapping[str, int]
    """How many events wait for each domain."""
    figures: Mapping[str, HandlerFigures]
    stopped: str | None
    """Why the run ended early."""
    undone: str
    """What was left undone, then or because its time to finish was over."""

    @property
    def good(self) -> bool:
        """Whether every line was used and ended well."""
        return not (self.bad_endings or self.bad_lines or self.dead_letters or self.stopped or self.undone)


class Run:
    """One run of an app over lines of events; `on_progress` hears how many inputs have ended, after each.

    `stop` may be called at any time from the event loop: it ends the reading, gives what is in flight a second, and
    cancels the rest.
    """

    def __init__(self, app: App, printer: Printer, *, on_progress: Callable[[int], object]) -> None:
        self._app = app
        self._printer = printer
        self._on_progress = on_progress
        self._journal = Journal(handler.source for handler in app.handlers)
        self._endings: Counter[str] = Counter()
        self._bad_endings: set[str] = set()
        self._inputs = self._bad_lines = self._lines_read = 0
        self._dead_letters = self._dead_letters_told = 0
        self._in_flight: dict[str, tuple[Process, asyncio.Task[None]]] = {}
        self._late: dict[Process, None] = {}
        self._unfinished: list[Process] = []
        self._stopped: str | None = None
        self._context = copy_context()
        self._reading: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def __call__(self, lines: LineReader, *, at_once: int) -> RunSummary:
        """Run every line, `at_once` of them at a time, and return what came of it."""
        self._app.on_event(self._observe)
        self._app.on_dead_letter(self._bury)
        watcher = _IgnoredEvents(self._journal)
        started = perf_counter()
        try:
            async with self._app:
                await self._feed(lines, at_once)
        finally:
            watcher.remove()
        for process in tuple(self._late):
            self._tell_end(process)
        summary = self._summary(perf_counter() - started)
        self._printer.finished(summary)
        return summary

    def stop(self, reason: str) -> None:
        """End the run early."""
        if self._stopped is not None:
            return
        self._stopped = reason
        if self._reading is not None:
            self._reading.cancel()
            # Whoever calls may be inside of a handler, which the app must not take this task to be.
            self._closing = asyncio.create_task(self._close(), context=self._context)

    def undone(self) -> str:
        """What would be left undone, were the run cut off now."""
        processes = sorted(
            (*self._unfinished, *(process for process, _ in tuple(self._in_flight.values()))),
            key=lambda process: process.line,
        )
        lines = ", ".join(str(process.line) for process in processes[:UNFINISHED_TOLD])
        more = ", ..." if len(processes) > UNFINISHED_TOLD else ""
        which = f" (line{'s' if len(processes) > 1 else ''} {lines}{more})" if processes else ""
        return f"Inputs not finished: {len(processes)}{which}. Nothing after line {self._lines_read} was taken in."

    async def _close(self) -> None:
        with suppress(AppClosedError):
            await self._app.close(timeout=GRACE)

    async def _feed(self, lines: LineReader, at_once: int) -> None:
        if self._stopped is not None:
            return
        async with asyncio.TaskGroup() as tasks:
            turns = asyncio.Semaphore(at_once)
            self._reading = tasks.create_task(self._read(lines, tasks, turns))
            await asyncio.wait([self._reading])
        if self._closing is not None:
            await self._closing

    async def _read(self, lines: LineReader, tasks: asyncio.TaskGroup, turns: asyncio.Semaphore) -> None:
        versions = (version for handler in self._app.handlers for version in handler.implements)
        try:
            async for found in read_events(lines, Catalogue(versions)):
                if isinstance(found, BadLine):
                    self._tell_bad(found)
                    await asyncio.sleep(0)  # many of them must not keep a signal waiting
                    continue
                await turns.acquire()
                while (same := self._in_flight.get(found.event.id)) is not None:
                    await asyncio.wait([same[1]])
                self._lines_read = found.line
                process = self._journal.begin(found)
                task = tasks.create_task(self._resolve(process, turns))
                self._in_flight[found.event.id] = process, task
        except OSError as error:
            self._stopped = f"an error while reading: {error.strerror or error}"

    async def _resolve(self, process: Process, turns: asyncio.Semaphore) -> None:
        """Run one input, which keeps its turn until it is answered or nothing of it is left."""
        self._printer.began(process)
        try:
            outcome = await self._outcome(process)
        except AppClosedError:
            self._unfinished.append(process)
            return
        finally:
            del self._in_flight[process.event.id]
            turns.release()
        self._count(process, outcome)
        self._on_progress(self._inputs)
        self._late[process] = None
        if not process.awaited:
            self._tell_end(process)
        elif len(self._late) > MOST_LATE:
            self._tell_end(next(iter(self._late)))

    async def _outcome(self, process: Process) -> Outcome:
        event = process.event
        try:
            return answered(await self._app.resolve(event))
        except AppClosedError:
            raise
        except ArvoError as error:
            outcome = unanswered(error, process.sent_away)
        if outcome.ending is Ending.QUIET and event.id in process.ignored:
            return await ignored(event, process.ignored[event.id], self._app.memory)
        return outcome

    def _observe(self, seen: Observation) -> None:
        found = self._journal.observe(seen)
        if found is None:
            return
        process, step = found
        self._printer.stepped(process, step)
        if process in self._late and not process.awaited:
            self._tell_end(process)

    async def _bury(self, _: DeadLetter) -> None:
        self._dead_letters += 1

    def _count(self, process: Process, outcome: Outcome) -> None:
        process.outcome = outcome
        self._inputs += 1
        self._endings[outcome.title] += 1
        self._dead_letters_told += outcome.letter is not None
        if not outcome.ending.good:
            self._bad_endings.add(outcome.title)

    def _tell_end(self, process: Process) -> None:
        self._late.pop(process, None)
        self._journal.end(process)
        if process.outcome is not None:
            self._printer.ended(process, process.outcome)

    def _tell_bad(self, bad: BadLine) -> None:
        self._lines_read = bad.line
        self._bad_lines += 1
        self._printer.bad_line(bad)

    def _summary(self, seconds: float) -> RunSummary:
        report = self._app.shutdown_report
        undone = "" if self._stopped is None else self.undone()
        if report is not None and not report.clean:
            undone = f"{undone} {report}".lstrip()
        return RunSummary(
            inputs=self._inputs,
            seconds=seconds,
            endings=self._endings,
            bad_endings=frozenset(self._bad_endings),
            bad_lines=self._bad_lines,
            dead_letters=max(self._dead_letters, len(self._app.dead_letters)),
            kept_dead_letters=self._app.dead_letters,
            dead_letters_told=self._dead_letters_told,
            waiting={} if report is None else report.waiting,
            figures=self._journal.figures,
            stopped=self._stopped,
            undone=undone,
        )


class _IgnoredEvents(logging.Handler):
    """Learns from the log of the workflows which events they made nothing of, which no event tells."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.INFO)
        self._journal = journal
        self._level_before = _workflow_log.level
        _workflow_log.setLevel(logging.INFO)
        _workflow_log.addHandler(self)

    def remove(self) -> None:
        """Listen no more."""
        _workflow_log.removeHandler(self)
        _workflow_log.setLevel(self._level_before)

    def emit(self, record: logging.LogRecord) -> None:
        """Take down which event it was, and why."""
        why = getattr(record, "ignored", None)
        if isinstance(why, Ignored):
            self._journal.ignore(str(getattr(record, "event_id", "")), why)
