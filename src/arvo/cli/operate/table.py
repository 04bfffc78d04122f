"""Rows of a table for people: columns as wide as what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.cli.console import shortened, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

__all__ = ["table"]

WIDEST = 60


def table(
    header: Sequence[str], rows: Sequence[Sequence[object]], *, right: Collection[int] = (), indent: str = ""
) -> Iterator[str]:
    """The lines of a table. Columns whose place is in `right` hold numbers; the last column is as long as it is."""
    last = len(header) - 1
    cells = [
        [
            text if place == last else shortened(text, WIDEST)
            for place, text in enumerate(visible(str(value)) for value in row)
        ]
        for row in (header, *rows)
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        aligned = (
            text.rjust(width) if place in right else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield indent + "  ".join(aligned).rstrip()
