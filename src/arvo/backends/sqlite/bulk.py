"""How one statement works on many rows: each call of SQLite gives way to other threads of Python, so few are better.

A statement is written with `{rows}` where the rows of a VALUES list go. It is run in pieces of 64, 32, 16 ... rows, so
that there are few different texts and SQLite finds nearly all of them prepared.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from sqlite3 import Connection, Cursor

__all__ = ["change", "select_one", "select_pieces"]

_LARGEST_PIECE = 64


def change(connection: Connection, statement: str, rows: Sequence[Sequence[Any]], *fixed: Any) -> int:
    """Run a statement for all rows, with the `fixed` values as `?1`, `?2` ...; return how many rows it changed."""
    return sum(cursor.rowcount for cursor in _pieces(connection, statement, rows, fixed))


def select_pieces(connection: Connection, statement: str, rows: Sequence[Sequence[Any]], *fixed: Any) -> list[Any]:
    """Return what a statement selects for all rows; it must give one JSON array for each piece."""
    return [item for cursor in _pieces(connection, statement, rows, fixed) for item in _array(cursor)]


def select_one(connection: Connection, statement: str, *fixed: Any) -> list[Any]:
    """Return the items of the one JSON array that a statement gives."""
    return _array(connection.execute(statement, fixed))


def _array(cursor: Cursor) -> list[Any]:
    (text,) = cursor.fetchone()
    items: list[Any] = msgspec.json.decode(text)
    return items


def _pieces(
    connection: Connection, statement: str, rows: Sequence[Sequence[Any]], fixed: Sequence[Any]
) -> Iterator[Cursor]:
    start, size = 0, _LARGEST_PIECE
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        piece = rows[start : start + size]
        yield connection.execute(
            _for_rows(statement, size, len(piece[0]), len(fixed)), (*fixed, *chain.from_iterable(piece))
        )
        start += size


@cache
def _for_rows(statement: str, rows: int, columns: int, fixed: int) -> str:
    numbers = iter(range(fixed + 1, fixed + 1 + rows * columns))
    placeholders = ", ".join(f"({', '.join(f'?{next(numbers)}' for _ in range(columns))})" for _ in range(rows))
    return statement.format(rows=placeholders)
