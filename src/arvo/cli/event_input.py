"""Reading events from JSON lines: whole events, or short ones that a contract of the app completes.

Nothing is run here. A line that holds no event becomes a `BadLine`, and the lines after it are read all the same.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import NAMESPACE_URL, uuid5

import msgspec

from arvo.contracts import OrchestratorVersion
from arvo.errors import ArvoError
from arvo.events import MAX_EVENT_BYTES, Event, Subject, new_event_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping

    from arvo.contracts import ContractVersion

__all__ = ["BadLine", "Catalogue", "InputEvent", "Lines", "open_lines", "read_events"]

DEFAULT_SOURCE: Final = "com.arvo.cli"
_PARENT_SUBJECT: Final = "parentSubject$$"


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


class Catalogue:
    """The contract versions of an app by the event type that they accept."""

    def __init__(self, versions: Iterable[ContractVersion[Any, Any]]) -> None:
        self._by_type: dict[str, list[ContractVersion[Any, Any]]] = {}
        for version in versions:
            self._by_type.setdefault(version.accepted_type, []).append(version)

    def find(self, event_type: object, dataschema: object) -> ContractVersion[Any, Any] | None:
        """The version of this type and schema; the latest one when no schema is given."""
        known = self._by_type.get(event_type) if isinstance(event_type, str) else None
        if not known:
            return None
        if dataschema is None:
            return known[0].contract.get("latest")
        return next((version for version in known if version.dataschema == dataschema), None)

    def complete(self, document: Mapping[str, Any]) -> Event[Any]:
        """The event of a document that may leave out what its contract tells: all but `type` and `data`.

        A subject is derived from the event's id, so that the same line opens the same process each time.
        """
        given = dict(document)
        given.setdefault("id", new_event_id())
        given.setdefault("source", DEFAULT_SOURCE)
        given.setdefault("specversion", "1.0")
        version = self.find(given.get("type"), given.get("dataschema"))
        if version is not None:
            given.setdefault("dataschema", version.dataschema)
            if isinstance(version, OrchestratorVersion) and isinstance(given.get("data"), dict):
                given["data"] = {_PARENT_SUBJECT: None, **cast("dict[str, Any]", given["data"])}
            if "subject" not in given and isinstance(given["id"], str):
                given["subject"] = Subject.new(
                    name=version.accepted_type,
                    version=version.version,
                    initiator=given["source"],
                    domain=given.get("domain"),
                    execution_id=str(uuid5(NAMESPACE_URL, f"{given['source']} {given['id']}")),
                ).encode()
        return Event.from_dict(given)


class Lines:
    """Lines of a file or of standard input, with how far the reading has come."""

    def __init__(self, reader: asyncio.StreamReader | None, file: Any, size: int | None) -> None:
        self._reader = reader
        self._file = file
        self.size_bytes = size
        self.read_bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Every line, cut off one byte past the longest that can be an event."""
        while line := await self._next():
            self.read_bytes += len(line)
            yield line

    async def _next(self) -> bytes:
        if self._reader is None:
            line: bytes = self._file.readline(MAX_EVENT_BYTES + 1)
            while len(line) > MAX_EVENT_BYTES and not line.endswith(b"\n"):
                rest: bytes = self._file.readline(MAX_EVENT_BYTES)
                self.read_bytes += len(rest)
                if not rest or rest.endswith(b"\n"):
                    break
            return line
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return error.partial
        except asyncio.LimitOverrunError:
            return await self._skip_line(self._reader)

    async def _skip_line(self, reader: asyncio.StreamReader) -> bytes:
        start = await reader.read(MAX_EVENT_BYTES + 1)
        while True:
            try:
                await reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as error:
                await reader.readexactly(error.consumed)
            except asyncio.IncompleteReadError:
                return start
            else:
                return start


@asynccontextmanager
async def open_lines(path: str) -> AsyncGenerator[Lines]:
    """The lines of the file, or of standard input for `-`, which is read as it comes. Raises OSError."""
    if path == "-":
        reader = asyncio.StreamReader(limit=MAX_EVENT_BYTES)
        try:
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
            )
        except ValueError:
            # Redirected from a regular file, which never blocks.
            yield Lines(None, sys.stdin.buffer, None)
            return
        try:
            yield Lines(reader, None, None)
        finally:
            transport.close()
        return
    with open(path, "rb") as file:  # noqa: ASYNC230, PTH123 - a line of a local file is there at once
        size = file.seek(0, 2) if file.seekable() else None
        if size is not None:
            file.seek(0)
        yield Lines(None, file, size)


async def read_events(lines: Lines, catalogue: Catalogue) -> AsyncIterator[InputEvent | BadLine]:
    """The event of every line that is not blank, or what is wrong with the line."""
    number = 0
    async for line in lines:
        number += 1
        text = line.strip()
        if not text:
            continue
        try:
            yield InputEvent(number, _event(text, catalogue))
        except (ArvoError, _NotAnEventError) as error:
            yield BadLine(number, str(error))


class _NotAnEventError(Exception):
    pass


def _event(text: bytes, catalogue: Catalogue) -> Event[Any]:
    if len(text) > MAX_EVENT_BYTES:
        raise _NotAnEventError(f"The line is longer than {MAX_EVENT_BYTES} bytes. An event must fit into that.")
    try:
        document: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _NotAnEventError(f"The line is not JSON: {error}. Write one event a line.") from error
    if not isinstance(document, dict):
        raise _NotAnEventError('The line is JSON, but not an object. Write one event a line: {"type": ..., ...}.')
    members = cast("dict[str, Any]", document)
    if "type" not in members or "data" not in members:
        missing = " and ".join(name for name in ("type", "data") if name not in members)
        raise _NotAnEventError(f"The event has no {missing}. Everything else can be left out.")
    if members.keys() >= {"id", "source", "subject"}:
        return Event.from_json(text)
    return catalogue.complete(members)
