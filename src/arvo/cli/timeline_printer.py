"""Printing a run for people: which timelines are shown and in which order, troubles, and the summary at the end."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

import click

from arvo.cli.console import shortened, visible
from arvo.cli.summary import summary_rows
from arvo.cli.timeline import LONGEST_REASON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from arvo.cli.console import Console
    from arvo.cli.event_input import BadLine
    from arvo.cli.journal import Process, Step
    from arvo.cli.outcome import Outcome
    from arvo.cli.run import RunSummary
    from arvo.cli.timeline import Layout

__all__ = ["KindsPrinter", "LivePrinter", "Troubles"]

MOST_TROUBLES: Final = 100
MOST_KINDS: Final = 50
MOST_HELD_BACK: Final = 100
PATIENCE_SECONDS: Final = 0.5


class Troubles:
    """Lines that were bad or failed, as notes `file:line: ...`, up to a number that somebody may want to read."""

    def __init__(self, note: Callable[[str], object], path: str) -> None:
        self._note = note
        self._path = path
        self._told = 0

    def tell(self, line: int, text: str) -> None:
        """Tell what is wrong with a line."""
        self._told += 1
        if self._told <= MOST_TROUBLES:
            where = f"{visible(self._path)}:{line}: "
            self._note(click.style(where + shortened(visible(text), LONGEST_REASON), fg="red"))
        elif self._told == MOST_TROUBLES + 1:
            self._note(click.style("More lines like these are counted, and not shown.", fg="red"))


class KindsPrinter:
    """Shows the whole timeline of the first input of each kind, once it has ended; with `quiet`, no timeline at all.

    Inputs are of one kind when the same types of events took part.
    """

    def __init__(self, console: Console, layout: Layout, path: str, *, quiet: bool = False) -> None:
        self._console = console
        self._layout = layout
        self._troubles = Troubles(console.note, path)
        self._most = 0 if quiet else MOST_KINDS
        self._shown: set[frozenset[str]] = set()

    def began(self, process: Process) -> None:
        """Print nothing yet."""

    def stepped(self, process: Process, step: Step) -> None:
        """Print nothing yet."""

    def ended(self, process: Process, outcome: Outcome) -> None:
        """Print the timeline, if it is the first of its kind, else only what went wrong."""
        kind = process.kind
        if kind not in self._shown and len(self._shown) < self._most:
            self._shown.add(kind)
            _print(self._console, self._layout.headline(process))
            for step in process.steps:
                _print(self._console, self._layout.rows(step))
            _print(self._console, self._layout.ending(process, outcome))
            self._console.row()
        elif not outcome.ending.good:
            self._troubles.tell(process.line, f"{visible(process.event.id)} {_described(outcome)}")

    def bad_line(self, bad: BadLine) -> None:
        """Print what is wrong with a line."""
        self._troubles.tell(bad.line, bad.reason)

    def note(self, text: str) -> None:
        """Print what was logged."""
        self._console.note(text)

    def finished(self, summary: RunSummary) -> None:
        """Print the summary."""
        _print(self._console, summary_rows(summary))


class LivePrinter:
    """Shows every step as it happens, and keeps the steps of one input together.

    One input has the floor: the earliest that has not ended. What others do meanwhile is shown when that one has ended,
    or when too many have ended meanwhile. Notes wait for the end of the timeline they would be in the middle of.
    """

    def __init__(self, console: Console, layout: Layout, path: str, clock: Callable[[], float] = monotonic) -> None:
        self._console = console
        self._layout = layout
        self._troubles = Troubles(self.note, path)
        self._clock = clock
        self._spoke_at = clock()
        self._waiting: dict[Process, Outcome | None] = {}
        """The inputs that have not been shown to their end, in order of arrival."""
        self._shown_steps: dict[Process, int] = {}
        self._latest: Process | None = None
        self._ended = 0
        self._notes: list[str] = []

    def began(self, process: Process) -> None:
        """Give the input the floor if nobody has it."""
        self._waiting[process] = None
        self._go_on()

    def stepped(self, process: Process, step: Step) -> None:
        """Show the step, which is among those of the process, if its input has the floor."""
        del process, step
        self._go_on()

    def ended(self, process: Process, outcome: Outcome) -> None:
        """Show how the input ended, now or in its turn."""
        self._waiting[process] = outcome
        self._ended += 1
        self._go_on()
        if self._ended > MOST_HELD_BACK or self._clock() - self._spoke_at > PATIENCE_SECONDS:
            for other in [other for other, ended in self._waiting.items() if ended is not None]:
                self._show(other)

    def bad_line(self, bad: BadLine) -> None:
        """Print what is wrong with a line."""
        self._troubles.tell(bad.line, bad.reason)

    def note(self, text: str) -> None:
        """Print what was logged, now or after the timeline that is being printed."""
        if self._latest is None or len(self._notes) >= MOST_HELD_BACK:
            self._console.note(text)
        else:
            self._notes.append(text)

    def finished(self, summary: RunSummary) -> None:
        """Print what is left, and the summary."""
        for process in tuple(self._waiting):
            self._show(process, is_over=True)
        self._close()
        _print(self._console, summary_rows(summary))

    def _go_on(self) -> None:
        while self._waiting:
            first = next(iter(self._waiting))
            self._show(first)
            if first in self._waiting:
                return

    def _show(self, process: Process, *, is_over: bool = False) -> None:
        """Print what has happened to the input since it was last shown."""
        outcome, shown = self._waiting[process], self._shown_steps.get(process)
        is_over = is_over or outcome is not None
        steps = process.steps[shown or 0 :]
        if process is not self._latest and (steps or is_over or shown is None):
            self._close()
            self._latest = process
            self._spoke_at = self._clock()
            _print(self._console, self._layout.headline(process, continued=shown is not None))
        for step in steps:
            self._spoke_at = self._clock()
            _print(self._console, self._layout.rows(step))
        self._shown_steps[process] = (shown or 0) + len(steps)
        if is_over:
            _print(self._console, self._layout.ending(process, outcome))
            del self._waiting[process], self._shown_steps[process]
            self._ended -= outcome is not None
            self._close()

    def _close(self) -> None:
        """End the timeline that is being printed."""
        if self._latest is not None:
            self._latest = None
            self._console.row()
        for text in self._notes:
            self._console.note(text)
        self._notes.clear()


def _print(console: Console, rows: Iterable[str]) -> None:
    for row in rows:
        console.row(row)


def _described(outcome: Outcome) -> str:
    return str(outcome) if outcome.answer is None else f"ended as {outcome.answer.type}"
