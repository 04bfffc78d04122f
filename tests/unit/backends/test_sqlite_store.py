"""The SQLite store as a file among processes and other parts; the port's promises are in `tests/conformance`."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.sqlite import SqliteMachineMemory, SqliteStore
from arvo.backends.sqlite.schema import STORE
from arvo.errors import BackendError
from arvo.ports.store import Completion, FinishOutcome, RecordWrite, Retention, SchemaUpgrade, WorkflowStatus
from tests.unit.backends.store_scene import HANDLER, claim, consumed, delivery

if TYPE_CHECKING:
    from pathlib import Path

PUBLISH_ON_AND_ON = """
import asyncio, itertools, sys
from arvo.backends.sqlite import SqliteStore
from tests.unit.backends.store_scene import claim, consumed, delivery

async def publish(store, name):
    for number in itertools.count():
        await store.publish([delivery(f"{name}-{number}")])
        print(f"{name}-{number}", flush=True)

async def main(path):
    async with SqliteStore(path) as store:
        await asyncio.gather(*(publish(store, name) for name in "abcdefgh"))

asyncio.run(main(sys.argv[1]))
"""
PUBLISH_ONE = """
import asyncio, sys
from arvo.backends.sqlite import SqliteStore
from tests.unit.backends.store_scene import delivery

async def main(path):
    async with SqliteStore(path) as store:
        await store.publish([delivery("from-afar")])

