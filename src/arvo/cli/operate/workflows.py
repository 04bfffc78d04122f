"""Finding workflows in a store: by number or subject, by what they are, and along their lineage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from arvo.cli.failure import NotDoneError
from arvo.cli.operate.inbox import find_waiting
from arvo.contracts.orchestrator import PARENT_SUBJECT
from arvo.errors import InvalidSubject
from arvo.events import Event, Subject
from arvo.ports.store import lane_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from arvo.ports import Store, StoredLane, StoredTimer, StoredWorkflow, WaitingEvent, WorkflowStatus

__all__ = [
    "Kin",
    "Origin",
    "Pending",
    "WorkflowFilter",
    "children_of",
    "find_workflow",
    "find_workflows",
    "lineage_of",
    "origin_of",
    "pending_of",
    "questions_of",
]

PAGE: Final = 200
MOST_KIN: Final = 200
"""So many workflows of one family are looked at when a tree is shown."""


class _Error(msgspec.Struct, frozen=True):
    name: str = ""
    message: str = ""


class Origin(msgspec.Struct, frozen=True, rename="camel"):
    """What lists tell of a workflow: the id of the event that began it, its parent's subject, and how it failed."""

    init_event_id: str | None = None
    parent_subject: str | None = None
    error: _Error | None = None


class _Asked(msgspec.Struct):
    subject: str


_origin = msgspec.json.Decoder(Origin | None).decode
_asked = msgspec.json.Decoder(_Asked).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFilter:
    """Which workflows are meant."""

    handler: str | None = None
    status: WorkflowStatus | None = None
    started_by: str | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A workflow in a family tree. `children` are those that are shown; `more` says that there are others."""

    workflow: StoredWorkflow
    children: tuple[Kin, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is under way for one workflow: events in its lane, timers, and questions that wait for people."""

    lane: StoredLane | None
    timers: Sequence[StoredTimer]
    questions: Sequence[WaitingEvent]


async def find_workflow(store: Store, name: str) -> StoredWorkflow:
    """The workflow with this number or subject; `NotDoneError` when there is none."""
    if name.isdecimal() and name.isascii():
        found = await store.numbered_workflow(int(name)) if len(name) < 19 else None
    else:
        try:
            found = await store.workflow(Subject.parse(name).name, name)
        except InvalidSubject as error:
            raise NotDoneError(
                f"{name!r:.80} is neither the number nor the subject of a workflow. If it is the id of the event that "
                "began one: arvo workflow list --started-by ID"
            ) from error
    if found is None:
        raise NotDoneError(f"There is no workflow {name!r:.80}. They are listed by: arvo workflow list")
    return found


async def find_workflows(store: Store, wanted: WorkflowFilter) -> AsyncIterator[StoredWorkflow]:
    """All that fit, the newest first."""
    after: StoredWorkflow | None = None
    while page := await store.workflows(handler=wanted.handler, status=wanted.status, after=after, limit=PAGE):
        after = page[-1]
        for workflow in page:
            if wanted.before is not None and workflow.number >= wanted.before:
                continue
            if wanted.started_by in (None, origin_of(workflow).init_event_id):
                yield workflow


def origin_of(workflow: StoredWorkflow) -> Origin:
    """Where a workflow comes from, as far as its record says."""
    try:
        origin = _origin(workflow.record_json) or Origin()
    except msgspec.DecodeError:
        return Origin()
    if origin.init_event_id is None and workflow.failed_on is not None:
        # It failed on the very event that was to begin it, so its record knows nothing else.
        event = Event.from_json(workflow.failed_on)
        parent = event.data.get(PARENT_SUBJECT)
        parent_subject = parent if isinstance(parent, str) else None
        return Origin(init_event_id=event.id, parent_subject=parent_subject, error=origin.error)
    return origin


async def children_of(store: Store, workflow: StoredWorkflow) -> AsyncIterator[StoredWorkflow]:
    """The workflows that it began, the newest first."""
    after: StoredWorkflow | None = None
    while page := await store.workflows(parent_subject=workflow.subject, after=after, limit=PAGE):
        after = page[-1]
        for child in page:
            yield child


async def lineage_of(store: Store, workflow: StoredWorkflow) -> Kin:
    """The family of a workflow: from its oldest ancestor straight down to it, then all that it began."""
    root = await _tree(store, workflow, {workflow.number}, [MOST_KIN])
    seen = {workflow.number}
    here = workflow
    while (parent := await _parent(store, here)) is not None and parent.number not in seen:
        seen.add(parent.number)
        root, here = Kin(workflow=parent, children=(root,)), parent
    return root


async def _tree(store: Store, workflow: StoredWorkflow, seen: set[int], room: list[int]) -> Kin:
    children: list[Kin] = []
    more = False
    async for child in children_of(store, workflow):
        if not room[0]:
            more = True
            break
        if child.number not in seen:
            seen.add(child.number)
            room[0] -= 1
            children.append(await _tree(store, child, seen, room))
    return Kin(workflow=workflow, children=tuple(reversed(children)), more=more)


async def _parent(store: Store, workflow: StoredWorkflow) -> StoredWorkflow | None:
    parent = origin_of(workflow).parent_subject
    if parent is None:
        return None
    try:
        return await store.workflow(Subject.parse(parent).name, parent)
    except InvalidSubject:
        return None


async def pending_of(store: Store, workflow: StoredWorkflow) -> Pending:
    """What is under way for it."""
    lane = await store.lane(workflow.handler, workflow.subject)
    return Pending(
        lane=lane,
        timers=await store.timers(lane=lane_id(workflow.handler, workflow.subject)),
        questions=[waiting async for waiting in questions_of(store, workflow)],
    )


async def questions_of(store: Store, workflow: StoredWorkflow) -> AsyncIterator[WaitingEvent]:
    """The events that it sent and that wait for somebody's answer."""
    async for waiting in find_waiting(store, None):
        if _asked(waiting.event_json).subject == workflow.subject:
            yield waiting
