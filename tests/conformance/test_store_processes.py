"""Several processes on one store: each lane has one owner at a time, each event is consumed once, in order of arrival.

What happened is judged by a log of their own that the processes append to, not by the store.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from arvo.backends.postgres import PostgresStore
from arvo.backends.sqlite import SqliteStore
from tests.support.postgres import postgres
from tests.unit.backends.store_scene import delivery

if TYPE_CHECKING:
    from pathlib import Path

    from arvo.ports.store import Store
    from tests.support.postgres import PostgresServer

__all__ = ["postgres"]

PROCESSES = 4
LANES = 30
EVENTS_PER_LANE = 12

# A line in a file opened for appending is written as a whole, so the lines of all processes are in one order.
WORK = """
import asyncio, os, sys
from datetime import timedelta
from arvo.backends.postgres import PostgresStore
from arvo.backends.sqlite import SqliteStore
from tests.unit.backends.store_scene import HANDLER, consumed, delivery

kind, location, log_path, name, die_after = sys.argv[1:]
log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(*words):
    os.write(log, (" ".join(map(str, words)) + "\\n").encode())

async def main():
    store = SqliteStore(location) if kind == "sqlite" else PostgresStore(location, schema="processes")
    done = 0
    async with store:
        idle = 0
        while idle < 5:
            claims = await store.claim(
                name, {HANDLER: 100}, lanes=4, deliveries_per_lane=2, lease=timedelta(seconds=5)
            )
            if not claims:
                idle += not await store.lanes(HANDLER, limit=1)
                await store.wait_for_work([HANDLER], timedelta(seconds=0.3))
                continue
            for claim in claims:
                note("begin", claim.lane, claim.token)
            await asyncio.sleep(0.005)
            for claim in claims:
                note("end", claim.lane, claim.token)
            done += len(claims)
            if int(die_after) and done >= int(die_after):
                os._exit(9)
            outcomes = await store.finish([consumed(claim) for claim in claims])
            for claim, outcome in zip(claims, outcomes):
                for one in claim.deliveries:
                    note(outcome, claim.lane, one.event().id)

asyncio.run(main())
"""


@pytest.fixture(params=["sqlite", "postgres"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The kind of a store, and where it is; with events in all its lanes."""
    store: Store
    if request.param == "sqlite":
        location = str(tmp_path / "store.db")
        store = SqliteStore(location)
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        location = await server.new_database()
        store = PostgresStore(location, schema="processes")
    await store.upgrade()
    async with store:
        for number in range(EVENTS_PER_LANE):
            await store.publish([delivery(f"{lane}-{number}", f"order-{lane}") for lane in range(LANES)])
    return request.param, location


async def run_workers(place: tuple[str, str], log: Path, *, die_after: dict[int, int]) -> list[int]:
    kind, location = place
    commands = [
        [sys.executable, "-c", WORK, kind, location, str(log), f"worker-{number}", str(die_after.get(number, 0))]
        for number in range(PROCESSES)
    ]
    processes = [await asyncio.create_subprocess_exec(*command) for command in commands]
    return [await process.wait() for process in processes]


def judge(log: Path) -> None:
    """Require that nobody shared a lane, and that each event was consumed once and in order."""
    owner: dict[str, str] = {}
    consumed: defaultdict[str, list[str]] = defaultdict(list)
    for line in log.read_text().splitlines():
        what, lane, which = line.split()
        if what == "begin":
            assert owner.setdefault(lane, which) == which, f"lane {lane} had two owners at a time"
        elif what == "end":
            assert owner.pop(lane) == which
        else:
            assert what == "committed"
            consumed[lane].append(which)
    assert len(consumed) == LANES
    for ids in consumed.values():
        lane = ids[0].partition("-")[0]
        assert ids == [f"{lane}-{number}" for number in range(EVENTS_PER_LANE)]


async def test_processes_share_the_work_without_sharing_a_lane(place: tuple[str, str], tmp_path: Path) -> None:
    codes = await run_workers(place, tmp_path / "log", die_after={})

    assert codes == [0] * PROCESSES
    judge(tmp_path / "log")


async def test_the_work_of_processes_that_die_is_done_by_the_others(place: tuple[str, str], tmp_path: Path) -> None:
    codes = await run_workers(place, tmp_path / "log", die_after={0: 5, 2: 20})

    assert codes == [9, 0, 9, 0]
    judge(tmp_path / "log")
