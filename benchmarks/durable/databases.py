"""The databases that both sides work on: one Postgres server for all, files in one folder, equally durable.

Postgres runs as it comes (fsync and synchronous_commit on), SQLite with a write-ahead log and synchronous FULL: both
sides ask for that, or leave it at that.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from tests.support.postgres import PostgresServer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Databases", "running_databases"]

_TICKS = os.sysconf("SC_CLK_TCK")


class Databases:
    """New databases of one kind."""

    def __init__(self, folder: Path, server: PostgresServer | None) -> None:
        self._folder = folder
        self._server = server
        self._postmaster = None if server is None else asyncio.run(_postmaster(server.url()))
        self._made = 0

    def new(self) -> str:
        """The address of an empty database."""
        self._made += 1
        if self._server is not None:
            return asyncio.run(self._server.new_database())
        return f"sqlite:///{self._folder}/{self._made}.db"

    def cpu_seconds(self) -> float:
        """What the server has used since it was started; a file has none."""
        return 0.0 if self._postmaster is None else _cpu_seconds(self._postmaster)


@contextmanager
def running_databases(kind: str) -> Generator[Databases]:
    """Databases of a kind, `sqlite` or `postgres`, until the block is left."""
    with tempfile.TemporaryDirectory(prefix="arvo-bench-") as folder:
        if kind == "sqlite":
            yield Databases(Path(folder), None)
        else:
            with running_postgres() as server:
                yield Databases(Path(folder), server)


async def _postmaster(url: str) -> int:
    """The process id of the server: the parent of whatever process answers."""
    connection = await asyncpg.connect(url)
    try:
        return _stat(await connection.fetchval("SELECT pg_backend_pid()"))[1]
    finally:
        await connection.close()


def _cpu_seconds(server: int) -> float:
    """User and system time of the server, of its children that have ended and of those that run."""
    ticks = sum(_stat(server)[11:15])
    for process in Path("/proc").glob("[0-9]*"):
        try:
            stat = _stat(int(process.name))
        except OSError:
            continue
        if stat[1] == server:
            ticks += sum(stat[11:13])
    return ticks / _TICKS


def _stat(process: int) -> list[int]:
    """The fields of /proc/PID/stat after the name, state as zero: parent at 1, times at 11 to 14."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]