asyncio.run(main(sys.argv[1]))
"""


async def test_a_killed_process_loses_nothing_it_was_promised(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    promised = published_before_a_kill(path, at_least=200)

    async with SqliteStore(path) as store:
        claims = await store.claim(
            "worker-1", {HANDLER: 100_000}, lanes=100_000, deliveries_per_lane=1, lease=timedelta(minutes=5)
        )
        assert promised <= {one.deliveries[0].event().id for one in claims}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def published_before_a_kill(path: Path, *, at_least: int) -> set[str]:
    command = [sys.executable, "-c", PUBLISH_ON_AND_ON, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(at_least)]
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    return {line.strip() for line in lines if line.endswith("\n")}


async def test_work_of_another_process_ends_the_wait_within_moments(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteStore(path) as store:
        waiting = asyncio.ensure_future(store.wait_for_work([HANDLER], timedelta(seconds=60)))
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", PUBLISH_ONE, str(path)], check=True)
        async with asyncio.timeout(2):
            await waiting
        (found,) = await claim(store)
        assert found.deliveries[0].event().id == "from-afar"


async def test_store_and_machine_memory_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteMachineMemory(path) as memory, SqliteStore(path) as store:
        await memory.write("order-1", {"n": 1}, None)
        await store.publish([delivery("a")])
        assert await memory.read("order-1") == {"n": 1}
        assert len(await claim(store)) == 1

    with closing(sqlite3.connect(path)) as connection:
        versions = dict(connection.execute("SELECT part, version FROM arvo_schema"))
    assert versions == {"machine_memory": 1, "store": STORE.version}


async def test_an_upgrade_tells_the_versions_before_and_after(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteMachineMemory(path):
        pass
    store = SqliteStore(path)

    assert await store.upgrade() == SchemaUpgrade(before=0, after=STORE.version)
    assert await store.upgrade() == SchemaUpgrade(before=STORE.version, after=STORE.version)
    await store.close()


async def test_a_new_file_is_made_by_an_upgrade(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db")

    assert await store.upgrade() == SchemaUpgrade(before=0, after=STORE.version)
    await store.close()


async def test_a_newer_schema_is_refused_by_use_and_by_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteStore(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE arvo_schema SET version = 99")
    store = SqliteStore(path)

    with pytest.raises(BackendError, match=r"version 99, this one knows up to \d+\. Upgrade arvo-event-handler"):
        await store.publish([delivery("a")])
    with pytest.raises(BackendError, match="version 99"):
        await store.upgrade()
    with pytest.raises(BackendError, match="version 99"):
        async with store:
            pass
    assert f"SqliteStore('{path}')" in repr(store)


async def test_an_upgrade_of_what_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, not a database\n" * 100)
    store = SqliteStore(path)

    with pytest.raises(BackendError, match="is not a SQLite database"):
        await store.upgrade()
    await store.close()


async def test_a_full_disk_fails_the_finish_and_keeps_the_claim(tmp_path: Path) -> None:
    class SmallDisk(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.execute("PRAGMA max_page_count = 120")

    async with SqliteStore(tmp_path / "a.db", connection_class=SmallDisk) as store:
        await store.publish([delivery("a"), delivery("b")])
        first, second = await claim(store)
        large = RecordWrite(subject="order-a", record_json=b'"' + b"x" * 1_000_000 + b'"', status=WorkflowStatus.ACTIVE)
        too_large = Completion(claim=first, consumed=first.deliveries, record=large)

        for outcome in await asyncio.gather(
            store.finish([too_large]), store.finish([consumed(second)]), return_exceptions=True
        ):
            assert isinstance(outcome, BackendError)
            assert "the disk is full" in str(outcome)
        assert list(await store.finish([consumed(first), consumed(second)])) == [FinishOutcome.COMMITTED] * 2


async def test_what_vanished_from_the_tables_fails_its_own_finish_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteStore(path) as store:
        await store.publish([delivery("a"), delivery("b")])
        first, second = await claim(store)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            number = first.deliveries[0].number
            connection.execute("DELETE FROM arvo_deliveries WHERE number = ?", (number,))

        vanished, outcomes = await asyncio.gather(
            store.finish([consumed(first, delivery("c"))]), store.finish([consumed(second)]), return_exceptions=True
        )

        assert isinstance(vanished, BackendError)
        assert "1 of 1 deliveries that were finished are no longer in the store" in str(vanished)
        assert outcomes == [FinishOutcome.COMMITTED]
        assert [lane.event().id for lane in await store.lanes(HANDLER)] == []


async def test_a_lane_emptied_by_hand_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteStore(path) as store:
        await store.publish([delivery("a"), delivery("b")])
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("DELETE FROM arvo_deliveries WHERE event ->> 'id' = 'a'")

        (found,) = await claim(store)

        assert found.deliveries[0].event().id == "b"
        (queue,) = await store.queues()
        assert (queue.ready, queue.leased) == (0, 1)


async def test_many_lanes_are_claimed_and_finished_at_once(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "a.db") as store:
        assert await store.publish([delivery(str(number)) for number in range(333)]) == 333
        claims = await store.claim(
            "worker-1", {HANDLER: 1000}, lanes=1000, deliveries_per_lane=1, lease=timedelta(minutes=5)
        )
        assert len(claims) == 333

        outcomes = await asyncio.gather(
            *(store.finish([consumed(one, delivery(f"next-{place}"))]) for place, one in enumerate(claims))
        )

        assert outcomes == [[FinishOutcome.COMMITTED]] * 333
        (queue,) = await store.queues()
        assert (queue.ready, queue.leased, queue.deliveries) == (333, 0, 333)


async def test_large_numbers_of_old_rows_are_pruned_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteStore(path) as store:
        with closing(sqlite3.connect(path)) as connection, connection:
            rows = [(number.to_bytes(16, "big"), 0.0) for number in range(5000)]
            connection.executemany("INSERT INTO arvo_consumed (key, at) VALUES (?, ?)", rows)

        pruned = await store.prune(Retention())

        assert pruned.consumed_ids == 5000


async def test_a_forgotten_store_warns_and_stops(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db")
    await store.publish([delivery("a")])

    with pytest.warns(ResourceWarning, match=r"SqliteStore\('.*a\.db'\) was not closed"):
        del store


async def test_a_location_that_names_no_file_is_refused() -> None:
    with pytest.raises(BackendError, match="names no file"):
        SqliteStore("sqlite:///:memory:")
