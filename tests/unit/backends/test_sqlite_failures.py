"""Whatever is wrong with a SQLite file, the operator reads what it is and what to do, and nothing is lost."""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.sqlite import SqliteMachineMemory
from arvo.backends.sqlite.diagnosis import backend_error
from arvo.backends.sqlite.schema import MACHINE_MEMORY
from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SHORT = timedelta(milliseconds=100)


@contextmanager
def locked_by_somebody_else(path: Path) -> Generator[None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


async def failure_of_opening(path: Path) -> str:
    with pytest.raises(BackendError) as caught:
        await SqliteMachineMemory.open(path, busy_timeout=SHORT)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value.__cause__, (sqlite3.Error, BackendError))
    return str(caught.value)


async def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteMachineMemory(path) as memory:
        await memory.write("a", {"n": 1}, None)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE arvo_schema SET version = 99")

    message = await failure_of_opening(path)

    assert f"version 99, this one knows up to {MACHINE_MEMORY.version}" in message
    assert "Upgrade arvo-event-handler" in message
    assert connection.execute("SELECT version FROM arvo_schema").fetchone() == (99,)
    connection.close()


async def test_a_file_that_other_parts_use_already_gains_the_tables(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.execute("CREATE TABLE arvo_schema (part TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL)")
    connection.execute("INSERT INTO arvo_schema VALUES ('store', 7)")

    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.write("a", {"n": 1}, None)

    assert sorted(connection.execute("SELECT * FROM arvo_schema")) == [
        ("machine_memory", MACHINE_MEMORY.version),
        ("store", 7),
    ]
    connection.close()


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, not a database\n" * 100)

    assert "is not a SQLite database" in await failure_of_opening(path)
    assert path.read_text().startswith("these are my notes")


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    message = await failure_of_opening(tmp_path / "no" / "such" / "a.db")

    assert "its folder does not exist" in message
    assert f"Create {str(tmp_path / 'no' / 'such')!r}" in message


async def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    assert "it is a folder" in await failure_of_opening(tmp_path)


async def test_a_file_locked_by_another_process_is_reported_after_the_busy_timeout(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteMachineMemory(path, busy_timeout=SHORT) as memory:
        await memory.write("a", {"n": 1}, None)
        with locked_by_somebody_else(path):
            started = time.monotonic()
            with pytest.raises(BackendError, match=r"is locked by another process .* Close whatever holds it"):
                await memory.write("a", {"n": 2}, {"n": 1})
            with pytest.raises(BackendError, match="is locked by another process"):
                await memory.lock("a", "first")
            assert 0.2 <= time.monotonic() - started < 8
            assert await memory.read("a") == {"n": 1}

        await memory.write("a", {"n": 2}, {"n": 1})
        assert await memory.read("a") == {"n": 2}


async def test_a_new_file_locked_by_another_process_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with locked_by_somebody_else(path):
        assert "is locked by another process" in await failure_of_opening(path)


async def test_an_unlock_that_fails_is_logged_and_tolerated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.db"
    async with SqliteMachineMemory(path, busy_timeout=SHORT) as memory:
        await memory.lock("order-1", "first")
        with locked_by_somebody_else(path), caplog.at_level(logging.WARNING, "arvo"):
            await memory.unlock("order-1", "first")

    (record,) = caplog.records
    assert record.name == "arvo.backends.sqlite"
    assert "The lock on 'order-1' stays until it expires" in record.getMessage()


async def test_a_full_disk_fails_the_write_and_keeps_what_was_stored(tmp_path: Path) -> None:
    class SmallDisk(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.execute("PRAGMA max_page_count = 40")

    async with SqliteMachineMemory(tmp_path / "a.db", connection_class=SmallDisk) as memory:
        await memory.write("small", {"n": 1}, None)
        with pytest.raises(BackendError, match=r"the disk is full .* Free some space"):
            await memory.write("large", {"text": "x" * 500_000}, None)

        assert await memory.read("large") is None
        assert await memory.read("small") == {"n": 1}
        await memory.write("small", {"n": 2}, {"n": 1})
        assert await memory.read("small") == {"n": 2}


async def test_a_file_that_may_not_be_written_is_reported(tmp_path: Path) -> None:
    class ReadOnly(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.execute("PRAGMA query_only = ON")

    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        await memory.write("a", {"n": 1}, None)
    refusing = SqliteMachineMemory(tmp_path / "a.db", connection_class=ReadOnly)
    with pytest.raises(BackendError, match=r"cannot be written to .* Allow this user to write to the file"):
        await refusing.write("a", {"n": 2}, {"n": 1})
    await refusing.close()

    async with SqliteMachineMemory(tmp_path / "a.db") as memory:
        assert await memory.read("a") == {"n": 1}


async def test_a_memory_recovers_when_its_folder_appears(tmp_path: Path) -> None:
    memory = SqliteMachineMemory(tmp_path / "later" / "a.db")
    with pytest.raises(BackendError, match="its folder does not exist"):
        await memory.write("a", {"n": 1}, None)

    (tmp_path / "later").mkdir()
    await memory.write("a", {"n": 1}, None)

    assert await memory.read("a") == {"n": 1}
    await memory.close()


async def test_a_place_without_write_ahead_logging_is_refused(tmp_path: Path) -> None:
    class NetworkDisk(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            return super().execute("SELECT 'delete'" if "journal_mode" in sql else sql, *parameters)

    memory = SqliteMachineMemory(tmp_path / "a.db", connection_class=NetworkDisk)
    with pytest.raises(BackendError, match=r"does not allow write-ahead logging.* Move it to a local disk"):
        await memory.read("a")
    await memory.close()


async def test_an_unforeseen_error_reaches_the_one_who_waits(tmp_path: Path) -> None:
    class Odd(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql.startswith("SELECT data"):
                raise ZeroDivisionError("odd")
            return super().execute(sql, *parameters)

    async with SqliteMachineMemory(tmp_path / "a.db", connection_class=Odd) as memory:
        await memory.write("a", {"n": 1}, None)
        with pytest.raises(ZeroDivisionError, match="odd"):
            await memory.read("a")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, "Check the disk"),
        (sqlite3.SQLITE_CORRUPT, r"Restore it from a backup"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "to its folder, where SQLite keeps the -wal and -shm files"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "Close whatever holds it"),
        (sqlite3.SQLITE_TOOBIG, "Keep large data elsewhere"),
        (sqlite3.SQLITE_ERROR, "Check that no other program changed the file"),
    ],
)
def test_every_kind_of_failure_comes_with_advice(tmp_path: Path, code: int, advice: str) -> None:
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code

    message = str(backend_error(error, tmp_path / "a.db"))

    assert advice in message
    assert "(as SQLite says it)" in message


def test_a_place_that_cannot_be_opened_for_unknown_reasons_has_advice_too(tmp_path: Path) -> None:
    error = sqlite3.OperationalError("unable to open database file")
    error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN

    assert "Allow this user to read and write" in str(backend_error(error, tmp_path / "a.db"))
