"""Printing a run for machines: one JSON object a line, each with a `kind`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from arvo.cli.event_input import BadLine
    from arvo.cli.journal import Process, Step
    from arvo.cli.outcome import Outcome
    from arvo.cli.run import RunSummary

__all__ = ["JsonPrinter"]


class JsonPrinter:
    """Prints objects of the kinds `step`, `outcome`, `bad_line` and, last, `summary`."""

    def began(self, process: Process) -> None:
        """Print nothing: the first step says as much."""

    def stepped(self, process: Process, step: Step) -> None:
        """Print an attempt."""
        seen = step.seen
        _print(
            "step",
            line=process.line,
            input=process.event.id,
            handler=seen.handler,
            event={"id": seen.event.id, "type": seen.event.type, "parentid": seen.event.parentid},
            attempt=seen.attempt,
            seconds=round(seen.duration_seconds, 6),
            emitted=[output.to_dict() for output in seen.outputs],
            error=None if seen.error is None else f"{type(seen.error).__name__}: {seen.error}",
        )

    def ended(self, process: Process, outcome: Outcome) -> None:
        """Print how an input ended."""
        _print(
            "outcome",
            line=process.line,
            input=process.event.id,
            ending=outcome.ending,
            answer=None if outcome.answer is None else outcome.answer.to_dict(),
            reason=outcome.reason,
        )

    def bad_line(self, path: str, bad: BadLine) -> None:
        """Print what is wrong with a line."""
        _print("bad_line", path=path, line=bad.line, reason=bad.reason)

    def finished(self, summary: RunSummary) -> None:
        """Print the summary."""
        _print(
            "summary",
            inputs=summary.inputs,
            seconds=round(summary.seconds, 3),
            endings=dict(summary.endings),
            failed=summary.failed,
            bad_lines=summary.bad_lines,
            dead_letters=[str(letter) for letter in summary.dead_letters],
            waiting=dict(summary.waiting),
            interrupted=summary.interrupted,
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


def _print(kind: str, **members: Any) -> None:
    click.echo(msgspec.json.encode({"kind": kind, **members}).decode())
