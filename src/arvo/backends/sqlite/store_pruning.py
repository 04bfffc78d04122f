"""How finished things leave the store: a small transaction at a time, so that workers never wait long."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from arvo.backends.sqlite.bulk import change
from arvo.backends.sqlite.store_arrivals import remember_consumed

if TYPE_CHECKING:
    from datetime import timedelta
    from sqlite3 import Connection

    from arvo.backends.sqlite.connections import Connections

__all__ = ["drop_unclaimed", "prune_consumed", "prune_dead_letters", "prune_workflows"]

_BATCH = 2000
_LANES = 500


async def drop_unclaimed(connections: Connections, handler: str, now: float, older_than: timedelta) -> int:
    """Consume what arrived in lanes of a handler long ago, except where somebody works on it."""
    limit = now - older_than.total_seconds()
    dropped, last = 0, b""
    while True:
        found, end = await connections.write(partial(_drop, handler=handler, after=last, limit=limit, now=now))
        dropped += found
        if end is None:
            return dropped
        last = end


def _drop(connection: Connection, *, handler: str, after: bytes, limit: float, now: float) -> tuple[int, bytes | None]:
    """Drop what is old in the next lanes; the number of deliveries, and the last of the lanes if there may be more."""
    select = """
        SELECT lane FROM arvo_lanes WHERE handler = ? AND lane > ? AND (owner ISNULL OR due_at <= ?)
            AND EXISTS (SELECT 1 FROM arvo_deliveries WHERE lane = arvo_lanes.lane AND arrived_at <= ?)
        ORDER BY lane LIMIT ?
    """
    lanes = connection.execute(select, (handler, after, now, limit, _LANES)).fetchall()
    keys: list[tuple[bytes]] = []
    for (lane,) in lanes:
        delete = "DELETE FROM arvo_deliveries WHERE lane = ? AND arrived_at <= ? RETURNING key"
        keys += connection.execute(delete, (lane, limit)).fetchall()
    remember_consumed(connection, keys, now)
    free = """
        UPDATE arvo_lanes SET owner = NULL, token = NULL, due_at = ?1, attempts = 0, error = NULL
        WHERE lane IN (VALUES {rows})
    """
    change(connection, free, lanes, now)
    sweep = """
        DELETE FROM arvo_lanes WHERE lane IN (VALUES {rows})
        AND NOT EXISTS (SELECT 1 FROM arvo_deliveries WHERE lane = arvo_lanes.lane)
    """
    change(connection, sweep, lanes)
    return len(keys), lanes[-1][0] if len(lanes) == _LANES else None


async def prune_consumed(connections: Connections, now: float, kept_for: timedelta | None) -> int:
    """Forget consumed ids."""
    old = """
        DELETE FROM arvo_consumed
        WHERE key IN (SELECT key FROM arvo_consumed WHERE at <= :limit ORDER BY at LIMIT :batch)
    """
    return await _prune(connections, old, now, kept_for)


async def prune_workflows(connections: Connections, now: float, kept_for: timedelta | None) -> int:
    """Remove workflows that have ended and have nothing to do any more."""
    old = """
        DELETE FROM arvo_workflows WHERE number IN (
            SELECT number FROM arvo_workflows AS workflow
            WHERE status <> 'active' AND updated_at <= :limit
                AND NOT EXISTS (SELECT 1 FROM arvo_lanes WHERE lane = workflow.lane)
            ORDER BY updated_at LIMIT :batch
        )
    """
    return await _prune(connections, old, now, kept_for)


async def prune_dead_letters(connections: Connections, now: float, kept_for: timedelta | None) -> int:
    """Remove dead letters."""
    old = """
        DELETE FROM arvo_dead_letters
        WHERE number IN (SELECT number FROM arvo_dead_letters WHERE at <= :limit LIMIT :batch)
    """
    return await _prune(connections, old, now, kept_for)


async def _prune(connections: Connections, statement: str, now: float, kept_for: timedelta | None) -> int:
    if kept_for is None:
        return 0
    values = {"limit": now - kept_for.total_seconds(), "batch": _BATCH}
    removed = 0
    while found := await connections.write(partial(_delete, statement=statement, values=values)):
        removed += found
    return removed


def _delete(connection: Connection, *, statement: str, values: dict[str, float]) -> int:
    return connection.execute(statement, values).rowcount
