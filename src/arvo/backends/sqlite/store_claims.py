"""How lanes are claimed, kept and handed back: functions of a connection that is in a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from arvo.backends.sqlite.bulk import change, select_one, select_pieces
from arvo.backends.sqlite.store_arrivals import remember_consumed, ring_timers
from arvo.backends.sqlite.store_rows import moment
from arvo.ports.store.work import Claim, Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from sqlite3 import Connection

__all__ = [
    "Leasing",
    "claim",
    "claim_among",
    "collect",
    "free_lanes_of",
    "is_any_free",
    "is_collectable",
    "release",
    "renew",
]


class Leasing(NamedTuple):
    """Who claims, under which token, and for how long."""

    worker: str
    token: int
    until: float
    deliveries_per_lane: int


class _Due(NamedTuple):
    """A lane that can be claimed; the smaller ones come first."""

    urgency: int
    due_at: float
    lane: str
    handler: str
    attempts: int


def claim(
    connection: Connection, leasing: Leasing, handlers: Mapping[str, int], lanes: int, now: float
) -> Sequence[Claim]:
    """Take lanes that are due."""
    ring_timers(connection, now)
    return _lease(connection, leasing, sorted(_due_lanes(connection, handlers, lanes, now))[: max(lanes, 0)])


def claim_among(connection: Connection, leasing: Leasing, lanes: Sequence[bytes], now: float) -> Sequence[Claim]:
    """Take those of the lanes that are due."""
    select = """
        SELECT json_group_array(json_array(-priority, due_at, hex(lane), handler, attempts))
        FROM arvo_lanes WHERE lane IN (VALUES {rows}) AND due_at <= ?1
    """
    due = [_Due(*row) for row in select_pieces(connection, select, [(lane,) for lane in lanes], now)]
    return _lease(connection, leasing, sorted(due))


def is_any_free(connection: Connection, lanes: Sequence[bytes], now: float) -> bool:
    """Return whether one of the lanes is due and nobody's."""
    select = """
        SELECT json_array(count(*)) FROM arvo_lanes WHERE lane IN (VALUES {rows}) AND owner ISNULL AND due_at <= ?1
    """
    return any(select_pieces(connection, select, [(lane,) for lane in lanes], now))


def _lease(connection: Connection, leasing: Leasing, due: Sequence[_Due]) -> Sequence[Claim]:
    if not due:
        return []
    ids = [(bytes.fromhex(lane.lane),) for lane in due]
    update = """
        UPDATE arvo_lanes SET owner = ?1, token = ?2, due_at = ?3, attempts = attempts + 1
        WHERE lane IN (VALUES {rows})
    """
    change(connection, update, ids, leasing.worker, leasing.token, leasing.until)
    records = """
        SELECT json_group_array(json_array(hex(lane), record, revision))
        FROM arvo_workflows WHERE lane IN (VALUES {rows})
    """
    kept = {lane: (record, revision) for lane, record, revision in select_pieces(connection, records, ids)}
    deliveries = _first_deliveries(connection, due, leasing.deliveries_per_lane)
    empty = [lane for lane in due if not deliveries[lane.lane]]
    if empty:
        # Somebody removed them by hand.
        delete = "DELETE FROM arvo_lanes WHERE lane IN (VALUES {rows})"
        change(connection, delete, [(bytes.fromhex(lane.lane),) for lane in empty])
    return [
        _claim_of(lane, leasing, deliveries[lane.lane], *kept.get(lane.lane, (None, 0)))
        for lane in due
        if deliveries[lane.lane]
    ]


