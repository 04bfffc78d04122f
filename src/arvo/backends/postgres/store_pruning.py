"""How finished things leave the store: a small transaction at a time, so that workers never wait long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from arvo.backends.postgres.link import Link

__all__ = ["drop_unclaimed", "prune_consumed", "prune_dead_letters", "prune_workflows"]

_BATCH = 5000
_LANES = 500


async def drop_unclaimed(link: Link, handler: str, older_than: timedelta) -> int:
    """Consume what arrived in lanes of a handler long ago, except where somebody works on it."""
    ((limit,),) = await link.fetch("SELECT store_now() - $1::interval", older_than)
    dropped, last = 0, None
    while True:
        row = (await link.fetch("SELECT * FROM drop_unclaimed($1, $2, $3, $4)", handler, limit, last, _LANES))[0]
        dropped += int(row["dropped"])
        last = row["last"]
        if last is None:
            return dropped


async def prune_consumed(link: Link, kept_for: timedelta | None) -> int:
    """Forget consumed ids."""
    old = """
        WITH old AS (SELECT key, at FROM consumed WHERE at <= $1 AND at >= $2 ORDER BY at LIMIT $3),
        gone AS (DELETE FROM consumed USING old WHERE consumed.key = old.key RETURNING old.at)
        SELECT count(*), max(at) FROM gone
    """
    return await _prune(link, old, kept_for)


async def prune_workflows(link: Link, kept_for: timedelta | None) -> int:
    """Remove workflows that have ended and have nothing to do any more."""
    old = """
        WITH old AS (
            SELECT lane, ended_at FROM workflows AS w
            WHERE ended_at IS NOT NULL AND ended_at <= $1 AND ended_at >= $2
                AND NOT EXISTS (SELECT FROM lanes WHERE lanes.lane = w.lane)
            ORDER BY ended_at LIMIT $3
        ), gone AS (DELETE FROM workflows USING old WHERE workflows.lane = old.lane RETURNING old.ended_at)
        SELECT count(*), max(ended_at) FROM gone
    """
    return await _prune(link, old, kept_for)


async def prune_dead_letters(link: Link, kept_for: timedelta | None) -> int:
    """Remove dead letters."""
    old = """
        WITH old AS (SELECT number, at FROM dead_letters WHERE at <= $1 AND at >= $2 ORDER BY number LIMIT $3),
        gone AS (DELETE FROM dead_letters USING old WHERE dead_letters.number = old.number RETURNING old.at)
        SELECT count(*), max(at) FROM gone
    """
    return await _prune(link, old, kept_for)


async def _prune(link: Link, statement: str, kept_for: timedelta | None) -> int:
    """Delete batch by batch, each starting where the last one ended, so that none looks at what is gone already."""
    if kept_for is None:
        return 0
    limit, start = (await link.fetch("SELECT store_now() - $1::interval, '-infinity'::timestamptz", kept_for))[0]
    removed = 0
    while True:
        ((found, latest),) = await link.fetch(statement, limit, start, _BATCH)
        if not found:
            return removed
        removed += found
        start = latest
