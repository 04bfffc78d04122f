"""How what the store is given becomes values of SQLite, before the connection's thread is bothered, and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from arvo.ports.store.identity import delivery_key, name_key
from arvo.ports.store.work import domain_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from arvo.ports.store.work import Completion, NewDeadLetter, NewDelivery, RecordWrite

__all__ = [
    "CompletionRows",
    "IncomingRow",
    "RecordRow",
    "completion_rows",
    "incoming_rows",
    "moment",
    "record_row",
]


class IncomingRow(NamedTuple):
    """A delivery, or with `due_at` a timer."""

    key: bytes
    lane: bytes
    handler: str
    priority: int
    due_at: float | None
    event: str


class RecordRow(NamedTuple):
    """A record to be written."""

    lane: bytes
    handler: str
    subject: str
    parent: bytes | None
    status: str
    record: str
    failed_on: str | None


@dataclass(frozen=True, slots=True)
class CompletionRows:
    """A completion, with everything in it as it is stored."""

    completion: Completion
    lane: bytes
    records: list[RecordRow]
    produced: list[IncomingRow]
    waiting: list[tuple[str, str, str]]
    letters: list[tuple[str, str, str, str, str, str, int]]
    cancelled: list[tuple[bytes]]
    answered: list[tuple[str]]


def incoming_rows(deliveries: Iterable[NewDelivery], now: datetime) -> list[IncomingRow]:
    """Encode deliveries that are stored at `now`."""
    rows: list[IncomingRow] = []
    for delivery in deliveries:
        lane, due_at = delivery.lane, delivery.due_at(now)
        rows.append(
            IncomingRow(
                key=delivery_key(lane, delivery.event.id).bytes,
                lane=lane.bytes,
                handler=delivery.handler,
                priority=delivery.priority,
                due_at=None if due_at is None else due_at.timestamp(),
                event=delivery.event.to_json().decode(),
            )
        )
    return rows


def record_row(lane: UUID, handler: str, record: RecordWrite) -> RecordRow:
    """Encode the record of a lane."""
    parent = None if record.parent_subject is None else name_key(record.parent_subject).bytes
    failed_on = None if record.failed_on is None else record.failed_on.decode()
    text = record.record_json.decode()
    return RecordRow(lane.bytes, handler, record.subject, parent, record.status.value, text, failed_on)


def completion_rows(completion: Completion, now: datetime) -> CompletionRows:
    """Encode a completion that is carried out at `now`."""
    claim, record = completion.claim, completion.record
    return CompletionRows(
        completion=completion,
        lane=claim.lane.bytes,
        records=[] if record is None else [record_row(claim.lane, claim.handler, record)],
        produced=incoming_rows(completion.produced, now),
        waiting=[(event.id, domain_of(event), event.to_json().decode()) for event in completion.waiting],
        letters=[_letter_row(letter) for letter in completion.dead_letters],
        cancelled=[(key.bytes,) for key in completion.cancelled_keys],
        answered=[(event_id,) for event_id in completion.answered],
    )


def _letter_row(letter: NewDeadLetter) -> tuple[str, str, str, str, str, str, int]:
    return (
        letter.handler,
        letter.event_id,
        letter.event_json.decode(),
        letter.reason,
        letter.error,
        letter.traceback,
        letter.attempts,
    )


def moment(seconds: float) -> datetime:
    """Return the time that SQLite keeps as seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
