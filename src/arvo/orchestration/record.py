"""The record that a workflow leaves in machine memory between two events, in the layout of the TypeScript system.

Either language must be able to go on from a record of the other, so nothing is named, added or left out here freely.
What only one kind of workflow keeps (the `state$$` of a resumable, the snapshot of a statechart) is `fields` here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

import msgspec

from arvo.errors import TransactionViolation
from arvo.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arvo.contracts import ServiceError

__all__ = [
    "Expected",
    "Record",
    "StoredReplies",
    "consumed_so_far",
    "failed_record",
    "file_reply",
    "next_record",
]

JsonEvent: TypeAlias = Mapping[str, Any]
Expected: TypeAlias = Mapping[str, Sequence[JsonEvent]]
"""The workflow's calls by event id, each with the replies that came to it; read-only like everything read."""


MAX_REMEMBERED = 1000
"""How many events of one source a record remembers that keeps no replies; no redelivery comes as late as that."""


class _Envelope(msgspec.Struct, frozen=True):
    """As much of a recorded event as is looked at; the rest stays as it is."""

    id: str
    source: str


class _Events(msgspec.Struct, frozen=True, rename="camel"):
    consumed: _Envelope | None = None
    expected: dict[str, list[dict[str, Any]]] | None = None
    consumed_before: dict[str, list[str]] | None = None


class _Layout(msgspec.Struct, frozen=True, rename="camel"):
    execution_status: Literal["normal", "failure"]
    status: str = "active"
    init_event_id: str | None = None
    parent_subject: str | None = None
    events: _Events = _Events()


class Record(msgspec.Struct, frozen=True):
    """A record as read: `raw` is what the memory gave, the rest what every workflow needs of it."""

    raw: Mapping[str, Any]
    failed: bool
    done: bool
    init_event_id: str
    parent_subject: str | None
    expected: Expected
    last_consumed: tuple[str, str] | None
    """Id and source of the event that led to this record."""
    consumed_before: Mapping[str, Sequence[str]]
    """Ids of the events before it, by source, oldest first; the latest of each source."""

    @classmethod
    def load(cls, raw: Mapping[str, Any], event: Event[Any]) -> Record:
        """Read the record under an event's subject. One in another layout is a `TransactionViolation`."""
        try:
            layout = msgspec.convert(raw, _Layout)
        except msgspec.ValidationError as error:
            raise TransactionViolation(
                f"The record under the subject of event {event.id!r} is not that of a workflow: {error}. Nothing was "
                "changed. Restore the record from a backup; or remove it, if the workflow may start anew.",
                cause="READ_FAILURE",
            ) from error
        consumed = layout.events.consumed
        return cls(
            raw=raw,
            failed=layout.execution_status == "failure",
            done=layout.status == "done",
            init_event_id=layout.init_event_id or "",
            parent_subject=layout.parent_subject,
            expected=layout.events.expected or {},
            last_consumed=None if consumed is None else (consumed.id, consumed.source),
            consumed_before=layout.events.consumed_before or {},
        )

    def has_consumed(self, event: Event[Any], *, is_init: bool) -> bool:
        """Tell whether this very event led to the record, or to one before it.

        The init event and the last one are remembered always, others as `expected` or `consumed_before` has them.
        """
        if is_init and event.id == self.init_event_id:
            return True
        if (event.id, event.source) == self.last_consumed or event.id in self.consumed_before.get(event.source, ()):
            return True
        replies = self.expected.get(event.parentid or "", ())
        return any(reply["id"] == event.id and reply["source"] == event.source for reply in replies)


def file_reply(expected: Expected, event: Event[Any], document: JsonEvent) -> Expected:
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
    consumed: JsonEvent,
    remembered: Mapping[str, Any],
    produced: Sequence[Event[Any]],
    done: bool,
    fields: Mapping[str, Any],
) -> dict[str, Any]:
    """The record after a step that went well; `remembered` is what it keeps of earlier steps' events."""
    return {
        "executionStatus": "normal",
        "status": "done" if done else "active",
        "initEventId": init_event_id,
        "parentSubject": parent_subject,
        "subject": subject,
        "events": {
            "consumed": consumed,
            **remembered,
            "produced": [event.to_dict() for event in produced],
        },
        **fields,
    }


def failed_record(before: Record | None, *, subject: str, error: ServiceError) -> dict[str, Any]:
    """The record of a workflow that an exception ended: all that was known before, and the error."""
    return {
        **({} if before is None else before.raw),
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
            self._events = [self._read(Event.from_dict(document)) for document in self._documents]
        return self._events
