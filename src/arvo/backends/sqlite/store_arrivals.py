"""How events get into the tables of the store: deliveries into their lanes, timers until they are due.

Functions of a connection that is in a transaction, like those of `store_claims` and `store_completions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.backends.sqlite.bulk import change
from arvo.backends.sqlite.store_rows import IncomingRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from sqlite3 import Connection

__all__ = ["next_due", "remember", "remember_consumed", "ring_timers", "take_in", "take_in_again"]

_MOST_TIMERS = 1000
"""Timers that arrive in one transaction; the rest follow in the next."""


def take_in(connection: Connection, incoming: Sequence[IncomingRow], now: float) -> int:
    """Store deliveries and timers, and return how many were no duplicates."""
    insert = """
        INSERT INTO arvo_timers (key, lane, handler, priority, due_at, event) VALUES {rows}
        ON CONFLICT (key) DO NOTHING
    """
    timers = [row for row in incoming if row.due_at is not None]
    arriving = [row for row in incoming if row.due_at is None] if timers else incoming
    return _arrive(connection, arriving, now) + change(connection, insert, timers)


def take_in_again(connection: Connection, incoming: Sequence[IncomingRow], now: float) -> None:
    """Store deliveries whose events may have been consumed before."""
    change(connection, "DELETE FROM arvo_consumed WHERE key IN (VALUES {rows})", [(row.key,) for row in incoming])
    take_in(connection, incoming, now)


def _arrive(connection: Connection, arriving: Sequence[IncomingRow], now: float) -> int:
    insert = """
        INSERT INTO arvo_deliveries (lane, key, event, arrived_at) SELECT column1, column2, column3, ?1
        FROM (VALUES {rows}) AS new WHERE NOT EXISTS (SELECT 1 FROM arvo_consumed WHERE key = new.column2)
        ON CONFLICT (key) DO NOTHING
    """
    upsert = """
        INSERT INTO arvo_lanes (lane, handler, priority, due_at) SELECT column1, column2, column3, ?1
        FROM (VALUES {rows}) AS new WHERE EXISTS (SELECT 1 FROM arvo_deliveries WHERE lane = new.column1)
        ON CONFLICT (lane) DO UPDATE SET priority = excluded.priority WHERE excluded.priority > arvo_lanes.priority
    """
    new = change(connection, insert, [(row.lane, row.key, row.event) for row in arriving], now)
    if new:
        change(connection, upsert, [(row.lane, row.handler, row.priority) for row in arriving], now)
    return new


def remember(connection: Connection, key: bytes, until: float) -> bool:
    """Remember a key as used, at the earliest until `until`; False when it was used before."""
    insert = "INSERT INTO arvo_consumed (key, at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
    return connection.execute(insert, (key, until)).rowcount == 1


def remember_consumed(connection: Connection, keys: Sequence[tuple[bytes]], now: float) -> None:
    """Remember the keys of deliveries that are consumed now."""
    upsert = """
        INSERT INTO arvo_consumed (key, at) SELECT column1, ?1 FROM (VALUES {rows}) WHERE true
        ON CONFLICT (key) DO UPDATE SET at = excluded.at
    """
    change(connection, upsert, keys, now)


def ring_timers(connection: Connection, now: float) -> None:
    """Let the timers that are due arrive."""
    select = """
        SELECT key, lane, handler, priority, NULL, event FROM arvo_timers WHERE due_at <= ? ORDER BY due_at LIMIT ?
    """
    due = [IncomingRow(*values) for values in connection.execute(select, (now, _MOST_TIMERS)).fetchall()]
    change(connection, "DELETE FROM arvo_timers WHERE key IN (VALUES {rows})", [(row.key,) for row in due])
    _arrive(connection, due, now)


def next_due(connection: Connection, handlers: Iterable[str]) -> float | None:
    """Return when the next lane or timer of the handlers is due, None when there is none."""
    # One look at the index for each priority, however many lanes wait for a retry.
    earliest_lane = """
        WITH RECURSIVE priorities (priority) AS (
            SELECT max(priority) FROM arvo_lanes WHERE handler = ?1
            UNION ALL
            SELECT (SELECT max(priority) FROM arvo_lanes WHERE handler = ?1 AND priority < priorities.priority)
            FROM priorities WHERE priorities.priority IS NOT NULL
        )
        SELECT min((SELECT min(due_at) FROM arvo_lanes WHERE handler = ?1 AND priority = priorities.priority))
        FROM priorities
    """
    # Timers of all handlers: one that is due wakes a worker, which lets it arrive for whoever it is for.
    found = [connection.execute("SELECT min(due_at) FROM arvo_timers").fetchone()[0]]
    found += [connection.execute(earliest_lane, (handler,)).fetchone()[0] for handler in handlers]
    return min((moment for moment in found if moment is not None), default=None)
