"""How finished things leave the store: a small transaction at a time, so that workers never wait long."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta
    from sqlite3 import Connection

    from arvo.backends.sqlite.connections import Connections

__all__ = ["prune_consumed", "prune_dead_letters", "prune_workflows"]

_BATCH = 2000


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
