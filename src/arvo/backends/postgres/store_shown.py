"""How rows of the store's tables become what the port shows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.ports.store.inspection import StoredDeadLetter, StoredLane, StoredTimer, StoredWorkflow, WaitingEvent
from arvo.ports.store.work import NewDeadLetter, WorkflowStatus

if TYPE_CHECKING:
    import asyncpg

__all__ = [
    "LANE_COLUMNS",
    "LETTER_COLUMNS",
    "TIMER_COLUMNS",
    "WAITING_COLUMNS",
    "WORKFLOW_COLUMNS",
    "lane_of",
    "letter_of",
    "timer_of",
    "waiting_of",
    "workflow_of",
]

LANE_COLUMNS = "l.lane, l.handler, l.priority, l.due_at, l.owner, l.attempts, l.error, d.number, head.event"
TIMER_COLUMNS = "key, handler, due_at, priority, event"
WORKFLOW_COLUMNS = "number, handler, subject, status, record, revision, created_at, updated_at, failed_on"
LETTER_COLUMNS = "number, at, handler, event_id, event, reason, error, traceback, attempts"
WAITING_COLUMNS = "number, event_id, domain, event, since"


def lane_of(row: asyncpg.Record) -> StoredLane:
    """Return the lane in a row of LANE_COLUMNS."""
    lane, handler, priority, due_at, owner, attempts, error, deliveries, event = row
    return StoredLane(
        lane=lane,
        handler=handler,
        priority=priority,
        due_at=due_at,
        owner=owner,
        attempts=attempts,
        error=error,
        deliveries=deliveries,
        event_json=event.encode(),
    )


def timer_of(row: asyncpg.Record) -> StoredTimer:
    """Return the timer in a row of TIMER_COLUMNS."""
    key, handler, due_at, priority, event = row
    return StoredTimer(key=key, handler=handler, due_at=due_at, priority=priority, event_json=event.encode())


def workflow_of(row: asyncpg.Record) -> StoredWorkflow:
    """Return the workflow in a row of WORKFLOW_COLUMNS."""
    number, handler, subject, status, record, revision, created_at, updated_at, failed_on = row
    return StoredWorkflow(
        number=number,
        handler=handler,
        subject=subject,
        status=WorkflowStatus(status),
        record_json=record.encode(),
        revision=revision,
        created_at=created_at,
        updated_at=updated_at,
        failed_on=None if failed_on is None else failed_on.encode(),
    )


def letter_of(row: asyncpg.Record) -> StoredDeadLetter:
    """Return the dead letter in a row of LETTER_COLUMNS."""
    number, at, handler, event_id, event, reason, error, traceback, attempts = row
    letter = NewDeadLetter(
        handler=handler,
        event_id=event_id,
        event_json=event.encode(),
        reason=reason,
        error=error,
        traceback=traceback,
        attempts=attempts,
    )
    return StoredDeadLetter(number=number, at=at, letter=letter)


def waiting_of(row: asyncpg.Record) -> WaitingEvent:
    """Return the waiting event in a row of WAITING_COLUMNS."""
    number, event_id, domain, event, since = row
    return WaitingEvent(number=number, event_id=event_id, domain=domain, event_json=event.encode(), since=since)
