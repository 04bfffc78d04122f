"""Printing a run for machines: one JSON object a line, each with a `kind`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from arvo.cli.console import Console
    from arvo.cli.event_input import BadLine
    from arvo.cli.journal import Process, Step
    from arvo.cli.outcome import Outcome
    from arvo.cli.run import RunSummary

__all__ = ["JsonPrinter"]


class JsonPrinter:
    """Prints objects of the kinds `step`, `outcome`, `bad_line` and, last, `summary`."""

    def __init__(self, console: Console, path: str) -> None:
        self._console = console
        self._path = path

    def began(self, process: Process) -> None:
        """Print nothing: the first step says as much."""

    def stepped(self, process: Process, step: Step) -> None:
        """Print an attempt."""
        seen = step.seen
        self._print(
            "step",
            line=process.line,
            input=process.event.id,
            handler=seen.handler,
            event={"id": seen.event.id, "type": seen.event.type, "parentid": seen.event.parentid},
            attempt=seen.attempt,
            seconds=round(seen.duration_seconds, 6),
            emitted=[output.to_dict() for output in seen.outputs],
            ignored=step.ignored,
            error=None if seen.error is None else f"{type(seen.error).__name__}: {seen.error}",
        )

    def ended(self, process: Process, outcome: Outcome) -> None:
        """Print how an input ended."""
        self._print(
            "outcome",
            line=process.line,
            input=process.event.id,
            ending=outcome.ending,
            good=outcome.ending.good,
            answer=None if outcome.answer is None else outcome.answer.to_dict(),
            reason=outcome.reason,
        )

    def bad_line(self, bad: BadLine) -> None:
        """Print what is wrong with a line."""
        self._print("bad_line", path=self._path, line=bad.line, reason=bad.reason)

    def note(self, text: str) -> None:
        """Print what was logged, to standard error: it is no part of the result."""
        self._console.note(text)

    def finished(self, summary: RunSummary) -> None:
        """Print the summary."""
        self._print(
            "summary",
            good=summary.good,
            inputs=summary.inputs,
            seconds=round(summary.seconds, 3),
            endings=dict(summary.endings),
            bad_endings=sorted(summary.bad_endings),
            bad_lines=summary.bad_lines,
            dead_letters=summary.dead_letters,
            waiting=dict(summary.waiting),
            stopped=summary.stopped,
            undone=summary.undone,
            handlers={
                handler: {
                    "attempts": figures.attempts,
                    "errors": figures.errors,
                    "total_seconds": round(figures.total_seconds, 6),
                    "longest_seconds": round(figures.longest_seconds, 6),
                }
                for handler, figures in summary.figures.items()
            },
        )

    def _print(self, kind: str, **members: Any) -> None:
        self._console.row(msgspec.json.encode({"kind": kind, **members}))
