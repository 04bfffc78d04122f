"""A log that the worker processes write besides their store: what ran where, when, on which event, made by which run.

Every run of a handler has an id of its own, which is written into the events it emits. So whoever meets such an event
later, in the log or in the store, knows which of several runs it was whose work was committed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias
from uuid import uuid4

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence
    from pathlib import Path

    from arvo.events import Event

__all__ = ["Note", "Witness", "current_run", "follow", "maker_of", "marked", "read_notes", "root_of"]

MAKER, ROOT = "chaosmaker", "chaosroot"
"""Extensions: the run that emitted an event, and the id of the request that all began with."""

_LOOK_SECONDS = 0.1

What: TypeAlias = Literal["begin", "end", "stopped", "said"]


class Note(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of the log. Times are those of the machine's monotonic clock, which all its processes share."""

    what: What
    at: float
    pid: int
    run: str = ""
    handler: str = ""
    lane: str = ""
    event: str = ""
    maker: str = ""
    root: str = ""
    text: str = ""


class Witness:
    """Writes one process's notes. A line in a file opened for appending is written as a whole."""

    def __init__(self, log: Path) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._marker = log.with_suffix(".stopped")

    def close(self) -> None:
        os.close(self._log)

    @contextmanager
    def run(self, event: Event[Any], handler: str) -> Generator[None]:
        """Note that a handler begins with an event, and, if all goes well, that it ends."""
        run = uuid4().hex
        lane = hashlib.sha256(f"{handler}\n{event.subject}".encode()).hexdigest()[:16]
        self._note("begin", run, handler=handler, lane=lane, event=event.id, maker=maker_of(event), root=root_of(event))
        token = _current.set((run, root_of(event)))
        try:
            yield
        finally:
            _current.reset(token)
        self._note("end", run)

    def say(self, text: str) -> None:
        """Note what is no run."""
        self._note("said", text=text)

    def stop_once(self, event: Event[Any]) -> None:
        """Stop this process until somebody continues it, if none was stopped here before."""
        try:
            marker = os.open(self._marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return
        os.close(marker)
        self._note("stopped", current_run(), event=event.id)
        os.kill(os.getpid(), signal.SIGSTOP)

    def _note(self, what: What, run: str = "", **details: str) -> None:
        note = Note(what=what, at=time.monotonic(), pid=os.getpid(), run=run, **details)
        os.write(self._log, msgspec.json.encode(note) + b"\n")


_current: ContextVar[tuple[str, str]] = ContextVar("chaos_run")


def current_run() -> str:
    """The id of the run that this code belongs to."""
    return _current.get()[0]


def marked(event: Event[Any]) -> Event[Any]:
    """The event with the run that emits it."""
    maker, root = _current.get()
    return event.replace(extensions={**event.extensions, MAKER: maker, ROOT: root})


def maker_of(event: Event[Any]) -> str:
    """The run that emitted an event, empty for a request."""
    return str(event.extensions.get(MAKER, ""))


def root_of(event: Event[Any]) -> str:
    """The id of the request that an event comes of."""
    return str(event.extensions.get(ROOT, event.id))


def read_notes(log: Path) -> Sequence[Note]:
    """The whole log, in the order in which it was written."""
    decoder = msgspec.json.Decoder(Note)
    with log.open("rb") as lines:
        return [decoder.decode(line) for line in lines]


async def follow(log: Path) -> AsyncGenerator[Note]:
    """The notes that are there, and those to come, without end."""
    with _opened(log) as lines:
        while True:
            line = lines.readline()
            if line:
                yield msgspec.json.decode(line, type=Note)
            else:
                await asyncio.sleep(_LOOK_SECONDS)


def _opened(log: Path) -> BinaryIO:
    log.touch()
    return log.open("rb")
