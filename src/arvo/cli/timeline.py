"""One input as rows of text: who handled what, when and how long, what came out, and from which event it came.

Pure: what is printed when, and where, is for `timeline_printer.py`.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Final

import click
import msgspec

from arvo.cli.console import shortened, visible
from arvo.cli.log_notes import place_in_user_code
from arvo.cli.outcome import is_system_error
from arvo.runtime import Retry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from arvo.cli.journal import Process, Step
    from arvo.cli.outcome import Outcome
    from arvo.events import Event

__all__ = ["Layout"]

WIDTH: Final = 100
LONGEST_REASON: Final = 300
_LONGEST_ID: Final = 40
_NARROWEST, _WIDEST = 16, 28
_PARENT_SUBJECT: Final = b'"parentSubject$$":null'


class Layout:
    """The columns of a timeline; that of the handlers is as wide as the names of an app's handlers need."""

    def __init__(self, handlers: Iterable[str]) -> None:
        longest = max((len(name) for name in handlers), default=0)
        self._handlers = min(max(longest, _NARROWEST), _WIDEST)
        self._emitted = len(self._columns("", "", "", ""))

    def headline(self, process: Process, *, continued: bool = False) -> Iterator[str]:
        """What the input is."""
        event = process.event
        name = f"{click.style(event.type, bold=True)} {shortened(visible(event.id), _LONGEST_ID)}"
        if continued:
            yield f"{name}, continued"
            return
        yield f"{name} from {visible(event.source)}, line {process.line}"
        yield f"  {_data(event, WIDTH - 2)}"
        yield click.style(self._columns("at ms", "took ms", "event", "handler") + "emitted", dim=True)

    def rows(self, step: Step) -> Iterator[str]:
        """An attempt of a handler, with every event that it emitted on a row of its own."""
        seen = step.seen
        columns = self._columns(
            f"{step.started_ms:.1f}",
            f"{seen.duration_seconds * 1000:.2f}",
            f"#{step.number}" if step.parent is None else f"#{step.number} of #{step.parent}",
            seen.handler,
        )
        if seen.error is not None:
            yield columns + click.style(_fate(step), fg="red")
            yield from _error_rows(f"{type(seen.error).__name__}: {seen.error}", place_in_user_code(seen.error))
            return
        if not seen.outputs:
            yield columns + (f"- ignored: {step.ignored}" if step.ignored else "-")
        for number, output in zip(step.emitted, seen.outputs, strict=True):
            where = f" in {output.domain}" if output.domain is not None else ""
            yield f"{columns}#{number} {_coloured(output)}{where}"
            columns = " " * self._emitted
            if is_system_error(output.type):
                told = msgspec.json.decode(output.data_json, type=_SystemError)
                yield from _error_rows(f"{told.errorName}: {told.errorMessage}")

    def ending(self, process: Process, outcome: Outcome | None) -> Iterator[str]:
        """How the input ended, if it did, and what came out in the end."""
        equals = click.style("=", bold=True)
        if outcome is None:
            yield f"  {equals} {click.style('not finished', fg='red')}"
            return
        if outcome.answer is None:
            text = shortened(visible(_in_short(process, outcome)), LONGEST_REASON)
            for index, row in enumerate(wrap(text, WIDTH - 4)):
                yield f"  {' ' if index else equals} {click.style(row, fg=None if outcome.ending.good else 'red')}"
            return
        number = process.numbers.get(outcome.answer.id)
        yield f"  {equals} {'' if number is None else f'#{number} '}{_coloured(outcome.answer)}"
        yield f"    {_data(outcome.answer, WIDTH - 4)}"

    def _columns(self, at: str, took: str, event: str, handler: str) -> str:
        return f"  {at:>8} {took:>8}  {event:<11} {visible(handler):<{self._handlers}}  "


class _SystemError(msgspec.Struct):
    errorName: str = ""  # noqa: N815 - so it is named on the wire
    errorMessage: str = ""  # noqa: N815


def _error_rows(text: str, place: str = "") -> Iterator[str]:
    for row in wrap(shortened(visible(text), LONGEST_REASON) + place, WIDTH - 4):
        yield f"    {click.style(row, fg='red')}"


def _fate(step: Step) -> str:
    decision = step.seen.decision
    attempt = f" (attempt {step.seen.attempt})" if step.seen.attempt > 1 else ""
    if isinstance(decision, Retry):
        return f"failed{attempt}, tried again after {decision.delay.total_seconds():.2f} s"
    return f"failed{attempt} and given up: {decision.reason}" if decision is not None else f"failed{attempt}"


def _in_short(process: Process, outcome: Outcome) -> str:
    """The ending in a timeline, where the error of an event that was given up stands already."""
    letter = outcome.letter
    if letter is None or letter.handler is None:
        return str(outcome)
    number = process.numbers.get(letter.event.id)
    return f"{outcome.ending}: {letter.handler} gave up {'' if number is None else f'#{number} '}{letter.event.type}"


def _coloured(event: Event[object]) -> str:
    return click.style(event.type, fg="red" if is_system_error(event.type) else "cyan")


def _data(event: Event[object], width: int) -> str:
    raw = event.data_json.replace(b"," + _PARENT_SUBJECT, b"").replace(_PARENT_SUBJECT + b",", b"")
    return click.style(shortened(visible(raw[: 4 * width + 4].decode(errors="replace")), width), dim=True)