def _due_lanes(connection: Connection, handlers: Mapping[str, int], lanes: int, now: float) -> list[_Due]:
    # Priority by priority, so that lanes which are not due are never looked at, however many there are.
    priorities = """
        WITH RECURSIVE levels (handler, priority) AS (
            SELECT column1, (SELECT max(priority) FROM arvo_lanes WHERE handler = column1) FROM (VALUES {rows})
            UNION ALL
            SELECT handler, (
                SELECT max(priority) FROM arvo_lanes WHERE handler = levels.handler AND priority < levels.priority
            )
            FROM levels WHERE priority NOTNULL
        )
        SELECT json_group_array(json_array(handler, priority)) FROM levels WHERE priority NOTNULL
    """
    select = """
        SELECT json_group_array(json_array(-priority, due_at, hex(lane), handler, attempts)) FROM (
            SELECT priority, due_at, lane, handler, attempts FROM arvo_lanes
            WHERE handler = ? AND priority = ? AND due_at <= ? ORDER BY due_at LIMIT ?
        )
    """
    left = {handler: min(limit, lanes) for handler, limit in handlers.items()}
    levels: list[tuple[str, int]] = select_pieces(connection, priorities, [(handler,) for handler in handlers])
    found: list[_Due] = []
    for handler, priority in sorted(levels, key=lambda level: -level[1]):
        if left[handler] > 0:
            due = [_Due(*row) for row in select_one(connection, select, handler, priority, now, left[handler])]
            left[handler] -= len(due)
            found += due
    return found


def _first_deliveries(connection: Connection, due: Sequence[_Due], at_most: int) -> dict[str, list[Any]]:
    """The first deliveries of each lane; one only where it was begun before."""
    select = """
        SELECT json_group_array(json_array(hex(column1), json((
            SELECT json_group_array(json_array(number, hex(key), event, arrived_at)) FROM (
                SELECT number, key, event, arrived_at FROM arvo_deliveries WHERE lane = column1 ORDER BY number LIMIT ?1
            )
        )))) FROM (VALUES {rows})
    """
    found: dict[str, list[Any]] = {}
    for begun, limit in ((False, at_most), (True, 1)):
        ids = [(bytes.fromhex(lane.lane),) for lane in due if (lane.attempts > 0) is begun]
        found.update(select_pieces(connection, select, ids, limit))
    return found


def _claim_of(lane: _Due, leasing: Leasing, deliveries: list[Any], record: str | None, revision: int) -> Claim:
    return Claim(
        lane=UUID(lane.lane),
        handler=lane.handler,
        token=leasing.token,
        priority=-lane.urgency,
        attempts=lane.attempts + 1,
        leased_until=moment(leasing.until),
        deliveries=tuple(
            Delivery(number=number, key=UUID(key), event_json=event.encode(), arrived_at=moment(arrived_at))
            for number, key, event, arrived_at in deliveries
        ),
        record_json=None if record is None else record.encode(),
        revision=revision,
    )


def is_collectable(connection: Connection, lane: bytes, now: float) -> bool:
    """Return whether `collect` may find anything."""
    if _is_takeable(connection, lane, now):
        return True
    due = "SELECT 1 FROM arvo_timers WHERE lane = ? AND due_at <= ?"
    return connection.execute(due, (lane, now)).fetchone() is not None


def collect(connection: Connection, lane: bytes, now: float) -> Sequence[Delivery]:
    """Take and consume what has arrived in a lane, unless it is leased."""
    ring_timers(connection, now)
    if not _is_takeable(connection, lane, now):
        return []
    select = "SELECT number, key, event, arrived_at FROM arvo_deliveries WHERE lane = ? ORDER BY number"
    rows = connection.execute(select, (lane,)).fetchall()
    connection.execute("DELETE FROM arvo_deliveries WHERE lane = ?", (lane,))
    connection.execute("DELETE FROM arvo_lanes WHERE lane = ?", (lane,))
    remember_consumed(connection, [(key,) for _, key, _, _ in rows], now)
    return [
        Delivery(number=number, key=UUID(bytes=key), event_json=event.encode(), arrived_at=moment(arrived_at))
        for number, key, event, arrived_at in rows
    ]


def _is_takeable(connection: Connection, lane: bytes, now: float) -> bool:
    select = "SELECT 1 FROM arvo_lanes WHERE lane = ? AND (owner ISNULL OR due_at <= ?)"
    return connection.execute(select, (lane, now)).fetchone() is not None


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
