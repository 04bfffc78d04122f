"""Workers show themselves in the store, and take over from those that are dead."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from arvo.ports import WorkerStatus
from arvo.runtime import App, Worker, enqueue
from arvo.runtime.worker import presence
from arvo.runtime.worker.presence import dead_workers, own_info, process_key
from arvo.runtime.worker.routes import LATE
from tests.unit.runtime.scene import request
from tests.unit.runtime.worker.workplace import ONE, Gate, answers, until, worked_off, working

if TYPE_CHECKING:
    from pathlib import Path

    from arvo.ports import Store, WorkerInfo

HOUR = timedelta(hours=1)
OWN = own_info("own", [ONE])


def a_dead_process() -> WorkerInfo:
    """What a worker told whose process has ended since."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={})
    key = process_key(process.pid)
    process.kill()
    process.wait()
    return replace(own_info("dead", [ONE]), pid=process.pid, process_key=key)


def seen(info: WorkerInfo, *, silent_for: timedelta = timedelta(0)) -> WorkerStatus:
    return WorkerStatus(info=info, started_at=datetime.now(UTC), silent_for=silent_for, leases=0)


def test_a_process_that_ended_is_dead_at_once() -> None:
    assert dead_workers([seen(a_dead_process())], OWN, HOUR) == ["dead"]


def test_a_process_that_runs_is_alive() -> None:
    assert dead_workers([seen(replace(OWN, id="neighbour"))], OWN, HOUR) == []


def test_another_process_with_the_same_number_does_not_stand_in_for_the_dead_one() -> None:
    surroundings, _, began = OWN.process_key.rpartition(":")
    before = replace(OWN, id="before", process_key=f"{surroundings}:{int(began) - 1}")

    assert dead_workers([seen(before)], OWN, HOUR) == ["before"]


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "another"},
        {"process_key": "another boot:pid:[4026531836]:1"},
        {"process_key": ""},
    ],
    ids=["host", "namespace or boot", "unknown"],
)
def test_processes_that_cannot_be_seen_from_here_are_judged_by_their_silence(changes: dict[str, str]) -> None:
    other = replace(a_dead_process(), **changes)  # type: ignore[arg-type]

    assert dead_workers([seen(other)], OWN, HOUR) == []
    assert dead_workers([seen(other, silent_for=2 * HOUR)], OWN, HOUR) == ["dead"]


def test_a_worker_never_takes_itself_for_dead() -> None:
    assert dead_workers([seen(OWN, silent_for=2 * HOUR)], OWN, HOUR) == []


def test_where_processes_cannot_be_looked_up_only_silence_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_BOOT_ID", tmp_path / "missing")
    here = own_info("own", [ONE])

    assert here.process_key == ""
    assert dead_workers([seen(replace(here, id="other"))], here, HOUR) == []


async def test_a_worker_tells_who_it_is_and_what_it_serves(store: Store) -> None:
    worker = Worker(App([Gate().handler()]), store)
    async with working(worker):

        async def introduced() -> bool:
            return bool(await store.workers())

        await until(introduced)
        (status,) = await store.workers()

    assert (status.info.id, status.info.pid, status.info.handlers) == (worker.id, os.getpid(), (ONE, LATE))


async def test_lanes_of_a_process_that_is_gone_are_taken_at_once(store: Store) -> None:
    gate = Gate()
    gate.open.set()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    await store.heartbeat(a_dead_process())
    assert await store.claim("dead", {ONE: 1}, lanes=1, deliveries_per_lane=1, lease=HOUR)
    await worked_off(store, Worker(app, store, lease=HOUR))

    assert len(await answers(store)) == 1


async def test_a_worker_elsewhere_that_falls_silent_is_given_up_during_the_run(store: Store) -> None:
    gate = Gate()
    gate.open.set()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    elsewhere = replace(own_info("elsewhere", [ONE]), host="another machine")
    await store.heartbeat(elsewhere)
    assert await store.claim("elsewhere", {ONE: 1}, lanes=1, deliveries_per_lane=1, lease=HOUR)
    await worked_off(store, Worker(app, store, lease=timedelta(seconds=0.3), heartbeat=timedelta(seconds=0.1)))

    assert len(await answers(store)) == 1
