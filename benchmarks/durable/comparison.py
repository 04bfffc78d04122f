"""Workflows a second, latency and cost beside DBOS, in paired rounds on databases of the same kind."""

from __future__ import annotations

import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.durable.databases import running_databases
from benchmarks.protocol import Worker, environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.durable.databases import Databases
    from benchmarks.paired import Effort

__all__ = ["DURABLE", "compare_durable"]

DURABLE = {"durable_sqlite": "sqlite", "durable_postgres": "postgres"}
CALLERS = (1, 16, 64)
OURS = "ours"
THEIRS = {"DBOS, threads": True, "DBOS, asyncio": False}
_LONGER = 5
"""A measurement takes so many times as long as one of a case in a process, and there are half as many rounds: a round
has to hold hundreds of workflows for the slowest of them to mean something."""
_WARM_UP = 0.2


@dataclass(slots=True)
class Side:
    """One way to run workflows, and what it did in the rounds so far."""

    worker: Worker
    question: dict[str, Any]
    rates: list[float] = field(default_factory=list[float])
    latencies: list[float] = field(default_factory=list[float])
    cpu_seconds: float = 0.0
    server_cpu_seconds: float = 0.0

    def measure(self, databases: Databases, seconds: float) -> None:
        """Run workflows for a while."""
        began = databases.cpu_seconds()
        answer = self.worker.ask({**self.question, "seconds": seconds})
        self.server_cpu_seconds += databases.cpu_seconds() - began
        self.rates.append(len(answer["latencies"]) / answer["seconds"])
        self.latencies += answer["latencies"]
        self.cpu_seconds += answer["cpu_seconds"]

    def figures(self) -> dict[str, float]:
        """Workflows a second, and milliseconds: the middle and the slowest hundredth, and of processors for each."""
        ordered = sorted(self.latencies)
        return {
            "workflows_per_second": round(statistics.median(self.rates), 1),
            "p50_milliseconds": round(1000 * ordered[len(ordered) // 2], 2),
            "p99_milliseconds": round(1000 * ordered[len(ordered) * 99 // 100], 2),
            "cpu_milliseconds": round(1000 * self.cpu_seconds / len(ordered), 3),
            "server_cpu_milliseconds": round(1000 * self.server_cpu_seconds / len(ordered), 3),
        }


def compare_durable(case: str, effort: Effort) -> dict[str, Any]:
    """The figures of every side for every number of callers, and the ratios of workflows a second."""
    with ExitStack() as running:
        databases = running.enter_context(running_databases(DURABLE[case]))
        ours = running.enter_context(_worker("ours", databases))
        theirs = running.enter_context(_worker("dbos_workflows", databases))
        print(f"\n{ours} against {theirs}, a workflow of two steps, on {DURABLE[case]}\n")
        heads = ("workflows/s", "p50 ms", "p99 ms", "CPU ms", "server CPU ms")
        print(f"{'callers':<9}{'side':<16}" + "".join(f"{head:>15}" for head in heads), flush=True)
        results: dict[str, Any] = {"ratios": {}, "figures": {}}
        for callers in CALLERS:
            sides = {OURS: Side(ours, {"callers": callers})}
            sides |= {name: Side(theirs, {"callers": callers, "threads": flag}) for name, flag in THEIRS.items()}
            _run_rounds(list(sides.values()), databases, effort)
            figures = {name: side.figures() for name, side in sides.items()}
            for name, row in figures.items():
                print(f"{callers:<9}{name:<16}" + "".join(f"{value:>15}" for value in row.values()), flush=True)
            ratios = _ratios(sides)
            results["ratios"][f"{case}_{callers}"] = round(statistics.median(ratios), 3)
            results["figures"][f"{case}_{callers}"] = figures
            print(
                f"{callers:<9}{'ratio':<16}{statistics.median(ratios):>15.2f}   {min(ratios):.2f}-{max(ratios):.2f}",
                flush=True,
            )
        return results


def _worker(module: str, databases: Databases) -> Worker:
    return Worker([sys.executable, "-m", f"benchmarks.durable.{module}", databases.new()], environment())


def _run_rounds(sides: Sequence[Side], databases: Databases, effort: Effort) -> None:
    for side in sides:
        side.worker.ask({**side.question, "seconds": effort.seconds * _LONGER * _WARM_UP})
    for number in range((effort.rounds + 1) // 2):
        for side in sides if number % 2 else reversed(sides):
            side.measure(databases, effort.seconds * _LONGER)


def _ratios(sides: dict[str, Side]) -> list[float]:
    """Our workflows a second over those of DBOS, in whichever of its ways was the faster one over all rounds."""
    best = max((sides[name] for name in THEIRS), key=lambda side: statistics.median(side.rates))
    return [mine / yours for mine, yours in zip(sides[OURS].rates, best.rates, strict=True)]
