"""What workers hand to a store and get from it: deliveries, claims on lanes, and how a claim ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from arvo.errors import DefinitionError
from arvo.events import Event
from arvo.ports.store.identity import delivery_key, lane_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

__all__ = [
    "NO_RECORD",
    "PRIORITIES",
    "Amendment",
    "Claim",
    "Completion",
    "Delivery",
    "FinishOutcome",
    "NewDeadLetter",
    "NewDelivery",
    "RecordWrite",
    "RetryLater",
    "WorkerInfo",
    "WorkflowStatus",
    "check_one_for_each_lane",
    "domain_of",
]

NO_RECORD: Final = b"null"
"""The text of a record that says nothing."""

PRIORITIES = range(-(2**15), 2**15)


class WorkflowStatus(StrEnum):
    """How far a workflow has come, as the store needs to know it; the record says the rest."""

    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class FinishOutcome(StrEnum):
    """What became of a completion. Whatever it says, the claim is over, unless it was committed and is held."""

    COMMITTED = "committed"
    """Everything in it happened, durably."""
    FENCED = "fenced"
    """Nothing in it happened: the claim had been lost, or this very completion had been committed before."""
    STALE = "stale"
    """Nothing in it happened: the record was changed from outside the lane. The lane is free, to be claimed afresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """An event on its way to one handler, in the lane of the event's subject.

    `handler` is the source of a handler or the name of a sink: the store does not tell them apart. `due` makes it a
    timer: it arrives then (a time, or a delay counted from when it is stored) and not before. Of the lanes that are
    due those of higher `priority` are claimed first; inside a lane only the order of arrival counts.
    """

    handler: str
    event: Event[Any]
    priority: int = 0
    due: datetime | timedelta | None = None

    def __post_init__(self) -> None:
        if not self.handler:
            raise DefinitionError(f"Event {self.event.id!r} is on its way to no handler. Name the source of one.")
        if self.priority not in PRIORITIES:
            raise DefinitionError(f"priority={self.priority} is not between {PRIORITIES[0]} and {PRIORITIES[-1]}.")
        if isinstance(self.due, datetime) and self.due.tzinfo is None:
            raise DefinitionError(f"due={self.due!r} has no time zone, so it is no point in time. Add one.")

    @property
    def lane(self) -> UUID:
        """The lane it belongs to."""
        return lane_id(self.handler, self.event.subject)

    def due_at(self, now: datetime) -> datetime | None:
        """When it arrives, if it is a timer stored at `now`; None when it arrives at once."""
        return now + self.due if isinstance(self.due, timedelta) else self.due


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event that has arrived in a lane. `number` rises in order of arrival."""

    number: int
    key: UUID
    event_json: bytes
    arrived_at: datetime

    def event(self) -> Event[Any]:
        """Decode the event; `InvalidEvent` when somebody tampered with it in the store."""
        return Event.from_json(self.event_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on one lane until `leased_until`, with its first deliveries in order, at least one.

    `attempts` counts the tries begun at the first of them, this one included. A lane whose first delivery was begun
    before comes with that delivery alone, so that what kills workers takes no others with it. `priority` is the lane's.
    `record_json` is the lane's record, None when there is none, and `revision` counts how often it was written.
    """

    lane: UUID
    handler: str
    token: int
    priority: int
    attempts: int
    leased_until: datetime
    deliveries: tuple[Delivery, ...]
    record_json: bytes | None
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordWrite:
    """A record to be kept for the lane of `subject`, as JSON text, with what the store lists and prunes it by.

    The text `NO_RECORD` says nothing: for a worker it is as if there was no record, so the workflow can begin anew.

    `failed_on` is the JSON of the event on which a workflow failed; the next write replaces it like everything else.
    """

    subject: str
    record_json: bytes
    status: WorkflowStatus
    parent_subject: str | None = None
    failed_on: bytes | None = None

    def __post_init__(self) -> None:
        if self.failed_on is not None and self.status is not WorkflowStatus.FAILED:
            raise DefinitionError(f"A workflow that is {self.status} has not failed on any event. Leave failed_on out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLater:
    """Keep the lane closed for `delay`, because its next delivery failed with `error`."""

    delay: timedelta
    error: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "error", _storable(self.error))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeadLetter:
    """An event that is given up. `handler` is the address it was for, `reason` a short word, `error` one line."""

    handler: str
    event_id: str
    event_json: bytes
    reason: str
    error: str
    traceback: str = ""
    attempts: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "error", _storable(self.error))
        object.__setattr__(self, "traceback", _storable(self.traceback))


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """How a claim, or a part of it, ends: everything named here happens, or nothing.

    `consumed` are deliveries of the claim, from the front and without gaps; they leave the lane and are remembered.
    `revision` is that of the record they were run on; None means that of the claim (a held claim that has written
    must count up). `cancelled` are ids of events that are timers of this lane, `answered` ids of events that waited for
    an answer and now have one. Then the lane is freed; kept by this claim, with the same token and lease, if `hold`; or
    closed for a while, if `retry` (not both).
    """

    claim: Claim
    consumed: Sequence[Delivery] = ()
    revision: int | None = None
    record: RecordWrite | None = None
    produced: Sequence[NewDelivery] = ()
    waiting: Sequence[Event[Any]] = ()
    dead_letters: Sequence[NewDeadLetter] = ()
    cancelled: Sequence[str] = ()
    answered: Sequence[str] = ()
    hold: bool = False
    retry: RetryLater | None = None

    def __post_init__(self) -> None:
        if self.hold and self.retry is not None:
            raise DefinitionError("A completion either holds its claim or leaves the lane for a retry, not both.")
        for event in self.waiting:
            domain_of(event)
        if self.consumed:
            numbers = [delivery.number for delivery in self.claim.deliveries]
            first = self.consumed[0].number
            start = numbers.index(first) if first in numbers else len(numbers)
            if [delivery.number for delivery in self.consumed] != numbers[start : start + len(self.consumed)]:
                raise DefinitionError("A completion consumes deliveries of its claim, in their order and without gaps.")

    @property
    def expected_revision(self) -> int:
        """The revision that the record must still have."""
        return self.claim.revision if self.revision is None else self.revision

    @property
    def cancelled_keys(self) -> list[UUID]:
        """The keys of the timers to cancel."""
        return [delivery_key(self.claim.lane, event_id) for event_id in self.cancelled]


