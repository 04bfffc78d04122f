"""The two connections to a file, one that writes and one that reads, and their common life."""

from __future__ import annotations

import asyncio
import warnings
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from arvo.backends.sqlite.connection_thread import ConnectionThread
from arvo.backends.sqlite.schema import open_for_reading, open_for_writing, version_in

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from datetime import timedelta
    from pathlib import Path

    from arvo.backends.sqlite.schema import Part

__all__ = ["Connections"]

T = TypeVar("T")

# Three tries of a read and the pauses between them must end within the second that machine memory allows.
_READ_BUSY_TIMEOUT_SECONDS = 0.2


class Connections:
    """Reads and writes one part of a file; nothing is opened before the first use."""

    def __init__(
        self,
        path: Path,
        part: Part,
        *,
        busy_timeout: timedelta,
        connection_class: type[sqlite3.Connection],
        savepoints: bool = False,
    ) -> None:
        open_writer = partial(open_for_writing, path, part, connection_class, busy_timeout.total_seconds())
        open_reader = partial(open_for_reading, path, connection_class, _READ_BUSY_TIMEOUT_SECONDS)
        self._path = path
        self._part = part
        self._writer = ConnectionThread(path, open_writer, writes=True, savepoints=savepoints)
        self._reader = ConnectionThread(path, open_reader, writes=False)
        self._is_prepared = False

    async def prepare(self) -> None:
        """See to it that the tables are there before the reading connection looks for them."""
        if not self._is_prepared:
            await self._writer.submit(_do_nothing)
            self._is_prepared = True

    async def upgrade(self) -> tuple[int, int]:
        """Make or upgrade the tables as `prepare` does; their version before and after."""
        before = await asyncio.to_thread(version_in, self._path, self._part)
        await self.prepare()
        return before, self._part.version

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in a transaction, and return what it returned once that is committed."""
        return await self._writer.submit(work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work`, which only reads."""
        await self.prepare()
        return await self._reader.submit(work)

    async def close(self) -> None:
        """Finish what was asked for and close the file."""
        await self._reader.close()
        await self._writer.close()

    def abandon(self, owner: object) -> None:
        """Warn and stop when the owner is thrown away without having been closed."""
        if self._writer.is_running:
            warnings.warn(f"{owner!r} was not closed", ResourceWarning, source=owner, stacklevel=3)
            self._reader.stop()
            self._writer.stop()


def _do_nothing(_: sqlite3.Connection) -> None:
    """Opening the connection is all that is wanted."""
