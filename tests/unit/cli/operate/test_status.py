"""`arvo status`: queues, workers and what needs somebody; once, or again and again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from arvo.cli.console import Console
from arvo.cli.operate.status import StoreStatus, status_rows
from arvo.cli.operate.status_command import watch
from arvo.errors import BackendError
from arvo.ports import NewDelivery, QueueStatus, StoreCounts, WorkerInfo, WorkerStatus
from tests.unit.cli.operate.conftest import STORE, a_letter, an_event, an_item

if TYPE_CHECKING:
    from arvo.ports import Store
    from tests.unit.cli.operate.conftest import Depot


def test_an_empty_store_has_nothing_to_tell(depot: Depot) -> None:
    depot.arvo("store", "upgrade")
    done = depot.arvo("status")
    assert done.code == 0
    assert done.out == (
        "Queues        nothing waits\n"
        "Workers       none\n"
        "Workflows     0 active, 0 done, 0 failed, 0 cancelled\n"
        "Dead letters  0\n"
        "Inbox         nothing waits for an answer\n"
        "Lately        0 events done with in the past minute, 0.0 a second\n"
    )


def test_what_needs_somebody_is_told_with_the_command_to_look_at_it(depot: Depot) -> None:
    depot.work(an_item("lamp"), an_item("broken"), a_letter("ada"))
    out = depot.arvo("status").out
    assert "Workflows     1 active, 0 done, 1 failed, 0 cancelled\n" in out
    assert "Dead letters  1  (arvo dead-letters list)\n" in out
    assert "Inbox         1 in human  (arvo inbox list)\n" in out
    assert "Lately        3 events done with in the past minute, 0.1 a second\n" in out
    assert "com.web.desk  nobody serves it\n" in out
    assert out.endswith("No worker serves com.web.desk. What is in such a queue waits until somebody takes it.\n")


def test_workers_are_shown_and_what_they_serve_is_not_marked(depot: Depot) -> None:
    depot.arvo("store", "upgrade")

    async def introduce(store: Store) -> None:
        await store.heartbeat(
            WorkerInfo(id="w", host="hall", pid=42, process_key="k", handlers=("com.test.b", "late events"))
        )
        event = an_event("x")
        await store.publish([NewDelivery(handler="com.test.b", event=event)])

    depot.look(introduce)
    out = depot.arvo("status").out
    (worker,) = [row for row in out.splitlines() if row.startswith("  hall ")]
    assert worker.split()[:2] == ["hall", "42"]
    assert worker.endswith("  0  com.test.b")
    assert "nobody serves it" not in out
    (shown,) = depot.arvo("status", "--json").objects
    assert shown["kind"] == "status"
    assert shown["workers"][0]["serves"] == ["com.test.b", "late events"]
    assert shown["queues"][0] | {"oldest_seconds": 0} == {
        "address": "com.test.b",
        "served": True,
        "ready": 1,
        "leased": 0,
        "retrying": 0,
        "events": 1,
        "timers": 0,
        "oldest_seconds": 0,
    }
    assert (shown["unserved"], shown["workflows"]["done"]) == ([], 0)


def queue(handler: str) -> QueueStatus:
    return QueueStatus(
        handler=handler, ready=1, leased=0, retrying=0, deliveries=1, timers=0, oldest=timedelta(minutes=2)
    )


def test_silent_workers_are_marked_and_long_lists_are_cut() -> None:
    info = WorkerInfo(id="w", host="hall", pid=42, process_key="k", handlers=("com.test.b",))
    now = datetime.now(UTC)
    status = StoreStatus(
        at=now,
        queues=[queue(f"com.test.q{number}") for number in range(5)],
        workers=[WorkerStatus(info=info, started_at=now, silent_for=timedelta(seconds=70), leases=3)],
        counts=StoreCounts(workflows={}, dead_letters=0, waiting={}, taken_lately=0),
    )
    rows = list(status_rows(status))
    assert "  1m 10s !       3  com.test.b" in next(row for row in rows if row.startswith("  hall"))
    assert "No worker serves com.test.q0, com.test.q1, com.test.q2 and 2 more." in rows[-1]


class Broken:
    """A store that answers every other time, and ends the watching after a while."""

    def __init__(self, store: Store, console: Console) -> None:
        self.store, self.console, self.asked = store, console, 0

    async def queues(self) -> Any:
        self.asked += 1
        if self.asked == 2:
            raise BackendError("it is\nasleep")
        if self.asked == 4:
            self.console.on_lost()
        return await self.store.queues()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_store_that_stops_answering_is_asked_again(
    depot: Depot, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    depot.arvo("store", "upgrade")
    console = Console()

    async def look(store: Store) -> None:
        broken: Any = Broken(store, console)
        await watch(broken, console, as_json=as_json, seconds=0.01)

    depot.look(look)
    captured = capsys.readouterr()
    assert captured.out.count('"kind":"status"' if as_json else "Dead letters") == 3
    assert "it is asleep" in captured.err


def test_ctrl_c_ends_the_watching_well(depot: Depot) -> None:
    depot.arvo("store", "upgrade")
    with depot.project.start("status", "--watch", "--json", environment={"ARVO_STORE": STORE}) as process:
        assert process.stdout is not None
        assert b'"kind":"status"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"")
    assert time.monotonic() - began < 10


def test_a_reader_that_leaves_ends_the_command(depot: Depot) -> None:
    depot.arvo("store", "upgrade")
    with depot.project.start("status", "--watch", "--json", environment={"ARVO_STORE": STORE}) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 141


def test_output_that_cannot_be_written_is_told(depot: Depot) -> None:
    depot.arvo("store", "upgrade")
    with Path("/dev/full").open("wb") as full:
        environment = {**os.environ, "ARVO_STORE": STORE}
        done = subprocess.run(
            [*depot.project.command, "status"],
            cwd=depot.project.folder,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert b"Error: Standard output failed (No space left on device)." in done.stderr
