"""Our runtime by itself: deliveries a second by tasks and by processes, and what a very long queue costs."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from benchmarks.durable.databases import running_databases
from benchmarks.durable.drain import fill, note
from benchmarks.durable.stores import open_store
from benchmarks.protocol import Worker, environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.ports import Store
    from benchmarks.durable.databases import Databases

__all__ = ["QUEUES", "measure_queues"]

QUEUES = {"queues_sqlite": "sqlite", "queues_postgres": "postgres"}
_TASKS = (1, 4, 16, 64)
_PROCESSES = (2, 4)
_PART = 10
"""What is worked off for each row of the table is this part of the long queue."""
_CLAIMS = 30
_LANES = 64
_MEBIBYTE = 1 << 20


def measure_queues(case: str, rows: int) -> dict[str, Any]:
    """Print the figures of one kind of store, and return them."""
    with running_databases(QUEUES[case]) as databases:
        print(f"\nArvo's queue on {QUEUES[case]}\n")
        print(f"{'tasks':<9}{'processes':<12}{'deliveries/s':>14}", flush=True)
        figures: dict[str, Any] = {}
        for tasks, processes in [*((tasks, 1) for tasks in _TASKS), *((_TASKS[-1], number) for number in _PROCESSES)]:
            rate, _ = _worked_off(databases, max(rows // _PART, 1), tasks, processes)
            figures[f"{tasks} tasks, {processes} processes"] = round(rate)
            print(f"{tasks:<9}{processes:<12}{rate:>14.0f}", flush=True)
        print(f"\n{'waiting':<12}{'claim of 64, ms':>17}{'slowest':>10}{'status, ms':>13}", flush=True)
        for waiting in (1000, rows):
            long = asyncio.run(_looked_at(databases.new(), waiting))
            figures[f"{waiting} waiting"] = long
            print(f"{waiting:<12}" + "".join(f"{v:>{w}}" for v, w in zip(long.values(), (17, 10, 13), strict=True)))
        rate, memory = _worked_off(databases, rows, _TASKS[-1], 1)
        megabytes = [round(size / _MEBIBYTE, 1) for size in memory]
        figures[f"{rows} worked off"] = {"deliveries_per_second": round(rate), "resident_mebibytes": megabytes}
        middle = megabytes[len(megabytes) // 4 : -1] or megabytes
        print(
            f"\n{rows} worked off by one process at {rate:.0f}/s; its memory: {megabytes[0]} MiB at the start, "
            f"{middle[0]} to {middle[-1]} MiB from the first quarter on, {max(megabytes)} MiB at most",
            flush=True,
        )
        return {"ratios": {}, "figures": {case: figures}}


def _worked_off(databases: Databases, rows: int, tasks: int, processes: int) -> tuple[float, Sequence[int]]:
    """How many deliveries a second so many processes took together, and the memory of the first over the time."""
    url = databases.new()
    asyncio.run(_filled(url, rows))
    with ExitStack() as running:
        command = [sys.executable, "-m", "benchmarks.durable.drain", url]
        workers = [running.enter_context(Worker(command, environment())) for _ in range(processes)]
        for worker in workers:
            worker.tell({"tasks": tasks})
        answers = [worker.hear() for worker in workers]
    taken = sum(answer["deliveries"] for answer in answers)
    if taken != rows:
        raise ValueError(f"{rows} events were waiting, but {taken} deliveries were made.")
    seconds = max(answer["ended"] for answer in answers) - min(answer["began"] for answer in answers)
    return rows / seconds, answers[0]["resident_bytes"]


async def _filled(url: str, rows: int) -> None:
    async with open_store(url) as store:
        await fill(store, rows)


async def _looked_at(url: str, rows: int) -> dict[str, float]:
    """Milliseconds: the middle and the slowest of some claims, and what an operator's look at the queue takes."""
    async with open_store(url) as store:
        await fill(store, rows)
        claims = [await _claim_seconds(store) for _ in range(_CLAIMS)]
        began = time.perf_counter()
        await store.queues()
        status = time.perf_counter() - began
        return {
            "claim_milliseconds": round(1000 * statistics.median(claims), 2),
            "slowest_claim_milliseconds": round(1000 * max(claims), 2),
            "status_milliseconds": round(1000 * status, 1),
        }


async def _claim_seconds(store: Store) -> float:
    began = time.perf_counter()
    claims = await store.claim(
        "bench", {note.type: _LANES}, lanes=_LANES, deliveries_per_lane=1, lease=timedelta(minutes=1)
    )
    seconds = time.perf_counter() - began
    await store.release(claims)
    return seconds
