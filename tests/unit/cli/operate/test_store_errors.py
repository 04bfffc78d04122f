"""What is wrong with a store is said in one line, by every command, and nothing is made, changed or lost."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.sqlite import SqliteStore
from tests.unit.cli.operate.conftest import a_letter, an_item, error_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.operate.conftest import Depot

COMMANDS = [
    ("status",),
    ("status", "--watch"),
    ("dead-letters", "list"),
    ("dead-letters", "show", "1"),
    ("dead-letters", "retry", "1"),
    ("dead-letters", "discard", "--all", "-y"),
    ("inbox", "list"),
    ("inbox", "show", "x"),
    ("inbox", "answer", "x", "--app", "depot:app", "--error", "no"),
    ("inbox", "discard", "x", "-y"),
    ("workflow", "list"),
    ("workflow", "show", "1"),
    ("workflow", "cancel", "1", "--app", "depot:app", "-y"),
    ("workflow", "retry", "1", "-y"),
    ("store", "prune"),
    ("store", "drop-unclaimed", "com.a", "--older-than", "7d", "-y"),
]
each_command = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@each_command
def test_a_missing_file_is_not_made(depot: Depot, command: tuple[str, ...]) -> None:
    message = error_of(depot.arvo(*command), 2)
    assert message == (
        "There is no SQLite file 'depot.db'. Correct the address; `arvo run MODULE:APP --store ...` and "
        "`arvo store upgrade --store ...` make a new store."
    )
    assert not (depot.project.folder / "depot.db").exists()


@each_command
def test_a_store_that_is_not_named_is_asked_for(depot: Depot, command: tuple[str, ...]) -> None:
    message = error_of(depot.project.arvo(*command), 2)
    assert message.startswith("Missing option '--store' (env var: 'ARVO_STORE').")


def test_the_command_line_goes_before_the_environment(depot: Depot) -> None:
    depot.arvo("store", "upgrade")
    message = error_of(depot.arvo("status", "--store", "sqlite:///other.db"), 2)
    assert message.startswith("There is no SQLite file 'other.db'.")


def test_a_worker_takes_the_store_from_the_environment_and_says_so(depot: Depot) -> None:
    depot.project.write("events.jsonl", an_item("lamp"))
    assert depot.arvo("run", "depot:app", "--events", "events.jsonl").code == 0
    done = depot.arvo("run", "depot:app", "--events", "events.jsonl", "--memory", "sqlite:///m.db")
    assert error_of(done, 2).startswith("--memory cannot go with --store, which is set by ARVO_STORE: ")


@pytest.mark.parametrize("url", ["mysql://shop:secret@db/orders", "shop:secret@db", "postgresql://shop:secret@h:x/d"])
def test_an_address_that_is_none_is_refused_without_its_password(depot: Depot, url: str) -> None:
    done = depot.project.arvo("status", ARVO_STORE=url)
    assert "secret" not in error_of(done, 2)


def test_a_file_that_is_no_store_is_left_as_it_is(depot: Depot) -> None:
    with closing(sqlite3.connect("depot.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    before = (depot.project.folder / "depot.db").read_bytes()
    message = error_of(depot.arvo("status"), 2)
    assert message.startswith("The SQLite file 'depot.db' holds no store of Arvo, and this Arvo needs version ")
    assert message.endswith(" Run: arvo store upgrade --store sqlite:///depot.db")
    assert (depot.project.folder / "depot.db").read_bytes() == before


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (1, "The SQLite file 'depot.db' has version 1 of Arvo's store, and this Arvo needs version "),
        (999, "The SQLite file 'depot.db' was written by a newer Arvo: its schema has version 999, this one knows up "),
    ],
)
def test_a_store_of_another_version_is_told(depot: Depot, version: int, message: str) -> None:
    depot.work()
    with closing(sqlite3.connect("depot.db")) as connection, connection:
        connection.execute("UPDATE arvo_schema SET version = ? WHERE part = 'store'", (version,))
    assert error_of(depot.arvo("status"), 2).startswith(message)


def test_what_is_no_database_is_told(depot: Depot) -> None:
    depot.project.write("depot.db", "no database at all" * 100)
    assert error_of(depot.arvo("status"), 2).startswith("The SQLite file 'depot.db' is not a SQLite database")


def test_a_folder_is_no_database(depot: Depot) -> None:
    (depot.project.folder / "depot.db").mkdir()
    assert error_of(depot.arvo("status"), 2).startswith("The SQLite file 'depot.db' cannot be opened: it is a folder")


@pytest.fixture
def with_letter(depot: Depot) -> Depot:
    """A store with a dead letter, of which each command waits but a moment for others."""
    depot.work(a_letter("ada"))
    return depot


RETRY = ("dead-letters", "retry", "1")


def test_a_locked_file_is_told_and_nothing_is_lost(with_letter: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = partial(SqliteStore, busy_timeout=timedelta(milliseconds=20))
    monkeypatch.setattr("arvo.cli.stores.SqliteStore", impatient)
    with closing(sqlite3.connect("depot.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        message = error_of(with_letter.arvo(*RETRY), 2)
    assert message.startswith("The SQLite file 'depot.db' is locked by another process")
    assert len(with_letter.arvo("dead-letters", "list", "--json").objects) == 1


class ReadOnly(sqlite3.Connection):
    """What a connection is to a file that the user may only read."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(f"{path.absolute().as_uri()}?mode=ro", uri=True, **options)


class Full(sqlite3.Connection):
    """What a connection is to a disk with no room left."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self.execute("PRAGMA max_page_count = 1")


def test_a_file_that_may_only_be_read_is_told_and_nothing_is_lost(
    with_letter: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("arvo.cli.stores.SqliteStore", partial(SqliteStore, connection_class=ReadOnly))
        message = error_of(with_letter.arvo(*RETRY), 2)
    assert message.startswith("The SQLite file 'depot.db' cannot be written to (attempt to write a readonly database).")
    assert len(with_letter.arvo("dead-letters", "list", "--json").objects) == 1


def test_a_full_disk_is_told_and_nothing_is_lost(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    depot.work(an_item("lamp"))
    question = depot.question()
    with monkeypatch.context() as patch:
        patch.setattr("arvo.cli.stores.SqliteStore", partial(SqliteStore, connection_class=Full))
        data = json.dumps({"by": "x" * 500_000})
        answer = ("--app", "depot:app", "--type", "evt.human.ask.approved", "--data", "-")
        message = error_of(depot.arvo("inbox", "answer", question, *answer, given=data), 2)
    assert message.startswith("The SQLite file 'depot.db' cannot grow because the disk is full")
    assert depot.question() == question
