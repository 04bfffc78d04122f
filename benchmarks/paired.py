"""Paired rounds: both sides are timed in turn, so that what disturbs the machine disturbs both."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.protocol import Worker

SAME = ("type", "source", "to", "dataschema", "specversion", "datacontenttype", "redirectto", "executionunits", "data")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to run: what warms a case up (JIT, caches), how long one measurement takes, and how many rounds."""

    warm_up_iterations: int = 20_000
    seconds: float = 0.4
    rounds: int = 9


@dataclass(frozen=True, slots=True)
class Measured:
    """One case after its rounds. A ratio is their time over ours, so above 1 we are faster."""

    case: str
    ours_microseconds: float
    theirs_microseconds: float
    ratio: float
    lowest_ratio: float
    highest_ratio: float


@dataclass(frozen=True, slots=True)
class Contender:
    """A case in the process that runs it."""

    worker: Worker
    case: str

    def nanoseconds(self, iterations: int) -> int:
        """How long so many runs take, preparation left out."""
        return self.worker.nanoseconds(self.case, iterations)


def measure(case: str, ours: Worker, theirs: Worker, effort: Effort) -> Measured:
    """The medians of the paired rounds of one case, after both sides have shown that they do the same work."""
    require_same_work(case, ours.show(case), theirs.show(case))
    return race(case, Contender(ours, case), Contender(theirs, case), effort)


def race(name: str, ours: Contender, theirs: Contender, effort: Effort) -> Measured:
    """The medians of paired rounds, each side running for the same time."""
    iterations = {side: _iterations(side, effort) for side in (ours, theirs)}
    times: dict[Contender, list[float]] = {ours: [], theirs: []}
    for number in range(effort.rounds):
        for side in (ours, theirs) if number % 2 else (theirs, ours):
            times[side].append(side.nanoseconds(iterations[side]) / iterations[side] / 1000)
    ratios = [slow / fast for slow, fast in zip(times[theirs], times[ours], strict=True)]
    return Measured(
        name,
        ours_microseconds=statistics.median(times[ours]),
        theirs_microseconds=statistics.median(times[theirs]),
        ratio=statistics.median(ratios),
        lowest_ratio=min(ratios),
        highest_ratio=max(ratios),
    )


def require_same_work(case: str, made_here: Mapping[str, Any], made_there: Mapping[str, Any]) -> None:
    """Raises ValueError when the events that the two sides make of a case differ in what both sides know."""
    for name in SAME:
        if made_here[name] != made_there[name]:
            raise ValueError(
                f"The case {case!r} does not do the same work on both sides: {name} is {made_here[name]!r} "
                f"here and {made_there[name]!r} there."
            )


def _iterations(side: Contender, effort: Effort) -> int:
    """Warms a case up and says how often it runs, preparation included, in the time of one measurement."""
    side.nanoseconds(effort.warm_up_iterations)
    probe = max(10, effort.warm_up_iterations // 20)
    start = time.perf_counter()
    side.nanoseconds(probe)
    return max(1, round(effort.seconds * probe / (time.perf_counter() - start)))
