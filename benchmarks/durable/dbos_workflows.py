"""The same workflow in DBOS, called in both ways that it has: from threads, and from one event loop.

Runs as a process of its own, with the address of the system database as its argument. Steps and workflows are called
as functions, which spares DBOS its queue; nothing is logged or traced.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import version
from typing import Any

import uvloop
from dbos import DBOS

from benchmarks.durable.callers import Tally, run_callers
from benchmarks.protocol import answer_questions

THREADS = 64


@DBOS.step()
def increase(number: int) -> int:
    return number + 1


@DBOS.step()
def double(number: int) -> int:
    return number * 2


@DBOS.workflow()
def calculation(number: int) -> int:
    return double(increase(number))


@DBOS.step()
async def increase_async(number: int) -> int:
    return number + 1


@DBOS.step()
async def double_async(number: int) -> int:
    return number * 2


@DBOS.workflow()
async def calculation_async(number: int) -> int:
    return await double_async(await increase_async(number))


def run_threads(*, callers: int, seconds: float) -> Tally:
    tally = Tally()

    def call(_: int) -> None:
        number = 0
        while not number or time.perf_counter() - began < seconds:
            started = time.perf_counter()
            tally.count(number, calculation(number), started)
            number += 1

    with ThreadPoolExecutor(callers) as pool:
        began, cpu_began = time.perf_counter(), time.process_time()
        list(pool.map(call, range(callers)))
        tally.seconds, tally.cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return tally


async def answer(question: dict[str, Any]) -> dict[str, Any]:
    if question.pop("threads"):
        tally = await asyncio.to_thread(run_threads, **question)
    else:
        tally = await run_callers(calculation_async, **question)
    return tally.to_dict()


async def main() -> None:
    await answer_questions(answer, versions=[f"dbos {version('dbos')}"])


def prepare(url: str) -> None:
    """Give SQLite the write-ahead log, which DBOS does not ask for: it makes DBOS half again as fast."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA journal_mode = WAL")


if __name__ == "__main__":
    database = sys.argv[1]
    prepare(database)
    DBOS(
        config={
            "name": "benchmark",
            "system_database_url": database,
            "log_level": "ERROR",
            "enable_otlp": False,
            "max_executor_threads": THREADS,
        }
    )
    DBOS.launch()
    uvloop.run(main())
    # DBOS' own threads would keep the process for a while.
    os._exit(0)
