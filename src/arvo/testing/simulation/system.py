"""What is simulated: an app and its inputs, and how much of it at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arvo.errors import DefinitionError
from arvo.testing.simulation.chance import Chance
from arvo.testing.simulation.faults import Fault, FaultKind, plan_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arvo.events import Event
    from arvo.runtime import App

__all__ = ["Scenario", "System"]

_SHORTEST_LEASE_SECONDS = 2
_LONGEST_LEASE_SECONDS = 12


@dataclass(frozen=True, slots=True)
class Scenario:
    """What makes one run: the same scenario of the same system is the same run."""

    seed: int
    inputs: Sequence[Event[Any]]
    faults: Sequence[Fault]
    workers: int
    lease: float
    """How long claims last, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The system under simulation.

    `make_app` gives the app of a run: always the same one, or one that has forgotten everything, for apps whose
    handlers keep something in memory. Each seed draws `inputs_per_seed` of the `inputs`.
    """

    make_app: Callable[[], App]
    inputs: Sequence[Event[Any]]
    faults: frozenset[FaultKind] = frozenset(FaultKind)
    workers: int = 3
    inputs_per_seed: int = 4

    def __post_init__(self) -> None:
        for name, value in (("workers", self.workers), ("inputs_per_seed", self.inputs_per_seed)):
            if value < 1:
                raise DefinitionError(f"{name} is {value}, so nothing could be simulated. Give it 1 or more.")
        if not self.inputs:
            raise DefinitionError("There are no inputs, so nothing could be simulated. Give one event at least.")

    def scenario(self, seed: int) -> Scenario:
        """What happens under a seed."""
        chance = Chance(seed, "scenario")
        pool = list(self.inputs)
        count = min(self.inputs_per_seed, len(pool))
        inputs = [pool.pop(chance.below(len(pool))) for _ in range(count)]
        lease = round(chance.between(_SHORTEST_LEASE_SECONDS, _LONGEST_LEASE_SECONDS), 1)
        faults = plan_of(seed, self.faults, workers=self.workers, inputs=count, lease=lease)
        return Scenario(seed, inputs, faults, self.workers, lease)
