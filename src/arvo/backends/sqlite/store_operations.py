"""What an operator changes: functions of a connection that is in a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.backends.sqlite.store_arrivals import take_in, take_in_again
from arvo.backends.sqlite.store_completions import write_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection

    from arvo.backends.sqlite.store_rows import IncomingRow, RecordRow
    from arvo.ports.store.work import Amendment

__all__ = ["amend", "answer", "discard", "replay"]


def amend(
    connection: Connection,
    amendment: Amendment,
    record: RecordRow,
    produced: Sequence[IncomingRow],
    redelivered: Sequence[IncomingRow],
    now: float,
) -> bool:
    """Change a workflow from outside."""
    found = connection.execute("SELECT revision FROM arvo_workflows WHERE lane = ?", (record.lane,)).fetchone()
    if (0 if found is None else found[0]) != amendment.revision:
        return False
    if amendment.drop_pending:
        connection.execute("DELETE FROM arvo_deliveries WHERE lane = ?", (record.lane,))
        connection.execute("DELETE FROM arvo_timers WHERE lane = ?", (record.lane,))
        connection.execute("DELETE FROM arvo_lanes WHERE lane = ?", (record.lane,))
    write_records(connection, [record], now)
    take_in(connection, produced, now)
    take_in_again(connection, redelivered, now)
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
        if connection.execute("DELETE FROM arvo_dead_letters WHERE number = ?", (number,)).rowcount:
            take_in_again(connection, [row], now)
            replayed += 1
    return replayed


def discard(connection: Connection, numbers: Sequence[int]) -> int:
    """Remove dead letters for ever, and return how many there were."""
    delete = "DELETE FROM arvo_dead_letters WHERE number = ?"
    return connection.executemany(delete, [(number,) for number in numbers]).rowcount
