"""The record that a workflow leaves in machine memory between two events, in the layout of the TypeScript system.

Either language must be able to go on from a record of the other, so nothing is named, added or left out here freely.
What only one kind of workflow keeps (the `state$$` of a resumable, the snapshot of a statechart) is added to it later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, overload

import msgspec
from msgspec import UNSET, Raw, UnsetType

from arvo.errors import TransactionViolation
from arvo.events import Event
from arvo.orchestration.state import STATE
from arvo.orchestration.timers import MAX_TIMERS, NO_TIMERS, TIMERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arvo.contracts import ServiceError

__all__ = [
    "SNAPSHOT",
    "Expected",
    "Record",
    "StoredReplies",
    "consumed_so_far",
    "ended_by_error",
    "failed_record",
    "file_reply",
    "json_of",
    "next_record",
]

Expected: TypeAlias = Mapping[str, Sequence[Raw]]
"""The workflow's calls by event id, each with the JSON of the replies that came to it; read-only."""

SNAPSHOT = "state"
"""The member of the record that holds the snapshot of a statechart."""

MAX_REMEMBERED = 1000
"""How many events of one source a record remembers that keeps no replies; no redelivery comes as late as that."""

_NULL = Raw(b"null")


class _Envelope(msgspec.Struct, frozen=True):
    """As much of a recorded event as is looked at; the rest stays as it is."""

    id: str
    source: str


class _Events(msgspec.Struct, frozen=True, rename="camel"):
    consumed: _Envelope | None = None
    expected: dict[str, list[Raw]] | None = None
    consumed_before: dict[str, list[str]] | None = None


class _Layout(msgspec.Struct, frozen=True, rename="camel"):
    execution_status: Literal["normal", "failure"]
    status: str = "active"
    init_event_id: str | None = None
    parent_subject: str | None = None
    events: _Events = _Events()
    own_state: Raw = msgspec.field(name=STATE, default=_NULL)
    snapshot: Raw = msgspec.field(name=SNAPSHOT, default=_NULL)
    timers: Annotated[dict[str, str], msgspec.Meta(max_length=MAX_TIMERS)] | UnsetType = UNSET


class Record(msgspec.Struct, frozen=True):
    """A record as read: `text` is what the memory gave, the rest what workflows need of it."""

    text: bytes
    failed: bool
    done: bool
    init_event_id: str
    parent_subject: str | None
    expected: Expected
    last_consumed: tuple[str, str] | None
    """Id and source of the event that led to this record."""
    consumed_before: Mapping[str, Sequence[str]]
    """Ids of the events before it, by source, oldest first; the latest of each source."""
    own_state: Raw | None
    """The JSON of what a resumable keeps for itself, if there is any."""
    snapshot: Raw | None
    """The JSON of a statechart's snapshot, if there is one."""
    timers: Mapping[str, str]
    """The ids of the timer events that the workflow waits for, by the names of the timers."""

    @classmethod
    def load(cls, text: bytes, event: Event[Any]) -> Record:
        """Read the record under an event's subject. One in another layout is a `TransactionViolation`."""
        try:
            layout = _decode_layout(text)
        except msgspec.DecodeError as error:
            raise _no_workflow(event, str(error)) from error
        if layout.execution_status == "normal" and not layout.init_event_id:
            # What ends the workflow is sent in answer to that event, and events of our own making are not checked.
            raise _no_workflow(event, "initEventId is missing or empty")
        consumed = layout.events.consumed
        return cls(
            text=text,
            failed=layout.execution_status == "failure",
            done=layout.status == "done",
            init_event_id=layout.init_event_id or "",
            parent_subject=layout.parent_subject,
            expected=layout.events.expected or {},
            last_consumed=None if consumed is None else (consumed.id, consumed.source),
            consumed_before=layout.events.consumed_before or {},
            own_state=None if layout.own_state == _NULL else layout.own_state,
            snapshot=None if layout.snapshot == _NULL else layout.snapshot,
            timers=NO_TIMERS if layout.timers is UNSET else layout.timers,
        )

    def timer_of(self, event: Event[Any], *, source: str) -> str | None:
        """The name of the timer that an event of the workflow `source` stands for; None if it is not waited for."""
        if event.source == source:
            for name, event_id in self.timers.items():
                if event_id == event.id:
                    return name
        return None

    def has_consumed(self, event: Event[Any], *, is_init: bool) -> bool:
        """Tell whether this very event led to the record, or to one before it.

        The init event and the last one are remembered always, others as `expected` or `consumed_before` has them.
        """
        if is_init and event.id == self.init_event_id:
            return True
        if (event.id, event.source) == self.last_consumed or event.id in self.consumed_before.get(event.source, ()):
            return True
        replies = self.expected.get(event.parentid or "")
        if not replies:
            return False
        return any(reply.id == event.id and reply.source == event.source for reply in map(_decode_envelope, replies))


