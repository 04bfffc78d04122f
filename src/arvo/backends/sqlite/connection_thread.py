"""A thread that owns one connection and does work on it in groups; the event loop never waits for the disk.

Whatever queued up while a group was being done forms the next group. A writing thread makes each group one transaction,
so that sixteen tasks pay for one commit together.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from arvo.backends.sqlite.diagnosis import backend_error
from arvo.errors import ArvoError, BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["ConnectionThread"]

T = TypeVar("T")

_LARGEST_GROUP = 256


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Failure:
    error: Exception
    path: Path

    def as_raised(self) -> Exception:
        """Return the exception for one who waits: one of its own where several share the failure."""
        if isinstance(self.error, sqlite3.Error):
            own = backend_error(self.error, self.path)
        elif isinstance(self.error, BackendError):
            own = BackendError(self.error.message)
        else:
            return self.error
        own.__cause__ = self.error
        return own


class ConnectionThread:
    """Does work on a connection of its own, in order of submission.

    A failing one does not undo the rest of its group, so it must undo itself: `savepoints` sees to that, and is not
    needed for work that is a single statement or raises before it changes anything. The thread starts with the first
    request. When the connection cannot be opened, or is lost, the requests at hand fail and the next one opens it anew.
    """

    def __init__(
        self, path: Path, connect: Callable[[], sqlite3.Connection], *, writes: bool, savepoints: bool = False
    ) -> None:
        self._path = path
        self._connect = connect
        self._writes = writes
        self._savepoints = savepoints
        self._queue: SimpleQueue[_Request | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._closed = False

    @property
    def is_running(self) -> bool:
        """Whether there is a thread that somebody has to stop."""
        return self._thread is not None and not self._closed

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Queue `work` and return its future result: for a writing thread, known only after the commit."""
        if self._closed:
            raise BackendError(f"What was open on the SQLite file {str(self._path)!r} is closed. Open a new one.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Request(work, loop, future))
        if self._thread is None:
            # A daemon: a forgotten close must not keep the process from ending, and SQLite survives being cut off.
            self._thread = Thread(target=self._run, name=f"arvo-sqlite-{self._path.name}", daemon=True)
            self._thread.start()
        return future

    def stop(self) -> None:
        """Accept nothing more; what was submitted before is still done."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)

    async def close(self) -> None:
        """Stop, and return once everything submitted is done and the connection is closed."""
        self.stop()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        stopping = False
        while not stopping:
            group, stopping = self._next_group()
            try:
                if connection is None:
                    connection = self._connect()
                outcomes = self._do(connection, group)
            except Exception as error:  # noqa: BLE001  whatever it is, those who wait must hear of it
                outcomes = [_Failure(error, self._path)] * len(group)
                if connection is not None:
                    connection.close()
                    connection = None
            _deliver(group, outcomes)
        if connection is not None:
            connection.close()

    def _next_group(self) -> tuple[list[_Request], bool]:
        """Wait for a request and take whatever else is there; the flag tells that no more will come."""
        group: list[_Request] = []
        request = self._queue.get()
        while request is not None:
            # Nobody waits for the result of a cancelled request, and nobody would give back the lock it takes.
            if not request.future.cancelled():
                group.append(request)
            if len(group) == _LARGEST_GROUP:
                return group, False
            try:
                request = self._queue.get_nowait()
            except Empty:
                return group, False
        return group, True

    def _do(self, connection: sqlite3.Connection, group: Sequence[_Request]) -> list[Any]:
        if not self._writes:
            return [self._outcome(connection, request) for request in group]
        connection.execute("BEGIN IMMEDIATE")
        outcomes: list[Any] = []
        for request in group:
            outcomes.append(self._outcome(connection, request))
            if not connection.in_transaction:
                # A full disk, for one, makes SQLite roll back by itself, and with it what succeeded before.
                return [outcomes[-1]] * len(group)
        connection.execute("COMMIT")
        return outcomes

    def _outcome(self, connection: sqlite3.Connection, request: _Request) -> Any:
        try:
            if self._savepoints:
                return _do_or_undo(connection, request.work)
            return request.work(connection)
        except (ArvoError, sqlite3.Error) as error:
            return _Failure(error, self._path)


def _do_or_undo(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("SAVEPOINT request")
    try:
        outcome = work(connection)
    except BaseException:
        # After a full disk, for one, there is no transaction left to undo anything in.
        if connection.in_transaction:
            connection.execute("ROLLBACK TO request")
            connection.execute("RELEASE request")
        raise
    connection.execute("RELEASE request")
    return outcome


def _deliver(group: Sequence[_Request], outcomes: Sequence[Any]) -> None:
    """Hand the outcomes over to the event loops that wait for them, waking each only once."""
    waiting: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for request, outcome in zip(group, outcomes, strict=True):
        waiting.setdefault(request.loop, []).append((request.future, outcome))
    for loop, settled in waiting.items():
        # A closed loop refuses: whoever waited there is gone with it.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in settled:
        if future.cancelled():
            continue
        if isinstance(outcome, _Failure):
            future.set_exception(outcome.as_raised())
        else:
            future.set_result(outcome)
