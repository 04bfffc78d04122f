"""Callers who start a workflow, wait for its result and start the next one, until the time is over."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Tally", "expected", "run_callers"]


def expected(number: int) -> int:
    """What the workflow makes of a number on every side: one step increases it, the next one doubles it."""
    return (number + 1) * 2


@dataclass(slots=True)
class Tally:
    """What callers saw, and what it cost the process that ran the workflows."""

    latencies: list[float] = field(default_factory=list[float])
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def count(self, number: int, result: int, started: float) -> None:
        """Note one workflow, whose result must be right."""
        self.latencies.append(time.perf_counter() - started)
        if result != expected(number):
            raise ValueError(f"The workflow made {result} of {number} instead of {expected(number)}.")

    def to_dict(self) -> dict[str, Any]:
        """For the driver."""
        return {"latencies": self.latencies, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds}


async def run_callers(workflow: Callable[[int], Awaitable[int]], *, callers: int, seconds: float) -> Tally:
    """Let so many callers run workflows for so long; each finishes the one that it has begun."""
    tally = Tally()

    async def call() -> None:
        number = 0
        while not number or time.perf_counter() - began < seconds:
            started = time.perf_counter()
            tally.count(number, await workflow(number), started)
            number += 1

    began, cpu_began = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(call())
    tally.seconds, tally.cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return tally
