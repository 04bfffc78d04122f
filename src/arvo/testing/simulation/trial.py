"""One seed on trial: its run, compared with the same run undisturbed where only that can tell what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - dataclass fields are looked at
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from arvo.testing.simulation.run import run
from arvo.testing.simulation.violations import Rule, Violation

if TYPE_CHECKING:
    from arvo.testing.simulation.faults import FaultKind
    from arvo.testing.simulation.run import Outcome
    from arvo.testing.simulation.system import Scenario, System

__all__ = ["SeedReport", "report_on", "try_out"]


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What is told of one seed."""

    seed: int
    violations: Sequence[Violation]
    workflows: int
    deliveries: int
    simulated_seconds: float
    struck: Mapping[FaultKind, int]


def report_on(system: System, seed: int) -> SeedReport:
    """Try out a seed, and keep of it what is to be told."""
    outcome = try_out(system, system.scenario(seed))
    return SeedReport(seed, outcome.violations, outcome.workflows, outcome.deliveries, outcome.seconds, outcome.struck)


def try_out(system: System, scenario: Scenario) -> Outcome:
    """Run a scenario, and judge what only a comparison can judge.

    That an event is given up, or that a workflow never ends, is the app's own doing when it happens undisturbed, too.
    """
    outcome = run(system, scenario)
    if outcome.violations or not (outcome.given_up or outcome.unending):
        return outcome
    quiet = run(system, replace(scenario, faults=())) if scenario.faults else outcome
    if quiet.violations:
        return replace(outcome, violations=quiet.violations)
    violations = [
        *(
            Violation(Rule.ENDS, text, outcome.seconds)
            for root, text in outcome.unending.items()
            if root not in quiet.unending
        ),
        *(
            Violation(Rule.GIVEN_UP, text, outcome.seconds)
            for what, text in outcome.given_up.items()
            if what not in quiet.given_up
        ),
    ]
    return replace(outcome, violations=violations)
