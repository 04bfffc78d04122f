"""Printing a run for people: timelines of inputs, lines that could not be used, and a summary at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arvo.cli.event_input import BadLine
    from arvo.cli.journal import HandlerFigures, Process, Step
    from arvo.cli.outcome import Outcome
    from arvo.cli.run import RunSummary
    from arvo.events import Event

__all__ = ["TimelinePrinter"]

LONGEST_DATA: Final = 100
LONGEST_REASON: Final = 400


class TimelinePrinter:
    """Prints to standard output; bad lines go to standard error.

    `every` prints each step as it happens, its input's id in front. Otherwise the first input of each kind is printed
    as a whole when it has ended; inputs are of one kind when the same types of events took part. `quiet` prints none.
    """

    def __init__(self, *, every: bool = False, quiet: bool = False) -> None:
        self._every = every
        self._quiet = quiet
        self._shown: set[frozenset[str]] = set()

    def began(self, process: Process) -> None:
        """Print that an input is on its way, if each is to be followed."""
        if self._every:
            click.echo(f"{_marked(process)}{_headline(process)}")

    def stepped(self, process: Process, step: Step) -> None:
        """Print an attempt as it is over, if each is to be followed."""
        if self._every:
            for row in _rows(step):
                click.echo(f"{_marked(process)}{row}")

    def ended(self, process: Process, outcome: Outcome) -> None:
        """Print how an input ended: its last row, or its whole timeline if it is the first of its kind."""
        if self._every:
            click.echo(f"{_marked(process)}{_ending(process, outcome)}")
        elif not self._quiet and process.kind not in self._shown:
            self._shown.add(process.kind)
            click.echo(_headline(process))
            for step in process.steps:
                for row in _rows(step):
                    click.echo(row)
            click.echo(f"{_ending(process, outcome)}\n")

    def bad_line(self, path: str, bad: BadLine) -> None:
        """Print what is wrong with a line."""
        click.echo(click.style(f"{path}:{bad.line}: {bad.reason}", fg="red"), err=True)

    def finished(self, summary: RunSummary) -> None:
        """Print the summary."""
        for row in _summary(summary):
            click.echo(row)


def _marked(process: Process) -> str:
    return click.style(f"{process.event.id[:24]:<24} ", dim=True)


def _headline(process: Process) -> str:
    event = process.event
    head = click.style(f"#1 {event.type}", bold=True)
    return f"{head} {event.id} from {event.source} (line {process.line}) {_data(event)}"


def _rows(step: Step) -> Iterator[str]:
    seen = step.seen
    lineage = f"#{step.number}" if step.parent is None else f"#{step.number} of #{step.parent}"
    when = f"{step.started_ms:9.2f} ms"
    took = f"{seen.duration_seconds * 1000:8.2f} ms"
    attempt = f" attempt {seen.attempt}" if seen.attempt > 1 else ""
    row = f"  {click.style(when, dim=True)}  {lineage:<12} {seen.handler:<24} {took}{attempt}"
    if seen.error is not None:
        error = click.style(f"{type(seen.error).__name__}: {seen.error}"[:LONGEST_REASON], fg="red")
        yield f"{row}  {error}"
        return
    outputs = list(zip(step.emitted, seen.outputs, strict=True))
    if not outputs:
        yield f"{row}  -"
    for index, (number, output) in enumerate(outputs):
        start = row if index == 0 else " " * (len(click.unstyle(row)))
        where = f" in {output.domain}" if output.domain is not None else ""
        yield f"{start}  -> #{number} {_coloured(output)}{where}"


def _ending(process: Process, outcome: Outcome) -> str:
    if outcome.answer is not None:
        number = process.numbers.get(outcome.answer.id)
        shown = "" if number is None else f"#{number} "
        return f"  {click.style('=', bold=True)} {shown}{_coloured(outcome.answer)} {_data(outcome.answer)}"
    text = f"{outcome.ending}{': ' if outcome.reason else ''}{outcome.reason[:LONGEST_REASON]}"
    return f"  {click.style('=', bold=True)} {click.style(text, fg=None if outcome.ending.good else 'red')}"


def _coloured(event: Event[object]) -> str:
    return click.style(event.type, fg="red" if event.type.startswith("sys.") else "cyan")


def _data(event: Event[object]) -> str:
    text = event.data_json.decode()
    return click.style(text if len(text) <= LONGEST_DATA else f"{text[: LONGEST_DATA - 3]}...", dim=True)


def _summary(summary: RunSummary) -> Iterator[str]:
    seconds = summary.seconds
    rate = f" ({summary.inputs / seconds:.0f} a second)" if seconds > 0 else ""
    yield click.style(f"{summary.inputs} inputs in {seconds:.2f} s{rate}", bold=True)
    yield from _table(
        ("ended as", "inputs"),
        [(title, str(count)) for title, count in sorted(summary.endings.items(), key=lambda item: -item[1])],
    )
    if summary.figures:
        yield ""
        yield from _table(
            ("handler", "attempts", "errors", "mean ms", "longest ms"),
            [_figures(handler, figures) for handler, figures in sorted(summary.figures.items())],
        )
    yield ""
    for title, count in _troubles(summary):
        if count:
            yield click.style(f"{title}: {count}", fg="red")
    for letter in summary.dead_letters[:5]:
        yield click.style(f"  {letter}"[:LONGEST_REASON], fg="red")
    for domain, count in summary.waiting.items():
        yield f"waiting in domain {domain}: {count}"
    if summary.interrupted:
        yield click.style(f"Stopped by {summary.interrupted}. {summary.undone}", fg="red")


def _troubles(summary: RunSummary) -> Iterator[tuple[str, int]]:
    yield "lines that could not be used", summary.bad_lines
    yield "inputs that failed", summary.failed
    yield "dead letters", len(summary.dead_letters)


def _figures(handler: str, figures: HandlerFigures) -> tuple[str, ...]:
    mean = figures.total_seconds / figures.attempts * 1000
    return (
        handler,
        str(figures.attempts),
        str(figures.errors),
        f"{mean:.3f}",
        f"{figures.longest_seconds * 1000:.3f}",
    )


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Columns as wide as their widest cell: the first to the left, figures to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        line = "  " + "  ".join(cells).rstrip()
        yield click.style(line, dim=True) if row is header else line
