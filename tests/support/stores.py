"""Every store of this package as the conformance kit and other tests want it: empty, with time that can be moved."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from arvo.backends.memory import InMemoryStore
from arvo.backends.postgres import PostgresStore
from arvo.backends.sqlite import SqliteStore
from arvo.testing import ShiftableClock
from arvo.testing.store import StoreUnderTest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

SPAN = timedelta(seconds=60)

FAIL_AT_COMMIT = """
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''told to''; END';
    CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON consumed DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fail();
"""


@asynccontextmanager
async def memory_store() -> AsyncGenerator[StoreUnderTest]:
    clock = ShiftableClock()
    async with InMemoryStore(clock=clock) as store:
        yield StoreUnderTest(store=store, peer=store, span=SPAN, let_time_pass=clock.let_pass)


class FailingCommits(sqlite3.Connection):
    """A connection whose commits fail while told to, as on a broken disk."""

    failing = False

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and type(self).failing:
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *parameters)


@asynccontextmanager
async def sqlite_store(folder: Path) -> AsyncGenerator[StoreUnderTest]:
    class Connection(FailingCommits):
        pass

    @asynccontextmanager
    async def fail_commits() -> AsyncGenerator[None]:
        Connection.failing = True
        yield
        Connection.failing = False

    clock = ShiftableClock()
    path = folder / "store.db"
    async with (
        SqliteStore(path, clock=clock, connection_class=Connection) as store,
        SqliteStore(path, clock=clock) as peer,
    ):
        yield StoreUnderTest(store=store, peer=peer, span=SPAN, let_time_pass=clock.let_pass, fail_commits=fail_commits)


@asynccontextmanager
async def postgres_store(url: str, schema: str) -> AsyncGenerator[StoreUnderTest]:
    shift = timedelta(0)
    connection = await asyncpg.connect(url, server_settings={"search_path": schema})
    run = connection.execute

    async def let_time_pass(duration: timedelta) -> None:
        nonlocal shift
        shift += duration
        seconds = f"clock_timestamp() + interval ''{shift.total_seconds()} seconds''"
        await run(f"CREATE OR REPLACE FUNCTION store_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT {seconds}'")

    @asynccontextmanager
    async def fail_commits() -> AsyncGenerator[None]:
        await run(FAIL_AT_COMMIT)
        yield
        await run("DROP TRIGGER fail ON consumed; DROP FUNCTION fail")

    store, peer = PostgresStore(url, schema=schema), PostgresStore(url, schema=schema)
    await store.upgrade()
    async with store, peer:
        yield StoreUnderTest(store=store, peer=peer, span=SPAN, let_time_pass=let_time_pass, fail_commits=fail_commits)
    await run(f"DROP SCHEMA {schema} CASCADE")
    await connection.close()
