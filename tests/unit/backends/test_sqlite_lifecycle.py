"""Opening, closing, sharing and listing a SQLite machine memory; the port's promises are in `tests/conformance`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from arvo.backends.sqlite import SqliteMachineMemory
from arvo.errors import BackendError, DefinitionError
from arvo.ports import StaleWriteError

if TYPE_CHECKING:
    from pathlib import Path

COUNT_UP = """
import asyncio, sys
from arvo.backends.sqlite import SqliteMachineMemory
from arvo.ports import StaleWriteError

async def main(path, holder, rounds):
    async with SqliteMachineMemory(path) as memory:
        for _ in range(rounds):
            while not await memory.lock("counter", holder):
                pass
            record = await memory.read("counter")
            await memory.write("counter", {"count": (record or {"count": 0})["count"] + 1}, record)
            await memory.unlock("counter", holder)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def sqlite_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("arvo-sqlite")]


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_records_and_locks_outlive_the_memory(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.write("order", {"status": "active"}, None)
        await memory.lock("order", "first")

    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        assert await memory.read("order") == {"status": "active"}
        assert await memory.lock("order", "second") is False


async def test_nothing_is_opened_before_the_first_use(tmp_path: Path) -> None:
    memory = SqliteMachineMemory(tmp_path / "a.db")
    assert not (tmp_path / "a.db").exists()

    assert await memory.read("order") is None

    assert (tmp_path / "a.db").exists()
    await memory.close()


async def test_open_returns_a_memory_to_be_closed_explicitly(tmp_path: Path) -> None:
    memory = await SqliteMachineMemory.open(f"sqlite:///{tmp_path}/a.db", lock_ttl=timedelta(seconds=5))
    assert (tmp_path / "a.db").exists()
    await memory.close()

    assert sqlite_threads() == []


async def test_closing_twice_or_unused_is_fine(tmp_path: Path) -> None:
    memory = SqliteMachineMemory(tmp_path / "a.db")
    await memory.close()
    await memory.close()

    assert not (tmp_path / "a.db").exists()


async def test_a_closed_memory_says_so(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.write("a", {}, None)

    with pytest.raises(BackendError, match=r"is closed\. Open a new one"):
        await memory.read("a")
    with pytest.raises(BackendError, match="is closed"):
        await memory.write("a", {"n": 1}, {})
    with pytest.raises(BackendError, match="is closed"):
        await memory.lock("a", "first")


async def test_close_finishes_what_was_asked_for(tmp_path: Path) -> None:
    memory = await SqliteMachineMemory.open(tmp_path / "a.db")
    writes = [asyncio.ensure_future(memory.write(f"id-{number}", {"n": number}, None)) for number in range(50)]
    await asyncio.sleep(0)

    await memory.close()

    await asyncio.gather(*writes)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        assert connection.execute("SELECT count(*) FROM machine_records").fetchone() == (50,)
    connection.close()


async def test_close_leaves_one_file_without_a_log_beside_it(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.write("a", {"n": 1}, None)

    assert names_in(tmp_path) == ["a.db"]


async def test_a_forgotten_memory_warns_and_ends_its_threads(tmp_path: Path) -> None:
    memory = await SqliteMachineMemory.open(tmp_path / "a.db")
    await memory.read("a")
    assert len(sqlite_threads()) == 2

    memories = [memory]
    del memory
    with pytest.warns(ResourceWarning, match=r"SqliteMachineMemory\('.*a\.db'\) was not closed"):
        memories.clear()

    for _ in range(500):
        if not sqlite_threads():
            break
        await asyncio.sleep(0.01)
    assert sqlite_threads() == []


def test_a_loop_that_ended_before_its_answer_harms_nothing(tmp_path: Path) -> None:
    memory = SqliteMachineMemory(tmp_path / "a.db")

    async def ask_and_leave() -> None:
        asyncio.ensure_future(memory.write("a", {"n": 1}, None))  # noqa: RUF006  being forgotten is the point
        await asyncio.sleep(0)

    async def come_back() -> object:
        found = await memory.read("a")
        await memory.close()
        return found

    asyncio.run(ask_and_leave())

    assert asyncio.run(come_back()) in (None, {"n": 1})


async def test_records_are_kept_as_readable_json_in_the_order_given(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.write("order", {"status": "activé", "events": {"b": 1, "a": 2}}, None)

    connection = sqlite3.connect(tmp_path / "a.db")
    rows = connection.execute("SELECT id, data, typeof(data) FROM machine_records").fetchall()
    connection.close()
    assert rows == [("order", '{"status":"activé","events":{"b":1,"a":2}}', "text")]


async def test_a_record_edited_by_hand_can_still_be_replaced(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.write("order", {"a": 1, "b": 2}, None)
        connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        connection.execute("UPDATE machine_records SET data = ?", (json.dumps({"b": 3, "a": 1}, indent=2),))
        connection.close()

        with pytest.raises(StaleWriteError):
            await memory.write("order", {"done": True}, {"a": 1, "b": 2})
        await memory.write("order", {"done": True}, await memory.read("order"))

        assert await memory.read("order") == {"done": True}


async def test_a_refused_write_does_not_spoil_the_writes_beside_it(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.write("taken", {}, None)
        writes = [memory.write("taken" if n % 3 == 0 else f"free-{n}", {"n": n}, None) for n in range(30)]

        outcomes = await asyncio.gather(*writes, return_exceptions=True)

        assert [isinstance(outcome, StaleWriteError) for outcome in outcomes] == [n % 3 == 0 for n in range(30)]
        assert [id_ async for id_ in memory.ids()] == sorted(["taken", *(f"free-{n}" for n in range(30) if n % 3)])


async def test_more_writes_than_one_group_holds_are_all_done(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.read("warm-up")
        busy = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        busy.execute("BEGIN IMMEDIATE")
        writes = [asyncio.ensure_future(memory.write(f"id-{number}", {"n": number}, None)) for number in range(1_000)]
        await asyncio.sleep(0.1)
        busy.execute("ROLLBACK")
        busy.close()
        await asyncio.gather(*writes)

        assert len([id_ async for id_ in memory.ids()]) == 1_000


async def test_a_cancelled_lock_that_still_waits_is_not_taken(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.read("warm-up")
        busy = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        busy.execute("BEGIN IMMEDIATE")
        first = asyncio.ensure_future(memory.lock("a", "first"))
        await asyncio.sleep(0.05)
        second = asyncio.ensure_future(memory.lock("b", "second"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        busy.execute("ROLLBACK")
        busy.close()

        assert await first is True
        assert await memory.lock("b", "third") is True


async def test_listings_come_in_pages_in_order_of_id(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        for number in range(25):
            await memory.write(f"id-{number:02}", {"n": number}, None)

        ids = [id_ async for id_ in memory.ids(page_size=10)]
        records = [record async for record in memory.records(page_size=7)]

    assert ids == [f"id-{number:02}" for number in range(25)]
    assert [(record.id, record.data) for record in records] == [(id_, {"n": n}) for n, id_ in enumerate(ids)]
    assert all(isinstance(record.updated_at, datetime) and record.updated_at.tzinfo for record in records)


async def test_an_empty_file_lists_nothing(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        assert [id_ async for id_ in memory.ids()] == []
        assert [record async for record in memory.records()] == []


async def test_a_lock_ttl_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="lock_ttl"):
        SqliteMachineMemory(tmp_path / "a.db", lock_ttl=timedelta(0))


def test_processes_that_start_together_on_a_new_file_share_it_and_lose_nothing(tmp_path: Path) -> None:
    processes, rounds = 6, 25
    path = tmp_path / "shared.db"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT_UP, str(path), f"process-{number}", str(rounds)], stderr=subprocess.PIPE
        )
        for number in range(processes)
    ]
    errors = [process.communicate(timeout=90)[1].decode() for process in running]

    assert errors == [""] * processes
    connection = sqlite3.connect(path)
    (data,) = connection.execute("SELECT data FROM machine_records").fetchone()
    connection.close()
    assert json.loads(data) == {"count": processes * rounds}
