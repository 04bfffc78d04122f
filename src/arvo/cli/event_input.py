"""Reading events from JSON lines: whole events, or short ones that a contract of the app completes.

Nothing is run here. A line that holds no event becomes a `BadLine`, and the lines after it are read all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import NAMESPACE_URL, uuid5

import msgspec

from arvo.contracts import OrchestratorVersion
from arvo.errors import ArvoError, InvalidSubject
from arvo.events import MAX_EVENT_BYTES, Event, Subject, new_event_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping

    from arvo.contracts import ContractVersion

__all__ = ["BadLine", "Catalogue", "InputEvent", "read_events"]

DEFAULT_SOURCE: Final = "com.arvo.cli"
_PARENT_SUBJECT: Final = "parentSubject$$"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_WHOLE: Final = frozenset({"id", "source", "specversion", "subject"})
"""An event with these is taken as it is."""


@dataclass(frozen=True, slots=True)
class InputEvent:
    """The event of a line; the first line is number 1."""

    line: int
    event: Event[Any]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line without a usable event, and why."""

    line: int
    reason: str


class _NotAnEventError(Exception):
    pass


class Catalogue:
    """The contract versions of an app by the event type that they accept."""

    def __init__(self, versions: Iterable[ContractVersion[Any, Any]]) -> None:
        self.ids_made = 0
        """How many documents had no id and were given one."""
        self._by_type: dict[str, dict[str, ContractVersion[Any, Any]]] = {}
        for version in versions:
            self._by_type.setdefault(version.accepted_type, {})[version.dataschema] = version

    def complete(self, document: Mapping[str, Any]) -> Event[Any]:
        """The event of a document that may leave out what its contract tells: all but `type` and `data`.

        A subject is derived from the event's id, so that the same line opens the same process each time.
        """
        given = dict(document)
        if "id" not in given:
            given["id"] = new_event_id()
            self.ids_made += 1
        given.setdefault("source", DEFAULT_SOURCE)
        given.setdefault("specversion", "1.0")
        if "subject" in given:
            return Event.from_dict(given)
        version = self._version(given["type"], given.get("dataschema"))
        given.setdefault("dataschema", version.dataschema)
        data: object = given["data"]
        if isinstance(version, OrchestratorVersion) and isinstance(data, dict) and _PARENT_SUBJECT not in data:
            given["data"] = {**cast("dict[str, Any]", data), _PARENT_SUBJECT: None}
        if isinstance(given["id"], str) and isinstance(given["source"], str):
            given["subject"] = _subject(given["id"], given["source"], given.get("domain"), version)
        return Event.from_dict(given)

    def _version(self, event_type: object, dataschema: object) -> ContractVersion[Any, Any]:
        """The version of this type and schema; the latest one when no schema is given."""
        known = self._by_type.get(event_type) if isinstance(event_type, str) else None
        if not known:
            close = get_close_matches(str(event_type), self._by_type, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else "Events of others need an id, a source and a subject."
            raise _NotAnEventError(f"No contract of this app accepts {event_type!r:.80}. {hint}")
        if dataschema is None:
            return next(iter(known.values())).contract.get("latest")
        if isinstance(dataschema, str) and dataschema in known:
            return known[dataschema]
        raise _NotAnEventError(
            f"{event_type!r} has no version with the dataschema {dataschema!r:.80}; this app knows "
            f"{', '.join(known)}. Leave it out for the latest."
        )


def _subject(id: str, source: str, domain: Any, version: ContractVersion[Any, Any]) -> str:
    try:
        subject = Subject.new(
            name=version.accepted_type,
            version=version.version,
            initiator=source,
            domain=domain,
            execution_id=str(uuid5(NAMESPACE_URL, f"{source} {id}")),
        )
    except InvalidSubject as error:
        where = {issue.path: issue.message for issue in error.issues}
        reasons = ", ".join(f"{path[-1]} {message}" for path, message in where.items() if path)
        raise _NotAnEventError(
            f"No subject can be made for the event ({reasons}). Correct that, or give the event a subject."
        ) from error
    return subject.encode()


async def read_events(lines: AsyncIterable[bytes], catalogue: Catalogue) -> AsyncIterator[InputEvent | BadLine]:
    """The event of every line that is not blank, or what is wrong with the line."""
    number = 0
    async for line in lines:
        number += 1
        text = (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).strip()
        if not text:
            continue
        try:
            yield InputEvent(number, _event(text, catalogue))
        except (ArvoError, _NotAnEventError) as error:
            yield BadLine(number, str(error))


def _event(text: bytes, catalogue: Catalogue) -> Event[Any]:
    if len(text) > MAX_EVENT_BYTES:
        raise _NotAnEventError(f"The line is longer than {MAX_EVENT_BYTES} bytes. An event must fit into that.")
    try:
        document: object = msgspec.json.decode(text.decode())
    except UnicodeDecodeError as error:
        raise _NotAnEventError(f"The line is not UTF-8: {error.reason} at byte {error.start}.") from error
    except (msgspec.DecodeError, RecursionError) as error:
        why = str(error).removeprefix("JSON is malformed: ")
        raise _NotAnEventError(f"The line is not JSON: {why}. Write one event a line.") from error
    if not isinstance(document, dict):
        raise _NotAnEventError('The line is JSON, but not an object. Write one event a line: {"type": ..., ...}.')
    members = cast("dict[str, Any]", document)
    if "type" not in members or "data" not in members:
        missing = " and ".join(name for name in ("type", "data") if name not in members)
        raise _NotAnEventError(f"The event has no {missing}. Everything else can be left out.")
    if members.keys() >= _WHOLE:
        return Event.from_json(text)
    return catalogue.complete(members)
