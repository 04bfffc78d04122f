"""How lanes are claimed, kept and handed back: functions of a connection that is in a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from arvo.backends.sqlite.store_arrivals import ring_timers
from arvo.backends.sqlite.store_rows import moment
from arvo.ports.store.work import Claim, Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from sqlite3 import Connection

__all__ = ["Leasing", "claim", "free_lanes_of", "release", "renew"]


class Leasing(NamedTuple):
    """Who claims, under which token, and for how long."""

    worker: str
    token: int
    until: float
    deliveries_per_lane: int


def claim(
    connection: Connection, leasing: Leasing, handlers: Mapping[str, int], lanes: int, now: float
) -> Sequence[Claim]:
    """Take lanes that are due."""
    ring_timers(connection, now)
    due: list[tuple[int, float, bytes, str, int]] = []
    for handler, limit in handlers.items():
        due += _due_lanes(connection, handler, now, min(limit, lanes))
    due.sort(key=lambda row: row[:2])
    claims = [_lease(connection, leasing, *row[2:]) for row in due[: max(lanes, 0)]]
    return [claim for claim in claims if claim is not None]


def _due_lanes(
    connection: Connection, handler: str, now: float, limit: int
) -> list[tuple[int, float, bytes, str, int]]:
    # Priority by priority, so that lanes which are not due are never looked at, however many there are.
    select = """
        SELECT -priority, due_at, lane, handler, attempts FROM arvo_lanes
        WHERE handler = ? AND priority = ? AND due_at <= ? ORDER BY due_at LIMIT ?
    """
    found: list[tuple[int, float, bytes, str, int]] = []
    highest = "SELECT max(priority) FROM arvo_lanes WHERE handler = ?"
    (priority,) = connection.execute(highest, (handler,)).fetchone()
    while priority is not None and len(found) < limit:
        found += connection.execute(select, (handler, priority, now, limit - len(found))).fetchall()
        (priority,) = connection.execute(f"{highest} AND priority < ?", (handler, priority)).fetchone()
    return found


def _lease(connection: Connection, leasing: Leasing, lane: bytes, handler: str, attempts: int) -> Claim | None:
    select = "SELECT number, key, event, arrived_at FROM arvo_deliveries WHERE lane = ? ORDER BY number LIMIT ?"
    at_most = leasing.deliveries_per_lane if attempts == 0 else 1
    deliveries = connection.execute(select, (lane, at_most)).fetchall()
    if not deliveries:
        # Somebody removed them by hand.
        connection.execute("DELETE FROM arvo_lanes WHERE lane = ?", (lane,))
        return None
    update = "UPDATE arvo_lanes SET owner = ?, token = ?, due_at = ?, attempts = attempts + 1 WHERE lane = ?"
    connection.execute(update, (leasing.worker, leasing.token, leasing.until, lane))
    kept = connection.execute("SELECT record, revision FROM arvo_workflows WHERE lane = ?", (lane,)).fetchone()
    return Claim(
        lane=UUID(bytes=lane),
        handler=handler,
        token=leasing.token,
        attempts=attempts + 1,
        leased_until=moment(leasing.until),
        deliveries=tuple(
            Delivery(number=number, key=UUID(bytes=key), event_json=event.encode(), arrived_at=moment(arrived_at))
            for number, key, event, arrived_at in deliveries
        ),
        record_json=None if kept is None else kept[0].encode(),
        revision=0 if kept is None else kept[1],
    )


def renew(connection: Connection, claims: Sequence[Claim], until: float) -> Sequence[Claim]:
    """Prolong leases, and return the claims that were lost."""
    update = "UPDATE arvo_lanes SET due_at = ? WHERE lane = ? AND token = ?"
    return [
        claim for claim in claims if connection.execute(update, (until, claim.lane.bytes, claim.token)).rowcount == 0
    ]


def release(connection: Connection, claims: Sequence[Claim], now: float) -> None:
    """Hand lanes back untouched."""
    update = """
        UPDATE arvo_lanes SET owner = NULL, token = NULL, due_at = ?, attempts = attempts - 1
        WHERE lane = ? AND token = ?
    """
    connection.executemany(update, [(now, claim.lane.bytes, claim.token) for claim in claims])


def free_lanes_of(connection: Connection, workers: Sequence[str], now: float) -> int:
    """Forget workers, free their lanes, and return how many those were."""
    connection.executemany("DELETE FROM arvo_workers WHERE id = ?", [(worker,) for worker in workers])
    update = "UPDATE arvo_lanes SET owner = NULL, token = NULL, due_at = ? WHERE owner = ?"
    return connection.executemany(update, [(now, worker) for worker in workers]).rowcount
