"""The SQLite `MachineMemory`: the statements behind each operation.

How they are grouped and committed is in `connection_thread`.
"""

from __future__ import annotations

import logging
import sqlite3
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from arvo.backends.sqlite.connections import Connections
from arvo.backends.sqlite.location import database_path
from arvo.backends.sqlite.schema import MACHINE_MEMORY
from arvo.errors import BackendError
from arvo.ports.budget import DEFAULT_LOCK_TTL, lock_seconds, try_lock, try_read
from arvo.ports.clock import SystemClock
from arvo.ports.machine_memory import StoredRecord, shortened
from arvo.ports.records import check_names, check_previous, decode_record, encode_previous, encode_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from arvo.ports.clock import Clock

__all__ = ["SqliteMachineMemory"]

_logger = logging.getLogger("arvo.backends.sqlite")


class SqliteMachineMemory:
    """Keeps records in one SQLite file, which any number of processes on this machine may share.

    `location` is a path or an address (`sqlite:///orders.db`). Nothing is opened before the first use, `open`, or
    `async with`; close it when done. Writes are durable once they return (write-ahead log, synchronous FULL).
    `busy_timeout` is how long a write waits for other processes; `lock_ttl` should outlast the slowest handler;
    `connection_class` allows for an instrumented or encrypting driver. Use from one thread.

        async with SqliteMachineMemory("sqlite:///orders.db") as memory:
            await memory.write("order-1", {"status": "active"}, None)
    """

    def __init__(
        self,
        location: str | Path,
        *,
        lock_ttl: timedelta = DEFAULT_LOCK_TTL,
        busy_timeout: timedelta = timedelta(seconds=5),
        clock: Clock | None = None,
        connection_class: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> None:
        self.path = database_path(location)
        self._lock_ttl_seconds = lock_seconds(lock_ttl)
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._connections = Connections(
            self.path, MACHINE_MEMORY, busy_timeout=busy_timeout, connection_class=connection_class
        )

    @classmethod
    async def open(
        cls,
        location: str | Path,
        *,
        lock_ttl: timedelta = DEFAULT_LOCK_TTL,
        busy_timeout: timedelta = timedelta(seconds=5),
        clock: Clock | None = None,
    ) -> Self:
        """Return a memory whose file is there, up to date and writable; BackendError says what is wrong otherwise."""
        memory = cls(location, lock_ttl=lock_ttl, busy_timeout=busy_timeout, clock=clock)
        await memory.__aenter__()
        return memory

    async def __aenter__(self) -> Self:
        try:
            await self._connections.prepare()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what was asked for and close the file. May be called more than once; nothing works afterwards."""
        await self._connections.close()

    def __del__(self) -> None:
        # Without connections when __init__ raised.
        if hasattr(self, "_connections"):
            self._connections.abandon(self)

    def __repr__(self) -> str:
        return f"SqliteMachineMemory({str(self.path)!r})"

    async def read(self, id: str) -> dict[str, Any] | None:
        """Return the record or None; a failing file is tried three times, within one second."""
        text = await self._read(id)
        return None if text is None else decode_record(text)

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        """Replace `previous` by `data` durably, or raise StaleWriteError."""
        await self._write(id, encode_record(data), encode_previous(previous))

    async def read_text(self, id: str) -> bytes | None:
        """Return the JSON text of the record, or None; otherwise like `read`."""
        text = await self._read(id)
        return None if text is None else text.encode()

    async def write_text(self, id: str, text: bytes, previous: bytes | None) -> None:
        """Replace the record of this text by that of another durably, or raise StaleWriteError."""
        await self._write(id, text, previous)

    async def _read(self, id: str) -> str | None:
        check_names(id=id)

        async def attempt() -> str | None:
            return await self._connections.read(partial(_select, id=id))

        return await try_read(attempt, self._clock)

    async def _write(self, id: str, text: bytes, previous: bytes | None) -> None:
        check_names(id=id)
        written, now = text.decode(), self._clock.now().isoformat(timespec="milliseconds")
        if previous is None:
            await self._connections.write(partial(_insert, id=id, text=written, now=now))
        else:
            await self._connections.write(partial(_update, id=id, text=written, previous=previous, now=now))

    async def lock(self, id: str, holder: str) -> bool:
        """Take or renew the lock; False when another holder kept it through a few tries."""
        check_names(id=id, holder=holder)

        async def attempt() -> bool:
            now = self._clock.now().timestamp()
            expires_at = now + self._lock_ttl_seconds
            return await self._connections.write(partial(_lock, id=id, holder=holder, now=now, expires_at=expires_at))

        return await try_lock(attempt, self._clock)

    async def unlock(self, id: str, holder: str) -> None:
        """Release the lock if `holder` has it; a failing file is logged, and the lock left to expire."""
        check_names(id=id, holder=holder)
        try:
            await self._connections.write(partial(_unlock, id=id, holder=holder))
        except BackendError as error:
            _logger.warning("The lock on %r stays until it expires: %s", shortened(id), error)

    async def ids(self, *, page_size: int = 500) -> AsyncIterator[str]:
        """All ids in ascending order."""
        last = ""
        while page := await self._connections.read(partial(_select_ids, after=last, limit=page_size)):
            for id_ in page:
                yield id_
            last = page[-1]

    async def records(self, *, page_size: int = 100) -> AsyncIterator[StoredRecord]:
        """All records in ascending order of id."""
        last = ""
        while page := await self._connections.read(partial(_select_records, after=last, limit=page_size)):
            for id_, text, updated_at in page:
                yield StoredRecord(id_, decode_record(text), datetime.fromisoformat(updated_at))
            last = page[-1][0]


def _select(connection: sqlite3.Connection, *, id: str) -> str | None:
    row = connection.execute("SELECT data FROM machine_records WHERE id = ?", (id,)).fetchone()
    return None if row is None else row[0]


def _select_ids(connection: sqlite3.Connection, *, after: str, limit: int) -> list[str]:
    rows = connection.execute("SELECT id FROM machine_records WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return [id_ for (id_,) in rows]


def _select_records(connection: sqlite3.Connection, *, after: str, limit: int) -> list[tuple[str, str, str]]:
    columns = "SELECT id, data, updated_at FROM machine_records WHERE id > ? ORDER BY id LIMIT ?"
    return connection.execute(columns, (after, limit)).fetchall()


def _insert(connection: sqlite3.Connection, *, id: str, text: str, now: str) -> None:
    insert = "INSERT INTO machine_records (id, data, updated_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING"
    if connection.execute(insert, (id, text, now)).rowcount == 0:
        check_previous(id, b"{}", None)


def _update(connection: sqlite3.Connection, *, id: str, text: str, previous: bytes, now: str) -> None:
    update = "UPDATE machine_records SET data = ?, updated_at = ? WHERE id = ? AND data = ?"
    if connection.execute(update, (text, now, id, previous.decode())).rowcount == 1:
        return
    # The texts differ; the records need not, as when a person edited the file or the members come in another order.
    stored = _select(connection, id=id)
    check_previous(id, None if stored is None else stored.encode(), previous)
    connection.execute("UPDATE machine_records SET data = ?, updated_at = ? WHERE id = ?", (text, now, id))


def _lock(connection: sqlite3.Connection, *, id: str, holder: str, now: float, expires_at: float) -> bool:
    upsert = """
        INSERT INTO machine_locks (id, holder, expires_at) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
        WHERE machine_locks.holder = excluded.holder OR machine_locks.expires_at <= ?
    """
    return connection.execute(upsert, (id, holder, expires_at, now)).rowcount == 1


def _unlock(connection: sqlite3.Connection, *, id: str, holder: str) -> None:
    connection.execute("DELETE FROM machine_locks WHERE id = ? AND holder = ?", (id, holder))
