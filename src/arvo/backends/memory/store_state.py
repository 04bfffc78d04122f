"""What the in-memory store holds, and the small steps that its calls are made of. Nothing here can fail half-way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from arvo.ports.store.identity import delivery_key, name_key
from arvo.ports.store.inspection import StoredDeadLetter, StoredWorkflow, WaitingEvent
from arvo.ports.store.work import Delivery, FinishOutcome, domain_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from arvo.ports.store.work import Completion, NewDeadLetter, NewDelivery, RecordWrite, WorkerInfo

__all__ = ["EncodedCompletion", "Incoming", "Lane", "State", "Worker", "Workflow", "encode", "encode_completion"]


@dataclass(slots=True)
class Lane:
    """A lane that has work. `due_at` is when it can be claimed next, for a leased one the end of the lease."""

    id: UUID
    handler: str
    priority: int
    due_at: datetime
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    owner: str | None = None
    token: int | None = None
    attempts: int = 0
    error: str | None = None

    def is_leased(self, now: datetime) -> bool:
        """Return whether somebody is working on it."""
        return self.owner is not None and self.due_at > now

    def free(self, due_at: datetime, *, attempts: int) -> None:
        """End the claim."""
        self.owner = self.token = None
        self.due_at, self.attempts = due_at, attempts


@dataclass(frozen=True, slots=True)
class Incoming:
    """A delivery or timer, encoded: what can go wrong with it has not."""

    key: UUID
    lane: UUID
    handler: str
    priority: int
    due_at: datetime | None
    event_json: bytes


@dataclass(frozen=True, slots=True)
class Workflow:
    """A stored workflow, and where to look for it."""

    lane: UUID
    parent: UUID | None
    stored: StoredWorkflow


@dataclass(slots=True)
class Worker:
    """A worker and when it was heard of."""

    info: WorkerInfo
    started_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class EncodedCompletion:
    """A completion with its events encoded."""

    completion: Completion
    produced: list[Incoming]
    waiting: list[WaitingEvent]


def encode(deliveries: Iterable[NewDelivery], now: datetime) -> list[Incoming]:
    """Encode deliveries that are stored at `now`."""
    return [
        Incoming(
            key=delivery_key(lane := delivery.lane, delivery.event.id),
            lane=lane,
            handler=delivery.handler,
            priority=delivery.priority,
            due_at=delivery.due_at(now),
            event_json=delivery.event.to_json(),
        )
        for delivery in deliveries
    ]


def encode_completion(completion: Completion, now: datetime) -> EncodedCompletion:
    """Encode everything in a completion that is carried out at `now`."""
    waiting = [
        WaitingEvent(number=0, event_id=event.id, domain=domain_of(event), event_json=event.to_json(), since=now)
        for event in completion.waiting
    ]
    return EncodedCompletion(completion, encode(completion.produced, now), waiting)


@dataclass(slots=True)
class State:
    """Everything in the store. `consumed` has a time for each remembered key: of a delivery, or of a `once`."""

    lanes: dict[UUID, Lane] = field(default_factory=dict["UUID", Lane])
    pending: set[UUID] = field(default_factory=set["UUID"])
    timers: dict[UUID, Incoming] = field(default_factory=dict["UUID", Incoming])
    consumed: dict[UUID, datetime] = field(default_factory=dict["UUID", "datetime"])
    workflows: dict[UUID, Workflow] = field(default_factory=dict["UUID", Workflow])
    letters: dict[int, StoredDeadLetter] = field(default_factory=dict[int, StoredDeadLetter])
    waiting: dict[str, WaitingEvent] = field(default_factory=dict[str, WaitingEvent])
    workers: dict[str, Worker] = field(default_factory=dict[str, Worker])
    last_number: int = 0

    def next_number(self) -> int:
        """Return a number above all others."""
        self.last_number += 1
        return self.last_number

    def take_in(self, incoming: Iterable[Incoming], now: datetime) -> int:
        """Store deliveries and timers, and return how many were no duplicates."""
        new = 0
        for item in incoming:
            if item.due_at is not None:
                new += item.key not in self.timers
                self.timers.setdefault(item.key, item)
            else:
                new += self._arrive(item, now)
        return new

    def take_in_again(self, incoming: Iterable[Incoming], now: datetime) -> None:
        """Store deliveries whose events may have been consumed before."""
        for item in incoming:
            self.consumed.pop(item.key, None)
            self.take_in([item], now)

    def _arrive(self, item: Incoming, now: datetime) -> bool:
        if item.key in self.pending or item.key in self.consumed:
            return False
        lane = self.lanes.get(item.lane)
        if lane is None:
            lane = self.lanes[item.lane] = Lane(item.lane, item.handler, item.priority, now)
        lane.priority = max(lane.priority, item.priority)
        lane.deliveries.append(
            Delivery(number=self.next_number(), key=item.key, event_json=item.event_json, arrived_at=now)
        )
        self.pending.add(item.key)
        return True

    def ring_timers(self, now: datetime) -> None:
        """Let the timers that are due arrive."""
        due = [(item.due_at, item) for item in self.timers.values() if item.due_at is not None and item.due_at <= now]
        for _, item in sorted(due, key=lambda pair: pair[0]):
            del self.timers[item.key]
            self._arrive(item, now)

    def revision(self, lane: UUID) -> int:
        """Return how often the lane's record was written."""
        workflow = self.workflows.get(lane)
        return 0 if workflow is None else workflow.stored.revision

    def write_record(self, lane: UUID, handler: str, record: RecordWrite, now: datetime) -> None:
        """Replace the lane's record."""
        before = self.workflows.get(lane)
        stored = StoredWorkflow(
            number=self.next_number() if before is None else before.stored.number,
            handler=handler,
            subject=record.subject,
            status=record.status,
            record_json=record.record_json,
            revision=self.revision(lane) + 1,
            created_at=now if before is None else before.stored.created_at,
            updated_at=now,
            failed_on=record.failed_on,
        )
        parent = None if record.parent_subject is None else name_key(record.parent_subject)
        self.workflows[lane] = Workflow(lane, parent, stored)

    def judge(self, completion: Completion, now: datetime) -> FinishOutcome:
        """Say whether a completion can be carried out; a stale one loses its lane."""
        lane = self.lanes.get(completion.claim.lane)
        if lane is None or lane.token != completion.claim.token:
            return FinishOutcome.FENCED
        if self.revision(lane.id) != completion.expected_revision:
            lane.free(now, attempts=max(lane.attempts - 1, 0))
            return FinishOutcome.STALE
        return FinishOutcome.COMMITTED

    def carry_out(self, encoded: EncodedCompletion, now: datetime) -> None:
        """Do everything that a completion names."""
        completion = encoded.completion
        lane = self.lanes[completion.claim.lane]
        self.consume(lane, completion.consumed, now)
        if completion.record is not None:
            self.write_record(lane.id, lane.handler, completion.record, now)
        self.take_in(encoded.produced, now)
        for event in encoded.waiting:
            self.waiting.setdefault(event.event_id, replace(event, number=self.next_number()))
        for event_id in completion.answered:
            self.waiting.pop(event_id, None)
        self.bury(completion.dead_letters, now)
        for key in completion.cancelled_keys:
            self.timers.pop(key, None)
        self._leave(lane, completion, now)

    def _leave(self, lane: Lane, completion: Completion, now: datetime) -> None:
        progress = bool(completion.consumed)
        if progress:
            lane.error = None
        if not lane.deliveries:
            del self.lanes[lane.id]
        elif completion.hold:
            lane.attempts = 1 if progress else lane.attempts
        elif completion.retry is not None:
            lane.free(now + completion.retry.delay, attempts=1 if progress else lane.attempts)
            lane.error = completion.retry.error
        else:
            lane.free(now, attempts=0 if progress else max(lane.attempts - 1, 0))

    def consume(self, lane: Lane, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Remove deliveries from their lane, and remember them."""
        keys = {delivery.key for delivery in deliveries}
        self._forget_pending(lane, keys)
        self.consumed.update(dict.fromkeys(keys, now))

    def _forget_pending(self, lane: Lane, keys: set[UUID]) -> None:
        lane.deliveries = [delivery for delivery in lane.deliveries if delivery.key not in keys]
        self.pending -= keys

    def empty_lane(self, lane_id: UUID) -> None:
        """Remove a lane with all that waits in it, and its timers."""
        lane = self.lanes.pop(lane_id, None)
        if lane is not None:
            self.pending -= {delivery.key for delivery in lane.deliveries}
        self.timers = {key: timer for key, timer in self.timers.items() if timer.lane != lane_id}

    def bury(self, letters: Sequence[NewDeadLetter], now: datetime) -> None:
        """Keep dead letters."""
        for letter in letters:
            number = self.next_number()
            self.letters[number] = StoredDeadLetter(number=number, at=now, letter=letter)
