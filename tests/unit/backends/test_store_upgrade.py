"""Stores of the first version of the tables, with something in them, are brought up to date and go on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from arvo.backends.postgres import PostgresStore
from arvo.backends.postgres.schema import migrations
from arvo.backends.sqlite import SqliteStore
from arvo.backends.sqlite.schema import STORE
from arvo.ports.store import Completion, FinishOutcome, RecordWrite, SchemaUpgrade, Store, WorkflowStatus
from arvo.ports.store.identity import delivery_key, name_key
from tests.support.postgres import PostgresServer, postgres
from tests.unit.backends.store_scene import HANDLER, claim, delivery

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["postgres"]

FIRST_SQLITE_VERSION = 1
FIRST_POSTGRES_VERSION = 5
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECT = "order-1"
WAITING = delivery("a", SUBJECT)
LANE = WAITING.lane
ASKED = "ask"


def content() -> dict[str, dict[str, Any]]:
    """One row of each kind, by table."""
    event = WAITING.event.to_json().decode()
    later = delivery("later", SUBJECT)
    return {
        "lanes": {"lane": LANE, "handler": HANDLER, "priority": 3, "due_at": NOW},
        "deliveries": {"lane": LANE, "key": delivery_key(LANE, "a"), "event": event, "arrived_at": NOW},
        "timers": {
            "key": delivery_key(LANE, "later"),
            "lane": LANE,
            "handler": HANDLER,
            "priority": 0,
            "due_at": datetime.now(UTC) + timedelta(days=1),
            "event": later.event.to_json().decode(),
        },
        "consumed": {"key": delivery_key(LANE, "before"), "at": NOW},
        "workflows": {
            "lane": LANE,
            "handler": HANDLER,
            "subject": SUBJECT,
            "status": "failed",
            "record": '{"n":1}',
            "revision": 4,
            "created_at": NOW,
            "updated_at": NOW,
        },
        "waiting": {"event_id": ASKED, "domain": "human", "event": event, "since": NOW},
    }


async def check_upgraded(store: Store) -> None:
    """What was there is there, and can be worked on with what is new."""
    (workflow,) = await store.workflows()
    assert (workflow.record_json, workflow.revision, workflow.failed_on) == (b'{"n":1}', 4, None)
    assert [timer.event().id for timer in await store.timers()] == ["later"]
    assert await store.publish([delivery("before", SUBJECT)]) == 0
    (claimed,) = await claim(store)
    assert [one.event().id for one in claimed.deliveries] == ["a"]
    assert (claimed.priority, claimed.record_json, claimed.revision) == (3, b'{"n":1}', 4)
    failed = RecordWrite(subject=SUBJECT, record_json=b"{}", status=WorkflowStatus.FAILED, failed_on=b"why")
    done = Completion(claim=claimed, consumed=claimed.deliveries, record=failed, answered=[ASKED])
    assert list(await store.finish([done])) == [FinishOutcome.COMMITTED]
    assert [one.failed_on for one in await store.workflows()] == [b"why"]
    assert not await store.waiting()
    await store.publish([delivery("b", SUBJECT)])
    assert [one.event().id for one in await store.collect(HANDLER, SUBJECT)] == ["b"]


def as_sqlite(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    return value.bytes if isinstance(value, UUID) else value


async def test_a_sqlite_store_of_the_first_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statements in STORE.migrations[:FIRST_SQLITE_VERSION]:
            for statement in statements:
                connection.execute(statement)
        connection.execute("CREATE TABLE arvo_schema (part TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL)")
        connection.execute("INSERT INTO arvo_schema VALUES ('store', ?)", (FIRST_SQLITE_VERSION,))
        for table, row in content().items():
            places = ", ".join("?" * len(row))
            insert = f"INSERT INTO arvo_{table} ({', '.join(row)}) VALUES ({places})"  # noqa: S608
            connection.execute(insert, [as_sqlite(value) for value in row.values()])

    async with SqliteStore(path) as store:
        await check_upgraded(store)
    assert await upgraded(SqliteStore(path)) == SchemaUpgrade(before=STORE.version, after=STORE.version)


async def test_a_postgres_store_of_the_first_version_goes_on(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres.url(), server_settings={"search_path": "old"})
    await connection.execute("CREATE SCHEMA old")
    for script in migrations()[:FIRST_POSTGRES_VERSION]:
        await connection.execute(script)
    await connection.execute("CREATE TABLE arvo_schema (part text PRIMARY KEY, version integer NOT NULL)")
    await connection.execute("INSERT INTO arvo_schema VALUES ('store', $1)", FIRST_POSTGRES_VERSION)
    for table, row in content().items():
        values = {**row, "key": name_key(ASKED)} if table == "waiting" else row
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        await connection.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})",  # noqa: S608
            *values.values(),
        )
    await connection.close()

    store = PostgresStore(postgres.url(), schema="old")
    assert await store.upgrade() == SchemaUpgrade(before=FIRST_POSTGRES_VERSION, after=len(migrations()))
    async with store:
        await check_upgraded(store)


async def upgraded(store: SqliteStore) -> SchemaUpgrade:
    async with store:
        return await store.upgrade()
