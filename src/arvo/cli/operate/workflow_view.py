"""A workflow as operators see it: its record, what is under way for it, and its family.

Laid out for people and programs; what is looked up for that is in `workflows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from arvo.cli.console import shortened, visible
from arvo.cli.operate.documents import event_type_in, laid_out, raw
from arvo.cli.operate.duration import brief
from arvo.cli.operate.table import table
from arvo.cli.operate.workflows import lineage_of, origin_of, pending_of
from arvo.errors import ArvoError
from arvo.events import Subject
from arvo.orchestration.operations import view_of
from arvo.ports import WorkflowStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from arvo.cli.operate.workflows import Kin, Pending
    from arvo.orchestration.operations import Call, RecordView
    from arvo.ports import Store, StoredWorkflow

__all__ = ["WorkflowView", "list_rows", "look_at", "summary_members", "view_members", "view_rows"]

COLOURS: Final = {
    WorkflowStatus.DONE: "green",
    WorkflowStatus.FAILED: "red",
    WorkflowStatus.CANCELLED: "yellow",
}
MOST_CALLS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowView:
    """All that is known of a workflow."""

    workflow: StoredWorkflow
    record: RecordView
    pending: Pending
    family: Kin


async def look_at(store: Store, workflow: StoredWorkflow) -> WorkflowView:
    """Look up what there is to know of it."""
    return WorkflowView(
        workflow=workflow,
        record=view_of(workflow.record_json),
        pending=await pending_of(store, workflow),
        family=await lineage_of(store, workflow),
    )


def list_rows(found: Sequence[StoredWorkflow]) -> Iterator[str]:
    """A list for people."""
    now = datetime.now(UTC)
    rows = [
        (
            workflow.number,
            workflow.status,
            workflow.handler,
            _version_of(workflow),
            origin_of(workflow).init_event_id or "?",
            f"{brief(now - workflow.created_at)} ago",
            f"{brief(now - workflow.updated_at)} ago",
            _error_of(workflow),
        )
        for workflow in found
    ]
    header = ("number", "status", "workflow", "version", "started by", "started", "changed", "error")
    return table(header, rows, right=(0, 5, 6))


def view_rows(view: WorkflowView) -> Iterator[str]:
    """A workflow for people."""
    workflow, record = view.workflow, view.record
    now = datetime.now(UTC)
    status = click.style(workflow.status, fg=COLOURS.get(workflow.status), bold=True)
    yield f"{click.style(f'Workflow {workflow.number}', bold=True)}, {visible(workflow.handler)}: {status}"
    origin, process = origin_of(workflow), _process(workflow)
    initiator = "?" if process is None else process.initiator
    facts = [
        ("version", _version_of(workflow)),
        ("started by", f"{initiator}, event {origin.init_event_id or '?'}"),
        ("started", f"{workflow.created_at:%Y-%m-%d %H:%M:%S} UTC, {brief(now - workflow.created_at)} ago"),
        ("changed", f"{workflow.updated_at:%Y-%m-%d %H:%M:%S} UTC, revision {workflow.revision}"),
        ("subject", workflow.subject),
    ]
    if record.error is not None:
        facts.append(("error", _error_of(workflow)))
    if workflow.failed_on is not None:
        event = workflow.failed_on
        facts.append(("failed on", event_type_in(event)))
    for name, text in facts:
        yield f"  {name.ljust(10)}  {visible(text)}"
    for title, rows in (
        ("Pending", _pending_rows(view.pending, now)),
        ("Calls", _call_rows(record.calls)),
        ("Family", _family_rows(view.family, workflow.number)),
    ):
        lines = list(rows)
        if lines:
            yield ""
            yield click.style(title, bold=True)
            yield from (f"  {line}" for line in lines)
    for title, document in (
        ("State", record.state),
        *((f"Output {output.type}", output.data_json) for output in record.outputs),
    ):
        if document is not None:
            yield ""
            yield click.style(visible(title), bold=True)
            yield from (f"  {visible(line)}" for line in laid_out(document).splitlines())


def _pending_rows(pending: Pending, now: datetime) -> Iterator[str]:
    if (lane := pending.lane) is not None:
        kind = event_type_in(lane.event_json)
        if lane.owner is not None and lane.due_at > now:
            how = "a worker has it"
        elif lane.due_at > now:
            how = f"tried again in {brief(lane.due_at - now)}, attempt {lane.attempts}: {lane.error or 'no error'}"
        else:
            how = f"ready for {brief(now - lane.due_at)}"
        yield visible(f"{lane.deliveries} in its lane, first {kind}: {how}")
    for timer in pending.timers:
        yield visible(f"timer {event_type_in(timer.event_json)} in {brief(timer.due_at - now)}")
    for waiting in pending.questions:
        asked = f"{event_type_in(waiting.event_json)} asked in {waiting.domain}, {brief(now - waiting.since)} ago"
        yield visible(f"{asked}: arvo inbox show {waiting.event_id}")


def _call_rows(calls: Sequence[Call]) -> Iterator[str]:
    for call in calls[-MOST_CALLS:]:
        name = "an earlier call" if call.event is None else call.event.type
        where = f" in domain {call.event.domain}" if call.event is not None and call.event.domain else ""
        if call.answers is None:
            answer = "sent by the last step"
        else:
            answer = f"answered by {', '.join(call.answers)}" if call.answers else "not answered"
        yield visible(f"{name}{where} (id {call.id}): {answer}")
    if len(calls) > MOST_CALLS:
        yield f"and {len(calls) - MOST_CALLS} before"


def _family_rows(kin: Kin, own: int, indent: str = "") -> Iterator[str]:
    workflow = kin.workflow
    if not (indent or kin.children or kin.more):
        return
    mark = " <- this one" if workflow.number == own else ""
    status = click.style(workflow.status, fg=COLOURS.get(workflow.status))
    yield f"{indent}{workflow.number} {visible(workflow.handler)} {status}{mark}"
    for child in kin.children:
        yield from _family_rows(child, own, f"{indent}  ")
    if kin.more:
        yield f"{indent}  and more"


def summary_members(workflow: StoredWorkflow) -> dict[str, Any]:
    """A workflow of a list as the members of a JSON object."""
    origin, process = origin_of(workflow), _process(workflow)
    return {
        "number": workflow.number,
        "handler": workflow.handler,
        "status": workflow.status,
        "version": None if process is None else process.version,
        "started_by": origin.init_event_id,
        "initiator": None if process is None else process.initiator,
        "subject": workflow.subject,
        "parent_subject": origin.parent_subject,
        "revision": workflow.revision,
        "created_at": workflow.created_at,
        "updated_at": workflow.updated_at,
        "error": _error_of(workflow) or None,
    }


def view_members(view: WorkflowView) -> dict[str, Any]:
    """A workflow as the members of a JSON object."""
    record, pending = view.record, view.pending
    lane = pending.lane
    return {
        **summary_members(view.workflow),
        "error": record.error,
        "failed_on": raw(view.workflow.failed_on),
        "state": raw(record.state),
        "outputs": [raw(output.to_json()) for output in record.outputs],
        "calls": [
            {
                "id": call.id,
                "event": None if call.event is None else raw(call.event.to_json()),
                "answers": call.answers,
            }
            for call in record.calls
        ],
        "lane": None
        if lane is None
        else {
            "events": lane.deliveries,
            "due_at": lane.due_at,
            "worker": lane.owner,
            "attempts": lane.attempts,
            "error": lane.error,
            "first": raw(lane.event_json),
        },
        "timers": [{"due_at": timer.due_at, "event": raw(timer.event_json)} for timer in pending.timers],
        "questions": [
            {"event_id": one.event_id, "domain": one.domain, "since": one.since, "event": raw(one.event_json)}
            for one in pending.questions
        ],
        "family": _family_members(view.family),
    }


def _family_members(kin: Kin) -> dict[str, Any]:
    return {
        "number": kin.workflow.number,
        "handler": kin.workflow.handler,
        "status": kin.workflow.status,
        "children": [_family_members(child) for child in kin.children],
        "more": kin.more,
    }


def _process(workflow: StoredWorkflow) -> Subject | None:
    try:
        return Subject.parse(workflow.subject)
    except ArvoError:
        return None


def _version_of(workflow: StoredWorkflow) -> str:
    process = _process(workflow)
    return "?" if process is None else process.version


def _error_of(workflow: StoredWorkflow) -> str:
    error = origin_of(workflow).error
    return "" if error is None else shortened(f"{error.name}: {error.message}", 300)