def _storable(text: str) -> str:
    """Return a text of whatever raised an error so that every store can keep it: no NUL, no lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def check_one_for_each_lane(completions: Sequence[Completion]) -> None:
    """Raise DefinitionError when two completions are about one lane, since neither could go first."""
    if len({completion.claim.lane for completion in completions}) < len(completions):
        raise DefinitionError("Two completions of one call are about the same lane. Finish them one after the other.")


def domain_of(event: Event[Any]) -> str:
    """Return the domain that an event waits for."""
    if event.domain is None:
        raise DefinitionError(f"Event {event.id!r} has no domain to wait for; deliver it instead.")
    return event.domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A change of one workflow from outside, by an operator: it happens if the record still has `revision`.

    `drop_pending` removes what waits in the lane, timers too, and takes the lane from whoever works on it.
    `redelivered` arrive after `produced`, and are not taken for duplicates of events that were consumed before.
    """

    handler: str
    revision: int
    record: RecordWrite
    produced: Sequence[NewDelivery] = ()
    redelivered: Sequence[NewDelivery] = ()
    drop_pending: bool = False

    @property
    def lane(self) -> UUID:
        """The lane of the workflow."""
        return lane_id(self.handler, self.record.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """A worker as it tells about itself. `process_key` differs when another process gets the same host and pid."""

    id: str
    host: str
    pid: int
    process_key: str
    handlers: tuple[str, ...]
