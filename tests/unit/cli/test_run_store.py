"""`arvo run --store`: which options go together, what is worked on, and what the command says at the end."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.sqlite import SqliteStore
from arvo.cli.work import Work
from arvo.ports import WorkflowStatus
from arvo.runtime import enqueue
from tests.unit.cli.events import a_charge, an_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.events import Event
    from arvo.ports import Store
    from arvo.runtime import App
    from tests.unit.cli.conftest import Done, Project

STORE = ("--store", "sqlite:///orders.db")
ADVICE = "Write sqlite:///orders.db for a file in this folder, or postgresql://user:password@host:5432/database."


def look(ask: Callable[[SqliteStore], Awaitable[Any]]) -> Any:
    """What the store of the test says."""

    async def opened() -> Any:
        async with SqliteStore("orders.db") as store:
            return await ask(store)

    return asyncio.run(opened())


def error_of(done: Done) -> str:
    """The one line that a command without success ends with."""
    assert (done.code, done.out) == (2, "")
    (line,) = [row for row in done.err.splitlines() if row.startswith("Error: ")]
    assert done.err.endswith(f"{line}\n")
    return line.removeprefix("Error: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "There is nothing to do. Give --events FILE to run events, --store URL to work on a store, or both."),
        (
            (*STORE, "--memory", "sqlite:///orders.db"),
            "--memory cannot go with --store: the store keeps the state of workflows. Drop it.",
        ),
        (("--events", "-", "--concurrency", "2"), "--concurrency goes only with --store URL or --broker URL."),
        (("--events", "-", "--sources", "com.card.charge"), "--sources goes only with --store URL or --broker URL."),
        ((*STORE, "--at-once", "2"), "--at-once goes only with --events without --store."),
        ((*STORE, "--timeline", "none"), "--timeline goes only with --events without --store."),
        (
            ("--store", "mysql://shop:secret@db/orders"),
            f"The address of the store starts with 'mysql'. {ADVICE}",
        ),
        (
            ("--store", "orders.db"),
            f"The address of the store has no scheme. {ADVICE}",
        ),
        ((*STORE, "--events", "none.jsonl"), "none.jsonl cannot be read: No such file or directory."),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(project: Project, arguments: tuple[str, ...], message: str) -> None:
    assert error_of(project.arvo("run", "shop:app", *arguments)) == message
    assert not (project.folder / "orders.db").exists()


def test_sources_must_be_those_of_the_app(project: Project) -> None:
    message = error_of(project.arvo("run", "shop:app", *STORE, "--sources", "com.card.charge,com.card.pay"))
    assert message.startswith("The worker is to serve 'com.card.pay', but the app has 'com.card.charge', ")


def test_a_server_that_is_not_there_is_named_without_the_password(project: Project) -> None:
    message = error_of(project.arvo("run", "shop:app", "--store", "postgresql://shop:secret@127.0.0.1:1/orders"))
    assert message.startswith(
        "The Postgres server of postgresql://shop@127.0.0.1:1/orders cannot be reached: nothing listens there "
    )
    assert "secret" not in message


def test_the_missing_driver_is_named_with_what_installs_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("arvo.backends.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    message = error_of(project.arvo("run", "shop:app", "--store", "postgresql://localhost/orders"))
    assert message == (
        "The Postgres store needs asyncpg, which is not installed. Run: pip install 'arvo-event-handler[postgres]'"
    )


def test_a_file_of_a_newer_version_is_refused(project: Project) -> None:
    look(lambda store: store.queues())
    with sqlite3.connect("orders.db") as connection:
        connection.execute("UPDATE arvo_schema SET version = 999 WHERE part = 'store'")
    connection.close()
    message = error_of(project.arvo("run", "shop:app", *STORE))
    assert message.startswith("The SQLite file 'orders.db' was written by a newer Arvo: its schema has version 999")


def test_a_locked_file_is_said_to_be_locked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = partial(SqliteStore, busy_timeout=timedelta(milliseconds=20))
    monkeypatch.setattr("arvo.cli.stores.SqliteStore", impatient)
    connection = sqlite3.connect("orders.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    message = error_of(project.arvo("run", "shop:app", *STORE))
    connection.close()
    assert message.startswith("The SQLite file 'orders.db' is locked by another process")


def test_lines_are_stored_and_worked_off(project: Project) -> None:
    project.write("events.jsonl", an_order(), an_order("order-2"), a_charge())
    done = project.run(*STORE)
    assert done.code == 0, done.err
    told, events, others = done.out.splitlines()
    assert told.startswith("Worked for ")
    assert told.endswith(" s: 7 deliveries.")
    assert events == "Events: 3 taken in, 0 known already."
    assert others == "Waiting for others: events for com.shop.web (3)."
    assert len(look(lambda store: store.workflows(status=WorkflowStatus.DONE))) == 2


def test_the_same_lines_again_do_nothing(project: Project) -> None:
    project.write("events.jsonl", an_order(), a_charge())
    assert project.run(*STORE).code == 0
    done = project.run(*STORE, "--json")
    (summary,) = done.objects
    assert done.code == 0
    assert (summary["taken_in"], summary["known"], summary["deliveries"]) == (0, 2, 0)
    assert (summary["kind"], summary["good"], summary["for_others"]) == ("summary", True, {"com.shop.web": 2})


def test_lines_without_an_id_are_said_to_be_new_each_time(project: Project) -> None:
    project.write("events.jsonl", {"type": "com.card.charge", "data": {"cents": 1}})
    for _ in range(2):
        done = project.run(*STORE)
        assert "Events: 1 taken in, 0 known already.\nWithout an id: 1 lines. The same lines will be" in done.out


def test_bad_lines_are_told_and_the_rest_is_worked_on(project: Project) -> None:
    nobody = a_charge("x", type="com.card.refund", subject="some/process")
    project.write("events.jsonl", "no event", a_charge(), nobody)
    done = project.run(*STORE)
    assert done.code == 1
    assert "events.jsonl:1: The line is not JSON" in done.err
    assert "events.jsonl:3: No handler of this app answers to 'com.card.refund'" in done.err
    assert "Events: 1 taken in, 0 known already, 2 bad lines." in done.out
    as_json = project.run(*STORE, "--json")
    assert [bad["line"] for bad in as_json.of_kind("bad_line")] == [1, 3]
    (summary,) = as_json.of_kind("summary")
    assert (as_json.code, summary["good"], summary["bad_lines"]) == (1, False, 2)


def test_dead_letters_are_told_one_by_one(project: Project) -> None:
    project.write("events.jsonl", *(a_charge(f"charge-{number}", "never") for number in range(5)))
    done = project.spawn("run", "shop:app", "--events", "events.jsonl", *STORE)
    assert done.code == 1
    assert done.err.count("error: Dead letter: 'com.card.charge' gave up 'com.card.charge'") == 5
    assert "5 retries, 5 dead letters." in done.out


def test_events_of_one_subject_are_handled_in_the_order_of_the_lines(project: Project) -> None:
    ids = [f"charge-{number}" for number in range(20)]
    project.write("events.jsonl", *(a_charge(each, subject="card/1") for each in ids))
    assert project.run(*STORE, "--concurrency", "1").code == 0

    async def answered(store: SqliteStore) -> list[str | None]:
        lanes = await store.lanes("com.shop.web")
        claims = await store.claim(
            "test", {"com.shop.web": 9}, lanes=9, deliveries_per_lane=99, lease=timedelta(seconds=9)
        )
        assert len(lanes) == 1
        return [delivery.event().parentid for claim in claims for delivery in claim.deliveries]

    assert look(answered) == ids


def test_a_worker_of_some_sources_leaves_the_rest(project: Project) -> None:
    project.write("events.jsonl", an_order(), a_charge())
    done = project.run(*STORE, "--sources", "com.card.charge")
    assert "1 deliveries." in done.out
    assert "Waiting for others: events for arvo.orc.order (1), com.shop.web (1)." in done.out
    assert done.err.startswith("Working on com.card.charge. Ctrl-C ends it in good order.\n")


def test_timers_are_not_waited_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async def enqueue_late(app: App, store: Store, event: Event[Any]) -> bool:
        return await enqueue(app, store, event, deliver_at=timedelta(hours=1))

    monkeypatch.setattr("arvo.cli.intake.enqueue", enqueue_late)
    project.write("events.jsonl", a_charge())
    done = project.run(*STORE)
    assert (done.code, "Arriving later: 1 events.\n" in done.out) == (0, True)


def test_reading_that_fails_in_the_middle_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> bytes:
        raise OSError(5, "Input/output error")

    project.write("events.jsonl", a_charge())
    monkeypatch.setattr("arvo.cli.line_reader.LineReader._chunk", fail)
    done = project.run(*STORE)
    assert done.code == 1
    assert "Reading ended early: Input/output error.\n" in done.out


def test_a_defect_is_no_quiet_end(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancelled(_: Work, __: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(Work, "__call__", cancelled)
    with pytest.raises(asyncio.CancelledError):
        project.arvo("run", "shop:app", *STORE)


def test_the_tables_are_made_and_found_up_to_date(project: Project) -> None:
    first = project.arvo("store", "upgrade", *STORE)
    again = project.arvo("store", "upgrade", *STORE)
    as_json = project.arvo("store", "upgrade", *STORE, "--json")
    (versions,) = as_json.objects
    assert first.out == f"Upgraded the tables from version 0 to {versions['after']}.\n"
    assert again.out == f"The tables are up to date: version {versions['after']}.\n"
    assert versions["before"] == versions["after"]


def test_tables_that_cannot_be_made_are_told(project: Project) -> None:
    message = error_of(project.arvo("store", "upgrade", "--store", "sqlite:///nowhere/orders.db"))
    assert message.startswith("The SQLite file 'nowhere/orders.db' cannot be opened: its folder does not exist")
