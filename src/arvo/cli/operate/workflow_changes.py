"""Cancelling workflows, and having failed ones take the event again on which they failed.

Each change of a record is one amendment of the store: carried out as a whole, or refused because the workflow went on
meanwhile, and then made anew for what is there now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from arvo.cli.failure import CommandError, NotDoneError
from arvo.cli.operate.workflows import children_of, origin_of, questions_of
from arvo.contracts import ServiceError
from arvo.contracts.orchestrator import PARENT_SUBJECT
from arvo.errors import InvalidEvent, InvalidSubject
from arvo.events import Subject
from arvo.orchestration import Orchestrator, Resumable
from arvo.orchestration.operations import cancellation, cancelled_record, record_before_failure, view_of
from arvo.ports import Amendment, NewDelivery, RecordWrite, WorkflowStatus
from arvo.runtime.worker.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.events import Event
    from arvo.orchestration.workflow import Workflow
    from arvo.ports import Store, StoredWorkflow
    from arvo.runtime import App

__all__ = ["CANCELLED", "Cancelled", "Retried", "cancel", "failing_event", "open_calls", "retry", "workflow_definition"]

CANCELLED: Final = "WorkflowCancelled"
"""The name of the error that the caller of a cancelled workflow gets."""

TRIES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """What a cancellation did."""

    workflow: StoredWorkflow
    told: tuple[str, ...]
    """The addresses that were told by a system error."""
    untold: tuple[str, ...]
    """Domains without a sink, in which nobody could be told."""
    children: tuple[int, ...]
    """The numbers of the workflows that were cancelled with it."""
    questions: int
    """How many questions to people were taken off their list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What a retry did."""

    workflow: StoredWorkflow
    event: Event[Any]
    is_served: bool


def workflow_definition(app: App, handler: str) -> Workflow:
    """The workflow of the app under this address; `CommandError` when it has none."""
    found = next((each for each in app.handlers if each.source == handler), None)
    if not isinstance(found, Resumable | Orchestrator):
        raise CommandError(
            f"This app has no workflow {handler!r}, so it cannot tell its caller. Name the app that has."
        )
    return found


async def cancel(
    store: Store, app: App, workflow: StoredWorkflow, *, reason: str, with_children: bool = True
) -> Cancelled:
    """End a workflow that has not ended: drop what waits in its lane, tell its caller, and end what it began.

    Parents come first, so that none begins another child meanwhile. `NotDoneError` when it has ended already.
    """
    definition = workflow_definition(app, workflow.handler)
    routes = Routes(app)
    error = ServiceError(error_name=CANCELLED, error_message=reason)
    told: list[str] = []
    untold: list[str] = []

    def farewell(record_json: bytes) -> list[NewDelivery]:
        told.clear()
        untold.clear()
        deliveries: list[NewDelivery] = []
        for event in cancellation(definition, record_json, subject=workflow.subject, error=error):
            delivery = routes.emitted(event)
            if delivery is None:
                untold.append(str(event.domain))
            else:
                told.append(delivery.handler)
                deliveries.append(delivery)
        return deliveries

    for _ in range(TRIES):
        _require(workflow, WorkflowStatus.ACTIVE, "so it cannot be cancelled")
        if await _end(store, workflow, error, farewell(workflow.record_json)):
            break
        workflow = await _again(store, workflow)
    else:
        raise NotDoneError(f"Workflow {workflow.number} changes all the time. Nothing was changed; try again.")
    questions = await _withdraw_questions(store, workflow)
    children: list[int] = []
    if with_children:
        questions += await _cancel_children(store, workflow, error, children)
    return Cancelled(
        workflow=await _again(store, workflow),
        told=tuple(told),
        untold=tuple(untold),
        children=tuple(children),
        questions=questions,
    )


async def retry(store: Store, workflow: StoredWorkflow) -> Retried:
    """Have a failed workflow take the event again on which it failed, from the record that it had then."""
    _require(workflow, WorkflowStatus.FAILED, "so there is nothing to retry")
    event = failing_event(workflow)
    amendment = Amendment(
        handler=workflow.handler,
        revision=workflow.revision,
        record=RecordWrite(
            subject=workflow.subject,
            record_json=record_before_failure(workflow.record_json),
            status=WorkflowStatus.ACTIVE,
            parent_subject=origin_of(workflow).parent_subject,
        ),
        redelivered=[NewDelivery(handler=workflow.handler, event=event)],
    )
    if not await store.amend(amendment):
        raise NotDoneError(f"Workflow {workflow.number} was changed by somebody else meanwhile. Nothing was done.")
    return Retried(
        workflow=await _again(store, workflow),
        event=event,
        is_served=any(workflow.handler in worker.info.handlers for worker in await store.workers()),
    )


def failing_event(workflow: StoredWorkflow) -> Event[Any]:
    """The event on which it failed; `NotDoneError` when that is not known."""
    try:
        event = workflow.failed_event()
    except InvalidEvent as error:
        raise NotDoneError(f"The event on which workflow {workflow.number} failed cannot be read: {error}") from error
    if event is None:
        raise NotDoneError(
            f"On which event workflow {workflow.number} failed was not kept, as it failed under an older Arvo."
        )
    return event


def open_calls(workflow: StoredWorkflow) -> int:
    """How many calls of a failed workflow had no answer, other than the one on whose answer it failed."""
    event = workflow.failed_event()
    answered = None if event is None else event.parentid
    return sum(call.answers == () and call.id != answered for call in view_of(workflow.record_json).calls)


def _require(workflow: StoredWorkflow, status: WorkflowStatus, why: str) -> None:
    if workflow.status is not status:
        raise NotDoneError(f"Workflow {workflow.number} is {workflow.status}, {why}.")


async def _again(store: Store, workflow: StoredWorkflow) -> StoredWorkflow:
    found = await store.workflow(workflow.handler, workflow.subject)
    if found is None:
        raise NotDoneError(f"Workflow {workflow.number} was removed from the store meanwhile.")
    return found


async def _end(
    store: Store, workflow: StoredWorkflow, error: ServiceError, farewell: Sequence[NewDelivery] = ()
) -> bool:
    amendment = Amendment(
        handler=workflow.handler,
        revision=workflow.revision,
        record=RecordWrite(
            subject=workflow.subject,
            record_json=cancelled_record(workflow.record_json, subject=workflow.subject, error=error),
            status=WorkflowStatus.CANCELLED,
            parent_subject=origin_of(workflow).parent_subject,
        ),
        produced=farewell,
        drop_pending=True,
    )
    return await store.amend(amendment)


async def _withdraw_questions(store: Store, workflow: StoredWorkflow) -> int:
    ids = [waiting.event_id async for waiting in questions_of(store, workflow)]
    return sum([await store.answer(id_, []) for id_ in ids])


async def _cancel_children(store: Store, parent: StoredWorkflow, error: ServiceError, numbers: list[int]) -> int:
    """Cancel what a cancelled workflow began, and what that began; returns how many questions were withdrawn.

    They tell nobody: who would hear of it is cancelled itself.
    """
    questions = 0
    await _prevent_children(store, parent, error)
    for found in [child async for child in children_of(store, parent)]:
        child = found
        for _ in range(TRIES):
            if child.status is not WorkflowStatus.ACTIVE:
                break
            if await _end(store, child, error):
                numbers.append(child.number)
                break
            child = await _again(store, child)
        # Also of one that had ended: what it began may go on.
        questions += await _withdraw_questions(store, child)
        questions += await _cancel_children(store, child, error, numbers)
    return questions


async def _prevent_children(store: Store, parent: StoredWorkflow, error: ServiceError) -> None:
    """See to it that those which its last step called, and which have not begun, never do."""
    for call in view_of(parent.record_json).calls:
        event = call.event
        if event is None or event.subject == parent.subject or event.data.get(PARENT_SUBJECT) != parent.subject:
            continue
        try:
            handler = Subject.parse(event.subject).name
        except InvalidSubject:
            continue
        if await store.workflow(handler, event.subject) is None:
            # Refused, as it should be, when it has begun in this very moment; then it is among the children.
            text = msgspec.json.encode({"initEventId": event.id, "parentSubject": parent.subject})
            await store.amend(
                Amendment(
                    handler=handler,
                    revision=0,
                    record=RecordWrite(
                        subject=event.subject,
                        record_json=cancelled_record(text, subject=event.subject, error=error),
                        status=WorkflowStatus.CANCELLED,
                        parent_subject=parent.subject,
                    ),
                    drop_pending=True,
                )
            )
