"""How claims end, and what an operator changes: functions of a connection that is in a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.backends.sqlite.store_arrivals import take_in
from arvo.errors import BackendError
from arvo.ports.store.work import FinishOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection

    from arvo.backends.sqlite.store_rows import CompletionRows, IncomingRow, RecordRow
    from arvo.ports.store.work import Amendment

__all__ = ["amend", "answer", "finish", "replay"]


def finish(connection: Connection, completions: Sequence[CompletionRows], now: float) -> list[FinishOutcome]:
    """Carry out all completions that are not refused."""
    judged = [(rows, *_judge(connection, rows, now)) for rows in completions]
    for rows, outcome, attempts in judged:
        if outcome is FinishOutcome.COMMITTED:
            _carry_out(connection, rows, attempts, now)
    return [outcome for _, outcome, _ in judged]


def _judge(connection: Connection, rows: CompletionRows, now: float) -> tuple[FinishOutcome, int]:
    """Say whether a completion can be carried out, and at which attempt; a stale one loses its lane."""
    select = """
        SELECT lane.attempts, coalesce(workflow.revision, 0)
        FROM arvo_lanes AS lane LEFT JOIN arvo_workflows AS workflow USING (lane)
        WHERE lane = ? AND token = ?
    """
    found = connection.execute(select, (rows.lane, rows.completion.claim.token)).fetchone()
    if found is None:
        return FinishOutcome.FENCED, 0
    attempts, revision = found
    if revision != rows.completion.expected_revision:
        _free(connection, rows.lane, now, attempts=max(attempts - 1, 0))
        return FinishOutcome.STALE, attempts
    return FinishOutcome.COMMITTED, attempts


def _carry_out(connection: Connection, rows: CompletionRows, attempts: int, now: float) -> None:
    completion = rows.completion
    if rows.consumed:
        _consume(connection, rows, now)
    if rows.record is not None:
        _write_record(connection, rows.lane, completion.claim.handler, rows.record, now)
    take_in(connection, rows.produced, now)
    if rows.waiting:
        insert = """
            INSERT INTO arvo_waiting (event_id, domain, event, since) VALUES (?, ?, ?, ?)
            ON CONFLICT (event_id) DO NOTHING
        """
        connection.executemany(insert, [(*row, now) for row in rows.waiting])
    if rows.letters:
        insert = """
            INSERT INTO arvo_dead_letters (handler, event_id, event, reason, error, traceback, attempts, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """
        connection.executemany(insert, [(*row, now) for row in rows.letters])
    if rows.cancelled:
        connection.executemany("DELETE FROM arvo_timers WHERE key = ?", [(key,) for key in rows.cancelled])
    _leave(connection, rows, attempts, now)


def _consume(connection: Connection, rows: CompletionRows, now: float) -> None:
    delete = "DELETE FROM arvo_deliveries WHERE number = ? AND lane = ?"
    deleted = connection.executemany(delete, rows.consumed).rowcount
    if deleted != len(rows.consumed):
        raise BackendError(
            f"{len(rows.consumed) - deleted} of the deliveries that a claim on {rows.completion.claim.handler!r} "
            "finished are no longer in the store, although nobody took the claim. Nothing of it was stored. Leave the "
            "tables of the store to Arvo while workers run."
        )
    remember = "INSERT INTO arvo_consumed (key, at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET at = excluded.at"
    connection.executemany(remember, [(key, now) for key in rows.consumed_keys])


def _leave(connection: Connection, rows: CompletionRows, attempts: int, now: float) -> None:
    completion, progress = rows.completion, bool(rows.consumed)
    if connection.execute("SELECT 1 FROM arvo_deliveries WHERE lane = ? LIMIT 1", (rows.lane,)).fetchone() is None:
        connection.execute("DELETE FROM arvo_lanes WHERE lane = ?", (rows.lane,))
    elif completion.hold:
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


def _write_record(connection: Connection, lane: bytes, handler: str, record: RecordRow, now: float) -> None:
    upsert = """
        INSERT INTO arvo_workflows (
            lane, handler, subject, parent, status, record, revision, created_at, updated_at
        ) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)
        ON CONFLICT (lane) DO UPDATE SET
            parent = excluded.parent, status = excluded.status, record = excluded.record,
            revision = revision + 1, updated_at = excluded.updated_at
    """
    connection.execute(upsert, (lane, handler, *record, now, now))


def amend(
    connection: Connection, amendment: Amendment, record: RecordRow, produced: Sequence[IncomingRow], now: float
) -> bool:
    """Change a workflow from outside."""
    lane = amendment.lane.bytes
    found = connection.execute("SELECT revision FROM arvo_workflows WHERE lane = ?", (lane,)).fetchone()
    if (0 if found is None else found[0]) != amendment.revision:
        return False
    if amendment.drop_pending:
        for table in ("arvo_deliveries", "arvo_timers", "arvo_lanes"):
            connection.execute(f"DELETE FROM {table} WHERE lane = ?", (lane,))  # noqa: S608 - names from above
    _write_record(connection, lane, amendment.handler, record, now)
    take_in(connection, produced, now)
    return True


def answer(connection: Connection, event_id: str, deliveries: Sequence[IncomingRow], now: float) -> bool:
    """Deliver the answer to a waiting event."""
    if connection.execute("DELETE FROM arvo_waiting WHERE event_id = ?", (event_id,)).rowcount == 0:
        return False
    take_in(connection, deliveries, now)
    return True


def replay(connection: Connection, letters: Sequence[tuple[int, IncomingRow]], now: float) -> int:
    """Deliver dead letters again, those that are still there."""
    replayed = 0
    for number, row in letters:
        if connection.execute("DELETE FROM arvo_dead_letters WHERE number = ?", (number,)).rowcount == 0:
            continue
        connection.execute("DELETE FROM arvo_consumed WHERE key = ?", (row.key,))
        take_in(connection, [row], now)
        replayed += 1
    return replayed
