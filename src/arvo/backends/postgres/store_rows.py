"""How what the store is given becomes values of Postgres: tuples in the order of the types in `0002_arrivals.sql`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from arvo.ports.store.identity import delivery_key, name_key
from arvo.ports.store.work import Claim, Delivery, domain_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    import asyncpg

    from arvo.ports.store.work import Completion, NewDelivery, RecordWrite

__all__ = ["FinishRows", "claim_of", "delivery_of", "incoming_rows", "record_row"]

Row = tuple[Any, ...]


def incoming_rows(deliveries: Iterable[NewDelivery], by_lane: UUID | None = None) -> list[Row]:
    """Encode deliveries as `incoming`."""
    rows: list[Row] = []
    for delivery in deliveries:
        lane, due = delivery.lane, delivery.due
        delay, due_at = (None, due) if due is None or hasattr(due, "tzinfo") else (due, None)
        key = delivery_key(lane, delivery.event.id)
        event = delivery.event.to_json().decode()
        rows.append((key, lane, delivery.handler, delivery.priority, delay, due_at, event, by_lane))
    return rows


def record_row(handler: str, lane: UUID, record: RecordWrite) -> Row:
    """Encode a record as `record_write`."""
    parent = None if record.parent_subject is None else name_key(record.parent_subject)
    failed_on = None if record.failed_on is None else record.failed_on.decode()
    return (lane, handler, record.subject, parent, record.status.value, record.record_json.decode(), failed_on)


@dataclass(slots=True)
class FinishRows:
    """Completions as the arguments of the function `finish`."""

    completions: list[Row] = field(default_factory=list[Row])
    consumed: list[Row] = field(default_factory=list[Row])
    records: list[Row] = field(default_factory=list[Row])
    produced: list[Row] = field(default_factory=list[Row])
    waiting: list[Row] = field(default_factory=list[Row])
    letters: list[Row] = field(default_factory=list[Row])
    cancelled: list[Row] = field(default_factory=list[Row])
    answered: list[Row] = field(default_factory=list[Row])

    @classmethod
    def of(cls, completions: Iterable[Completion]) -> FinishRows:
        """Encode completions."""
        rows = cls()
        for completion in completions:
            rows._add(completion)
        return rows

    @classmethod
    def together(cls, several: Sequence[FinishRows]) -> FinishRows:
        """Put calls together that share a transaction."""
        if len(several) == 1:
            return several[0]
        rows = cls()
        for other in several:
            for mine, theirs in zip(rows.arguments, other.arguments, strict=True):
                mine += theirs
        return rows

    @property
    def arguments(self) -> tuple[list[Row], ...]:
        """The arguments in their order."""
        return (
            self.completions,
            self.consumed,
            self.records,
            self.produced,
            self.waiting,
            self.letters,
            self.cancelled,
            self.answered,
        )

    def _add(self, completion: Completion) -> None:
        claim, retry = completion.claim, completion.retry
        lane = claim.lane
        self.completions.append(
            (
                lane,
                claim.handler,
                claim.token,
                completion.expected_revision,
                bool(completion.consumed),
                completion.hold,
                None if retry is None else retry.delay,
                None if retry is None else retry.error,
            )
        )
        self.consumed += [(lane, delivery.number, delivery.key) for delivery in completion.consumed]
        if completion.record is not None:
            self.records.append(record_row(claim.handler, lane, completion.record))
        self.produced += incoming_rows(completion.produced, lane)
        self.waiting += [
            (lane, name_key(event.id), event.id, domain_of(event), event.to_json().decode())
            for event in completion.waiting
        ]
        self.letters += [
            (
                lane,
                letter.handler,
                letter.event_id,
                letter.event_json.decode(),
                letter.reason,
                letter.error,
                letter.traceback,
                letter.attempts,
            )
            for letter in completion.dead_letters
        ]
        self.cancelled += [(lane, delivery_key(lane, event_id)) for event_id in completion.cancelled]
        self.answered += [(lane, name_key(event_id)) for event_id in completion.answered]


def claim_of(row: Sequence[Any] | asyncpg.Record, token: int) -> Claim:
    """Decode a row of the function `claim`."""
    lane, handler, priority, attempts, leased_until, revision, record, numbers, keys, events, arrivals = row
    return Claim(
        lane=lane,
        handler=handler,
        token=token,
        priority=priority,
        attempts=attempts,
        leased_until=leased_until,
        deliveries=tuple(map(delivery_of, zip(numbers, keys, events, arrivals, strict=True))),
        record_json=None if record is None else record.encode(),
        revision=revision,
    )


def delivery_of(row: Iterable[Any]) -> Delivery:
    """Decode number, key, event and time of arrival."""
    number, key, event, arrived_at = row
    return Delivery(number=number, key=key, event_json=event.encode(), arrived_at=arrived_at)
