"""How claims end: a function of a connection that is in a transaction, for all completions of a group at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from arvo.backends.sqlite.bulk import change, select_pieces
from arvo.backends.sqlite.store_arrivals import remember_consumed, take_in
from arvo.errors import BackendError
from arvo.ports.store.work import FinishOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from sqlite3 import Connection

    from arvo.backends.sqlite.store_rows import CompletionRows, RecordRow

__all__ = ["finish", "write_records"]


class _Lane(NamedTuple):
    """A lane as a completion finds it."""

    token: str | None
    attempts: int
    revision: int


def finish(connection: Connection, group: Sequence[CompletionRows], now: float) -> list[FinishOutcome]:
    """Carry out all completions that are not refused."""
    select = """
        SELECT json_group_array(json_array(hex(lane), CAST(token AS TEXT), attempts, coalesce(revision, 0)))
        FROM arvo_lanes LEFT JOIN arvo_workflows USING (lane) WHERE lane IN (VALUES {rows})
    """
    found = select_pieces(connection, select, [(rows.lane,) for rows in group])
    lanes = {bytes.fromhex(lane): _Lane(*values) for lane, *values in found}
    outcomes = [_judge(lanes.get(rows.lane), rows) for rows in group]
    accepted = [rows for rows, outcome in zip(group, outcomes, strict=True) if outcome is FinishOutcome.COMMITTED]
    for rows, outcome in zip(group, outcomes, strict=True):
        if outcome is FinishOutcome.STALE:
            _free(connection, rows.lane, now, attempts=max(lanes[rows.lane].attempts - 1, 0))
    _consume(connection, accepted, now)
    write_records(connection, [row for rows in accepted for row in rows.records], now)
    take_in(connection, [row for rows in accepted for row in rows.produced], now)
    _keep_aside(connection, accepted, now)
    _leave(connection, accepted, lanes, now)
    return outcomes


def _judge(lane: _Lane | None, rows: CompletionRows) -> FinishOutcome:
    if lane is None or lane.token != str(rows.completion.claim.token):
        return FinishOutcome.FENCED
    if lane.revision != rows.completion.expected_revision:
        return FinishOutcome.STALE
    return FinishOutcome.COMMITTED


def _consume(connection: Connection, accepted: Sequence[CompletionRows], now: float) -> None:
    numbers = [(delivery.number,) for rows in accepted for delivery in rows.completion.consumed]
    deleted = change(connection, "DELETE FROM arvo_deliveries WHERE number IN (VALUES {rows})", numbers)
    if deleted != len(numbers):
        raise BackendError(
            f"{len(numbers) - deleted} of {len(numbers)} deliveries that were finished are no longer in the store, "
            "although nobody took their claims. Nothing was stored. Leave the tables of the store to Arvo while "
            "workers run."
        )
    keys = [(delivery.key.bytes,) for rows in accepted for delivery in rows.completion.consumed]
    remember_consumed(connection, keys, now)


def write_records(connection: Connection, records: Sequence[RecordRow], now: float) -> None:
    """Write records, each of another lane."""
    upsert = """
        INSERT INTO arvo_workflows (
            lane, handler, subject, parent, status, record, failed_on, revision, created_at, updated_at
        ) SELECT column1, column2, column3, column4, column5, column6, column7, 1, ?1, ?1
        FROM (VALUES {rows}) WHERE true
        ON CONFLICT (lane) DO UPDATE SET
            parent = excluded.parent, status = excluded.status, record = excluded.record,
            failed_on = excluded.failed_on,            revision = revision + 1, updated_at = excluded.updated_at
    """
    change(connection, upsert, records, now)


def _keep_aside(connection: Connection, accepted: Sequence[CompletionRows], now: float) -> None:
    """Keep what waits for an answer and what is given up, and remove what was answered or cancelled."""
    wait = """
        INSERT INTO arvo_waiting (event_id, domain, event, since) VALUES (?, ?, ?, ?)
        ON CONFLICT (event_id) DO NOTHING
    """
    bury = """
        INSERT INTO arvo_dead_letters (handler, event_id, event, reason, error, traceback, attempts, at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    """
    for rows in accepted:
        if rows.waiting:
            connection.executemany(wait, [(*row, now) for row in rows.waiting])
        if rows.answered:
            connection.executemany("DELETE FROM arvo_waiting WHERE event_id = ?", rows.answered)
        if rows.letters:
            connection.executemany(bury, [(*row, now) for row in rows.letters])
        if rows.cancelled:
            connection.executemany("DELETE FROM arvo_timers WHERE key = ?", rows.cancelled)


def _leave(
    connection: Connection, accepted: Sequence[CompletionRows], lanes: Mapping[bytes, _Lane], now: float
) -> None:
    """Remove the lanes that are empty now, and say of the others what becomes of them."""
    remove = """
        DELETE FROM arvo_lanes WHERE lane IN (VALUES {rows})
        AND NOT EXISTS (SELECT 1 FROM arvo_deliveries WHERE lane = arvo_lanes.lane)
    """
    ids = [(rows.lane,) for rows in accepted]
    if change(connection, remove, ids) == len(ids):
        return
    remaining = "SELECT json_group_array(hex(lane)) FROM arvo_lanes WHERE lane IN (VALUES {rows})"
    left = {bytes.fromhex(lane) for lane in select_pieces(connection, remaining, ids)}
    for rows in accepted:
        if rows.lane in left:
            _close_or_open(connection, rows, lanes[rows.lane].attempts, now)


def _close_or_open(connection: Connection, rows: CompletionRows, attempts: int, now: float) -> None:
    completion, progress = rows.completion, bool(rows.completion.consumed)
    if completion.hold:
        if progress:
            connection.execute("UPDATE arvo_lanes SET attempts = 1, error = NULL WHERE lane = ?", (rows.lane,))
    elif completion.retry is not None:
        due_at = now + completion.retry.delay.total_seconds()
        _free(connection, rows.lane, due_at, attempts=1 if progress else attempts)
        connection.execute("UPDATE arvo_lanes SET error = ? WHERE lane = ?", (completion.retry.error, rows.lane))
    else:
        _free(connection, rows.lane, now, attempts=0 if progress else max(attempts - 1, 0))
        if progress:
            connection.execute("UPDATE arvo_lanes SET error = NULL WHERE lane = ? AND error NOTNULL", (rows.lane,))


def _free(connection: Connection, lane: bytes, due_at: float, *, attempts: int) -> None:
    update = "UPDATE arvo_lanes SET owner = NULL, token = NULL, due_at = ?, attempts = ? WHERE lane = ?"
    connection.execute(update, (due_at, attempts, lane))
