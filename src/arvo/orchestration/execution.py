"""The one wrapper that runs every kind of workflow: load the record, take a step, save, hand over the events.

It owns the order of SEMANTICS 5 and what is left behind when something fails in between. What a step does is decided
by a `WorkflowVersion`; where events go, in `emission.py`; how a record looks, in `record.py`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from arvo.contracts import ServiceError
from arvo.errors import (
    ConfigViolation,
    ContractViolation,
    ExecutionViolation,
    InvalidSubject,
    Issue,
    TransactionViolation,
)
from arvo.events import Event, Subject
from arvo.handlers import unanswerable
from arvo.orchestration.emission import WorkflowEmission
from arvo.orchestration.kept_record import KeptRecord
from arvo.orchestration.record import consumed_so_far, failed_record, file_reply, json_of, next_record
from arvo.orchestration.timers import NO_TIMERS, TIMER_ELAPSED, deadline, limited, read_timeout
from arvo.orchestration.workflow import Delivery, Ignored, Outcome
from arvo.telemetry import attributes as names
from arvo.telemetry import current_headers, event_span, record_emitted, record_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.orchestration.record import Record
    from arvo.orchestration.timers import Timeout, Timer
    from arvo.orchestration.workflow import Step, Workflow, WorkflowVersion
    from arvo.ports import MachineMemory
    from arvo.telemetry import Span

__all__ = ["run_with_memory"]

_logger = logging.getLogger("arvo.orchestration")


async def run_with_memory(workflow: Workflow, event: Event[Any], memory: MachineMemory, *, lock: bool) -> Outcome:
    """What comes of one event for the execution of `workflow` that its subject names.

    A raised violation has changed nothing: deliver the event again, or park it. That includes the
    `TransactionViolation` of a record that somebody else changed meanwhile. The same event gives the same event ids
    however often it is delivered.

    The events are handed over after the record is written. A memory that keeps both together or not at all makes a
    crash between the two harmless; with any other, a caller that crashes there has lost them.

    Without `lock` nothing keeps two events of one execution from being worked on at the same time; then one of them is
    refused when it is saved. Leave it out where the caller lets only one in at a time anyway.
    """
    with event_span("process", event, handler=workflow.contract.type) as span:
        outcome = await _run(workflow, event, memory, span, lock=lock)
        if outcome.ignored is None:
            record_emitted(span, outcome.events)
        else:
            span.set_attribute(names.WORKFLOW_IGNORED, outcome.ignored.value)
            _logger.info(
                "Workflow %s ignored event %s of type %s: %s.",
                workflow.contract.type,
                event.id,
                event.type,
                outcome.ignored.value,
                extra={
                    "event_id": event.id,
                    "event_type": event.type,
                    "subject": event.subject,
                    "ignored": outcome.ignored,
                },
            )
        return outcome


async def _run(workflow: Workflow, event: Event[Any], memory: MachineMemory, span: Span, *, lock: bool) -> Outcome:
    subject = _subject_of(workflow, event)
    if subject.name != workflow.contract.type:
        return Outcome(ignored=Ignored.OTHER_WORKFLOW)
    kept = KeptRecord(memory, event, workflow.contract.type)
    if not lock:
        return await _advance(workflow, event, subject, kept, span)
    await kept.lock()
    try:
        return await _advance(workflow, event, subject, kept, span)
    finally:
        await kept.unlock()


async def _advance(workflow: Workflow, event: Event[Any], subject: Subject, kept: KeptRecord, span: Span) -> Outcome:
    record = await kept.read()
    ignored = _why_ignored(record, event, own_type=workflow.contract.type)
    if ignored is not None:
        return Outcome(ignored=ignored)
    version = _version_for(workflow, event, subject)
    timer = None
    if event.type == TIMER_ELAPSED and record is not None:
        timer = record.timer_of(event, source=workflow.contract.type)
    received = version.vocabulary.read(event) if timer is None else read_timeout(event)
    arrived = json_of(event)
    delivery = Delivery(
        event=received,
        record=record,
        init_event_id=event.id if record is None else record.init_event_id,
        parent_subject=_parent_in(version, received) if record is None else record.parent_subject,
        expected=file_reply(record.expected, event, arrived) if record is not None and record.expected else {},
        timer=timer,
    )
    traceparent, tracestate = current_headers()
    emission = WorkflowEmission(
        workflow=workflow,
        vocabulary=version.vocabulary,
        consumed=event,
        subject=subject,
        init_event_id=delivery.init_event_id,
        parent_subject=delivery.parent_subject,
        traceparent=traceparent,
        tracestate=tracestate,
    )
    try:
        step = await version.step(delivery)
        events, alarms = _emitted(step, emission)
        timers = _timers_after(step, alarms, version) if alarms or step.timers else NO_TIMERS
    except Exception as error:
        raised = unanswerable(error, version.vocabulary.sends)
        if raised is error:
            raise
        if raised is not None:
            raise raised from error
        return await _fail(error, record, emission, kept, span)
    produced = [*events, *alarms] if alarms else events
    after = next_record(
        subject=event.subject,
        init_event_id=delivery.init_event_id,
        parent_subject=delivery.parent_subject,
        consumed=arrived,
        remembered=_remembered(version, delivery, events),
        produced=produced,
        timers=timers,
        done=step.output is not None,
    )
    await kept.write(after, step.fields, record)
    span.set_attribute(names.WORKFLOW_STATUS, after["status"])
    return Outcome(produced)


async def _fail(
    error: Exception, record: Record | None, emission: WorkflowEmission, kept: KeptRecord, span: Span
) -> Outcome:
    """End the workflow by an exception: remember it, and tell whoever started it."""
    workflow, event = emission.workflow, emission.consumed
    record_failure(error)
    span.set_attribute(names.WORKFLOW_STATUS, "failure")
    _logger.warning(
        "Workflow %s failed on event %s of type %s; its initiator gets a system error.",
        workflow.contract.type,
        event.id,
        event.type,
        exc_info=error,
    )
    data = ServiceError.from_exception(error)
    events = emission.failure(data)
    try:
        await kept.write(failed_record(record, subject=event.subject, error=data), {}, record)
    except TransactionViolation as violation:
        violation.add_note(f"What could not be saved is that the workflow failed: {error!r}.")
        raise
    return Outcome(events)


def _emitted(step: Step, emission: WorkflowEmission) -> tuple[list[Event[Any]], list[Event[Timeout]]]:
    """The events of a step, and those of the timers that it starts."""
    events: list[Event[Any]] = []
    deadlines: list[Timer] = []
    for position, calls in enumerate(emission.calls(step.calls) if step.calls else ()):
        events += calls
        if position in step.deadlines:
            deadlines += [deadline(call, step.deadlines[position]) for call in calls]
    if step.output is not None:
        events += emission.completion(step.output, position=len(step.calls))
    if not deadlines and not step.starts:
        return events, []
    # Behind the output, so that each position stands for one thing in all steps.
    return events, emission.timers((*deadlines, *step.starts), position=len(step.calls) + 1)


def _timers_after(step: Step, alarms: list[Event[Timeout]], version: WorkflowVersion) -> Mapping[str, str]:
    """The timers that the workflow waits for after a step; what is over waits for none."""
    if step.output is not None:
        return NO_TIMERS
    started = {alarm.data.timer: alarm.id for alarm in alarms}
    return limited({**step.timers, **started}, workflow=version.vocabulary.own.dataschema)


def _remembered(version: WorkflowVersion, delivery: Delivery, produced: list[Event[Any]]) -> Mapping[str, Any]:
    """What the record keeps of events before the last: enough to know a redelivered one."""
    if version.remembers_calls:
        # The layout has null where there never was a call.
        return {"expected": {**delivery.expected, **{event.id: [] for event in produced}} or None}
    before = consumed_so_far(delivery.record)
    return {"consumedBefore": before} if before else {}


def _why_ignored(record: Record | None, event: Event[Any], *, own_type: str) -> Ignored | None:
    is_init = event.type == own_type
    if record is None:
        return None if is_init else Ignored.NOT_STARTED
    if record.failed:
        return Ignored.FAILED
    if record.done:
        return Ignored.ENDED
    if record.has_consumed(event, is_init=is_init):
        return Ignored.DUPLICATE
    is_obsolete = event.type == TIMER_ELAPSED and record.timer_of(event, source=own_type) is None
    return Ignored.OBSOLETE if is_obsolete else None


def _subject_of(workflow: Workflow, event: Event[Any]) -> Subject:
    try:
        return Subject.parse(event.subject)
    except InvalidSubject as error:
        raise ExecutionViolation(
            f"Workflow {workflow.contract.type!r} got event {event.id!r} with the subject {event.subject!r:.80}, by "
            f"which no workflow can be found: {error} Start workflows with version.request(...), which makes their "
            "subject, and answer their calls with version.reply(...), which keeps it.",
        ) from error


def _version_for(workflow: Workflow, event: Event[Any], subject: Subject) -> WorkflowVersion:
    version = workflow.versions.get(subject.version)
    if version is None:
        raise ConfigViolation(
            f"Workflow {workflow.contract.type!r} has no version {subject.version!r}, which the subject of event "
            f"{event.id!r} asks for; it has {', '.join(workflow.versions) or 'none'}. Deploy a workflow with that "
            "version, or start one of those."
        )
    return version


def _parent_in(version: WorkflowVersion, event: Event[Any]) -> str | None:
    parent = version.vocabulary.own.parent_subject_of(event.data)
    if parent is not None:
        try:
            Subject.parse(parent)
        except InvalidSubject as error:
            problem = f"{parent!r:.80} is not the subject of a workflow: {error}"
            raise ContractViolation(
                f"Event {event.id!r} starts a workflow whose parent could never hear of its end: parentSubject$$ "
                f"{problem} Send the subject of the calling workflow, or null.",
                issues=[Issue(("parentSubject$$",), problem, "invalid_subject")],
            ) from error
    return parent
