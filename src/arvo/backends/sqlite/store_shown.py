"""How rows of the store's tables become what the port shows of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from arvo.backends.sqlite.store_rows import moment
from arvo.ports.store.inspection import StoredDeadLetter, StoredLane, StoredTimer, StoredWorkflow, WaitingEvent
from arvo.ports.store.work import NewDeadLetter, WorkflowStatus

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

LANE_COLUMNS = """
    lane, handler, priority, due_at, owner, attempts, error,
    (SELECT count(*) FROM arvo_deliveries WHERE lane = lane.lane),
    (SELECT event FROM arvo_deliveries WHERE lane = lane.lane ORDER BY number LIMIT 1)
"""
TIMER_COLUMNS = "key, handler, due_at, priority, event"
WORKFLOW_COLUMNS = "number, handler, subject, status, record, revision, created_at, updated_at, failed_on"
LETTER_COLUMNS = "number, at, handler, event_id, event, reason, error, traceback, attempts"
WAITING_COLUMNS = "number, event_id, domain, event, since"


def lane_of(row: tuple[Any, ...]) -> StoredLane:
    """Return the lane in a row of LANE_COLUMNS."""
    lane, handler, priority, due_at, owner, attempts, error, deliveries, event = row
    return StoredLane(
        lane=UUID(bytes=lane),
        handler=handler,
        priority=priority,
        due_at=moment(due_at),
        owner=owner,
        attempts=attempts,
        error=error,
        deliveries=deliveries,
        event_json=event.encode(),
    )


def timer_of(row: tuple[Any, ...]) -> StoredTimer:
    """Return the timer in a row of TIMER_COLUMNS."""
    key, handler, due_at, priority, event = row
    return StoredTimer(
        key=UUID(bytes=key), handler=handler, due_at=moment(due_at), priority=priority, event_json=event.encode()
    )


def workflow_of(row: tuple[Any, ...]) -> StoredWorkflow:
    """Return the workflow in a row of WORKFLOW_COLUMNS."""
    number, handler, subject, status, record, revision, created_at, updated_at, failed_on = row
    return StoredWorkflow(
        number=number,
        handler=handler,
        subject=subject,
        status=WorkflowStatus(status),
        record_json=record.encode(),
        revision=revision,
        created_at=moment(created_at),
        updated_at=moment(updated_at),
        failed_on=None if failed_on is None else failed_on.encode(),
    )


def letter_of(row: tuple[Any, ...]) -> StoredDeadLetter:
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
    return StoredDeadLetter(number=number, at=moment(at), letter=letter)


def waiting_of(row: tuple[Any, ...]) -> WaitingEvent:
    """Return the waiting event in a row of WAITING_COLUMNS."""
    number, event_id, domain, event, since = row
    return WaitingEvent(number=number, event_id=event_id, domain=domain, event_json=event.encode(), since=moment(since))
