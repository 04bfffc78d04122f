"""What people and tools see of a store. Plain records; events and records stay JSON text until somebody looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.errors import DefinitionError
from arvo.events import Event
from arvo.ports.records import decode_record
from arvo.ports.store.work import NO_RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from arvo.ports.store.work import NewDeadLetter, WorkerInfo, WorkflowStatus

__all__ = [
    "LATELY",
    "Pruned",
    "QueueStatus",
    "Retention",
    "SchemaUpgrade",
    "StoreCounts",
    "StoredDeadLetter",
    "StoredLane",
    "StoredTimer",
    "StoredWorkflow",
    "WaitingEvent",
    "WorkerStatus",
]

LATELY = timedelta(minutes=1)
"""The time before that `StoreCounts.taken_lately` is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """What waits for one handler. Lanes are `ready`, `leased` to a worker, or closed until a retry (`retrying`).

    `deliveries` counts the events in all of them, `timers` those that are not due yet. `oldest` is how long the
    longest-waiting ready lane has been ready: the age of the queue, zero when nothing is ready.
    """

    handler: str
    ready: int
    leased: int
    retrying: int
    deliveries: int
    timers: int
    oldest: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLane:
    """One lane that has work, with its first delivery. `due_at` is when it can be claimed (next)."""

    lane: UUID
    handler: str
    priority: int
    due_at: datetime
    owner: str | None
    attempts: int
    error: str | None
    deliveries: int
    event_json: bytes

    def event(self) -> Event[Any]:
        """Decode the first event of the lane."""
        return Event.from_json(self.event_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWorkflow:
    """One workflow's record as it lies in the store. `number` rises in order of creation.

    `failed_on` is the event on which it failed, None unless it has failed.
    """

    number: int
    handler: str
    subject: str
    status: WorkflowStatus
    record_json: bytes
    revision: int
    created_at: datetime
    updated_at: datetime
    failed_on: bytes | None = None

    def record(self) -> Mapping[str, Any]:
        """Decode the record; empty when it says nothing (any more)."""
        return {} if self.record_json == NO_RECORD else decode_record(self.record_json)

    def failed_event(self) -> Event[Any] | None:
        """Decode the event on which it failed."""
        return None if self.failed_on is None else Event.from_json(self.failed_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDeadLetter:
    """A dead letter; `number` names it and rises with time."""

    number: int
    at: datetime
    letter: NewDeadLetter

    def event(self) -> Event[Any]:
        """Decode the event; `InvalidEvent` when that is what is wrong with it."""
        return Event.from_json(self.letter.event_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingEvent:
    """An event that waits for somebody in its domain to answer it; `number` rises with time."""

    number: int
    event_id: str
    domain: str
    event_json: bytes
    since: datetime

    def event(self) -> Event[Any]:
        """Decode the event."""
        return Event.from_json(self.event_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTimer:
    """An event that will arrive at `due_at`."""

    key: UUID
    handler: str
    due_at: datetime
    priority: int
    event_json: bytes

    def event(self) -> Event[Any]:
        """Decode the event."""
        return Event.from_json(self.event_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """A worker that has given signs of life. `silent_for` is measured by the store's clock."""

    info: WorkerInfo
    started_at: datetime
    silent_for: timedelta
    leases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCounts:
    """How much of what does not wait in queues is in a store.

    `workflows` by status and `waiting` events by domain, without those of which there are none. `taken_lately` is how
    many events were done with in the minute before.
    """

    workflows: Mapping[WorkflowStatus, int]
    dead_letters: int
    waiting: Mapping[str, int]
    taken_lately: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long finished things are kept; None keeps them for ever.

    `consumed_ids` is also how late a duplicate may come and still be recognised. Workflows are counted from their
    last change and go only when they have ended and nothing waits in their lane.
    """

    consumed_ids: timedelta | None = timedelta(days=7)
    ended_workflows: timedelta | None = timedelta(days=30)
    dead_letters: timedelta | None = None

    def __post_init__(self) -> None:
        for name in ("consumed_ids", "ended_workflows", "dead_letters"):
            kept_for = getattr(self, name)
            if kept_for is not None and kept_for < timedelta(0):
                raise DefinitionError(f"{name}={kept_for} is negative. Give a time, or None to keep them for ever.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many of each were removed."""

    consumed_ids: int
    workflows: int
    dead_letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaUpgrade:
    """The version of the tables before and after; the same when nothing was to do, 0 when there were none."""

    before: int
    after: int