def _no_workflow(event: Event[Any], why: str) -> TransactionViolation:
    return TransactionViolation(
        f"The record under the subject of event {event.id!r} is not that of a workflow: {why}. Nothing was changed. "
        "Restore the record from a backup; or remove it, if the workflow may start anew.",
        cause="READ_FAILURE",
    )


def json_of(event: Event[Any]) -> Raw:
    """An event as records hold it."""
    return Raw(event.to_json())


def file_reply(expected: Expected, event: Event[Any], document: Raw) -> Expected:
    """Put a reply under the call that it answers, which moves to the end: so replies stand in order of arrival.

    An event that answers none of the calls changes nothing.
    """
    call = event.parentid
    if call is None or call not in expected:
        return expected
    others = {other: replies for other, replies in expected.items() if other != call}
    return {**others, call: [*expected[call], document]}


def consumed_so_far(record: Record | None) -> Mapping[str, Sequence[str]]:
    """The ids that a record without replies has to remember, by source: of all events up to now but the init event."""
    if record is None or record.last_consumed is None or record.last_consumed[0] == record.init_event_id:
        return {} if record is None else record.consumed_before
    last_id, source = record.last_consumed
    return {**record.consumed_before, source: [*record.consumed_before.get(source, ()), last_id][-MAX_REMEMBERED:]}


def next_record(
    *,
    subject: str,
    init_event_id: str,
    parent_subject: str | None,
    consumed: Raw,
    remembered: Mapping[str, Any],
    produced: Sequence[Event[Any]],
    timers: Mapping[str, str],
    done: bool,
) -> dict[str, Any]:
    """The record after a step that went well, but for what only one kind of workflow keeps.

    `remembered` is what it keeps of earlier steps' events. JSON that nobody has to look into is `Raw`.
    """
    events = {"consumed": consumed, **remembered, "produced": [json_of(event) for event in produced]}
    record: dict[str, Any] = {
        "executionStatus": "normal",
        "status": "done" if done else "active",
        "initEventId": init_event_id,
        "parentSubject": parent_subject,
        "subject": subject,
        "events": Raw(_encode(events)),
    }
    if timers:
        record[TIMERS] = timers
    return record


def failed_record(before: Record | None, *, subject: str, error: ServiceError) -> dict[str, Any]:
    """The record of a workflow that an exception ended: all that was known before but its timers, and the error."""
    return ended_by_error(None if before is None else before.text, subject=subject, error=error)


def ended_by_error(before: bytes | None, *, subject: str, error: ServiceError) -> dict[str, Any]:
    """What `failed_record` returns, for the text of a record."""
    members: dict[str, Any] = {} if before is None else _decode_members(before)
    members.pop(TIMERS, None)
    return {
        **members,
        "executionStatus": "failure",
        "subject": subject,
        "error": {"name": error.error_name, "message": error.error_message, "stack": error.error_stack},
    }


class StoredReplies(Sequence[Event[Any]]):
    """The replies in a record, oldest first. Read when somebody looks, since many turns never do."""

    __slots__ = ("_documents", "_events", "_read")

    def __init__(self, expected: Expected, read: Callable[[Event[Any]], Event[Any]]) -> None:
        self._documents = [document for replies in expected.values() for document in replies]
        self._read = read
        self._events: list[Event[Any]] | None = None

    def __len__(self) -> int:
        return len(self._documents)

    @overload
    def __getitem__(self, index: int) -> Event[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event[Any]]: ...
    def __getitem__(self, index: int | slice) -> Event[Any] | list[Event[Any]]:
        return self._all()[index]

    def __iter__(self) -> Iterator[Event[Any]]:
        return iter(self._all())

    def _all(self) -> list[Event[Any]]:
        if self._events is None:
            # Whatever was taken once can be read again, however large it is.
            self._events = [
                self._read(Event.from_json(text, max_bytes=len(text))) for text in map(bytes, self._documents)
            ]
        return self._events


_encode = msgspec.json.Encoder().encode
_decode_layout = msgspec.json.Decoder(_Layout).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
