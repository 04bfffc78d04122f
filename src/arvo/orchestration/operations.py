"""What operators see of a workflow's record and do to it from outside. Pure: they read and return the record's text.

Who stores what comes of it, and tells those whom it concerns, is up to the caller; `arvo.cli` is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw

from arvo.errors import TransactionViolation
from arvo.events import Event, Subject
from arvo.orchestration.emission import WorkflowEmission
from arvo.orchestration.record import SNAPSHOT, ended_by_error
from arvo.orchestration.state import STATE
from arvo.orchestration.timers import TIMER_ELAPSED
from arvo.ports.store.work import NO_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from arvo.contracts import ServiceError
    from arvo.orchestration.workflow import Workflow

__all__ = [
    "Call",
    "RecordView",
    "cancellation",
    "cancelled_record",
    "record_before_failure",
    "view_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An event that the workflow sent to a service. Of calls before the last step only the id is known."""

    id: str
    event: Event[Any] | None = None
    answers: tuple[str, ...] | None = None
    """The types of the answers that came; None where the record does not keep them, as that of a statechart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """A record as a person wants to see it."""

    init_event_id: str | None
    parent_subject: str | None
    consumed: Event[Any] | None
    """The event that led to this record."""
    calls: tuple[Call, ...]
    outputs: tuple[Event[Any], ...]
    """What it ended with, once for each domain that was told."""
    timers: tuple[str, ...]
    """The names of the timers that it waits for."""
    state: bytes | None
    """The JSON of what the workflow keeps for itself: its own state, or a statechart's snapshot."""
    error: Mapping[str, Any] | None


_NULL: Final = Raw(b"null")


class _Reply(msgspec.Struct, frozen=True):
    type: str


class _Events(msgspec.Struct, frozen=True):
    consumed: Raw = _NULL
    produced: list[Raw] = []
    expected: dict[str, list[_Reply]] | None = None


class _Layout(msgspec.Struct, frozen=True, rename="camel"):
    init_event_id: str | None = None
    parent_subject: str | None = None
    events: _Events = _Events()
    own_state: Raw = msgspec.field(name=STATE, default=_NULL)
    snapshot: Raw = msgspec.field(name=SNAPSHOT, default=_NULL)
    timers: dict[str, str] = {}
    error: dict[str, Any] | None = None


def view_of(text: bytes) -> RecordView:
    """What a record says. Raises `TransactionViolation` when it is none of a workflow."""
    layout = _Layout() if text == NO_RECORD else _layout_of(text)
    state = layout.snapshot if layout.own_state == _NULL else layout.own_state
    sent = {event.id: event for event in map(_event, layout.events.produced) if event.type != TIMER_ELAPSED}
    outputs = tuple(event for event in sent.values() if event.type.startswith(f"{event.source}."))
    over = {event.id for event in outputs}
    return RecordView(
        init_event_id=layout.init_event_id,
        parent_subject=layout.parent_subject,
        consumed=None if layout.events.consumed == _NULL else _event(layout.events.consumed),
        calls=tuple(call for call in _calls(sent, layout.events.expected) if call.id not in over),
        outputs=outputs,
        timers=tuple(layout.timers),
        state=None if state == _NULL else bytes(state),
        error=layout.error,
    )


def cancelled_record(text: bytes | None, *, subject: str, error: ServiceError) -> bytes:
    """The record of a workflow that somebody ended from outside: like that of a failed one, with this error.

    Without a text it is that of a workflow that was to begin, and will not.
    """
    return _encode(ended_by_error(None if text == NO_RECORD else text, subject=subject, error=error))


def cancellation(workflow: Workflow, text: bytes, *, subject: str, error: ServiceError) -> list[Event[Any]]:
    """The events that tell the caller of a workflow that it was cancelled: what it gets when the workflow fails.

    Without timers and calls that are under way, which are other people's business. The same record gives the same ids.
    """
    view = view_of(text)
    process = Subject.parse(subject)
    version = workflow.versions.get(process.version) or next(iter(workflow.versions.values()))
    if view.consumed is None or view.init_event_id is None:
        raise _unreadable("it does not say what it was begun by")
    return WorkflowEmission(
        workflow=workflow,
        vocabulary=version.vocabulary,
        consumed=view.consumed,
        subject=process,
        init_event_id=view.init_event_id,
        parent_subject=view.parent_subject,
    ).failure(error, position=-2)


def record_before_failure(text: bytes) -> bytes:
    """The record that a failed workflow had when the event came on which it failed; `NO_RECORD` if that began it.

    Its timers are gone, and so is what came after the failure.
    """
    if not _layout_of(text).init_event_id:
        return NO_RECORD
    members = _decode_members(text)
    members.pop("error", None)
    return _encode({**members, "executionStatus": Raw(b'"normal"')})


def _calls(sent: Mapping[str, Event[Any]], expected: Mapping[str, list[_Reply]] | None) -> Iterator[Call]:
    if expected is None:
        yield from (Call(id=id_, event=event) for id_, event in sent.items())
        return
    for id_, replies in expected.items():
        yield Call(id=id_, event=sent.get(id_), answers=tuple(reply.type for reply in replies))


def _event(text: Raw) -> Event[Any]:
    return Event.from_json(bytes(text), max_bytes=len(bytes(text)))


def _layout_of(text: bytes) -> _Layout:
    try:
        return _decode_layout(text)
    except msgspec.DecodeError as error:
        raise _unreadable(str(error)) from error


def _unreadable(why: str) -> TransactionViolation:
    return TransactionViolation(f"This is not the record of a workflow: {why}.", cause="READ_FAILURE")


_encode = msgspec.json.Encoder().encode
_decode_layout = msgspec.json.Decoder(_Layout).decode
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
