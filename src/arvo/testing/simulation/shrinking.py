"""Makes a failing run short: leaves out faults, inputs and workers for as long as the same promise stays broken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from arvo.testing.simulation.trial import try_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arvo.testing.simulation.run import Outcome
    from arvo.testing.simulation.system import Scenario, System

__all__ = ["Shrunk", "shrink"]

T = TypeVar("T")


class Shrunk:
    """The shortest failing run that was found so far."""

    def __init__(self, system: System, scenario: Scenario, outcome: Outcome, most_runs: int) -> None:
        self.scenario = scenario
        self.outcome = outcome
        self.runs = 0
        self._system = system
        self._most_runs = most_runs
        self._rules = {violation.rule for violation in outcome.violations}

    @property
    def size(self) -> int:
        """How much there is in it."""
        return len(self.scenario.faults) + len(self.scenario.inputs) + self.scenario.workers

    def take(self, **changes: Any) -> bool:
        """Whether the run fails in the same way with these changes; then they stay."""
        if self.runs >= self._most_runs:
            return False
        self.runs += 1
        changed = replace(self.scenario, **changes)
        outcome = try_out(self._system, changed)
        if not any(violation.rule in self._rules for violation in outcome.violations):
            return False
        self.scenario, self.outcome = changed, outcome
        return True


def shrink(system: System, scenario: Scenario, outcome: Outcome, *, most_runs: int = 300) -> Shrunk:
    """Find a short run that breaks a promise which `outcome` broke. The same failure gives the same short run."""
    found = Shrunk(system, scenario, outcome, most_runs)
    before = -1
    while before != found.size:
        before = found.size
        _leave_out(found.scenario.faults, lambda faults: found.take(faults=faults))
        _leave_out(found.scenario.inputs, lambda inputs: bool(inputs) and found.take(inputs=inputs))
        while found.scenario.workers > 1 and found.take(workers=found.scenario.workers - 1):
            pass
    return found


def _leave_out(items: Sequence[T], take: Callable[[Sequence[T]], bool]) -> None:
    """Leave out as many of the items as possible, large parts first."""
    kept = list(items)
    part = len(kept)
    while part:
        start = 0
        while start < len(kept):
            without = kept[:start] + kept[start + part :]
            if take(tuple(without)):
                kept = without
            else:
                start += part
        part //= 2
