"""The figures of a run, as the rows of text that end it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from arvo.cli.console import shortened, visible
from arvo.cli.timeline import LONGEST_REASON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from arvo.cli.journal import HandlerFigures
    from arvo.cli.run import RunSummary

__all__ = ["summary_rows"]

MOST_LETTERS: Final = 5


def summary_rows(summary: RunSummary) -> Iterator[str]:
    """How many inputs ended how, what each handler did, and everything that is not as it should be."""
    yield click.style(f"{_counted(summary.inputs, 'input')} in {summary.seconds:.2f} s{_rate(summary)}", bold=True)
    if summary.endings:
        yield ""
        yield from _table(
            ("ended as", "inputs"),
            [(title, str(count)) for title, count in _most_first(summary)],
            red=[title in summary.bad_endings for title, _ in _most_first(summary)],
        )
    if summary.figures:
        yield ""
        yield from _table(
            ("handler", "attempts", "errors", "mean ms", "longest ms"),
            [_cells(handler, figures) for handler, figures in sorted(summary.figures.items())],
            red=[figures.errors > 0 for _, figures in sorted(summary.figures.items())],
        )
    notes = [*_notes(summary)]
    if notes:
        yield ""
        yield from notes


def _notes(summary: RunSummary) -> Iterator[str]:
    for domain, count in summary.waiting.items():
        yield f"Waiting for an answer from domain {domain}: {_counted(count, 'event')}."
    if summary.bad_lines:
        yield _red(f"Not usable: {_counted(summary.bad_lines, 'line')}.")
    if summary.dead_letters:
        yield _red(f"Given up: {_counted(summary.dead_letters, 'event')}.")
    if summary.dead_letters > summary.dead_letters_told:
        for letter in summary.kept_dead_letters[:MOST_LETTERS]:
            yield _red(f"  {shortened(visible(str(letter)), LONGEST_REASON)}")
        if summary.dead_letters > MOST_LETTERS:
            yield _red("  ...")
    if summary.stopped or summary.undone:
        reason = summary.stopped or "the end of its time to finish"
        yield _red(f"Stopped by {reason}. {summary.undone}")


def _red(text: str) -> str:
    return click.style(text, fg="red")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _rate(summary: RunSummary) -> str:
    return f", {summary.inputs / summary.seconds:.0f} a second" if summary.inputs > 1 and summary.seconds > 0 else ""


def _most_first(summary: RunSummary) -> list[tuple[str, int]]:
    return sorted(summary.endings.items(), key=lambda item: (-item[1], item[0]))


def _cells(handler: str, figures: HandlerFigures) -> tuple[str, ...]:
    mean_ms, longest_ms = figures.total_seconds / figures.attempts * 1000, figures.longest_seconds * 1000
    return visible(handler), str(figures.attempts), str(figures.errors), f"{mean_ms:.2f}", f"{longest_ms:.2f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, red: Sequence[bool]) -> Iterator[str]:
    """Columns as wide as their widest cell: the first to the left, figures to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    yield click.style(_line(header, widths), dim=True)
    for row, is_red in zip(rows, red, strict=True):
        yield click.style(_line(row, widths), fg="red" if is_red else None)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
    return "  " + "  ".join(cells).rstrip()
