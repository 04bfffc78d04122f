"""Every machine memory keeps every promise of the port."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.backends.sqlite import SqliteMachineMemory
from arvo.testing import ShiftableClock
from arvo.testing.machine_memory import CHECKS, Check, MakeMemory, MemoryUnderTest, StoreFaults

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

LOCK_TTL = timedelta(seconds=60)


def broken_disk() -> Exception:
    return sqlite3.OperationalError("disk I/O error")


def failing_connection(faults: StoreFaults) -> type[sqlite3.Connection]:
    class FailingConnection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql.startswith(("BEGIN", "SELECT data")):
                faults.strike()
            return super().execute(sql, *parameters)

    return FailingConnection


@asynccontextmanager
async def in_memory(_: Path) -> AsyncGenerator[MemoryUnderTest]:
    clock = ShiftableClock()
    memory = InMemoryMachineMemory(lock_ttl=LOCK_TTL, clock=clock)
    yield MemoryUnderTest(memory=memory, peer=memory, lock_ttl=LOCK_TTL, let_time_pass=clock.let_pass)


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncGenerator[MemoryUnderTest]:
    clock = ShiftableClock()
    faults = StoreFaults(broken_disk)
    path = folder / "memory.db"
    async with (
        SqliteMachineMemory(
            path, lock_ttl=LOCK_TTL, clock=clock, connection_class=failing_connection(faults)
        ) as memory,
        SqliteMachineMemory(path, lock_ttl=LOCK_TTL, clock=clock) as peer,
    ):
        yield MemoryUnderTest(memory=memory, peer=peer, lock_ttl=LOCK_TTL, let_time_pass=clock.let_pass, faults=faults)


@pytest.fixture(params=[in_memory, sqlite], ids=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeMemory:
    return partial(request.param, tmp_path)


@pytest.mark.parametrize("check", CHECKS, ids=str)
async def test_keeps_its_promise(check: Check, make: MakeMemory) -> None:
    await check.run(make)
