"""What goes wrong in a chaos run, and when: a plan that is the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Disturbance", "Fault", "planned"]

_BETWEEN_KILLS_SECONDS = (1.0, 3.0)


class Disturbance(StrEnum):
    KILL = "kill"
    """SIGKILL for one of the workers; another one takes its place."""
    RESTART = "restart"
    """The server of the store is killed (`pg_ctl stop -m immediate`) and started again."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that goes wrong, so many seconds after the start. `which` picks a worker."""

    at: float
    what: Disturbance
    which: float = 0.0


def planned(seed: int, *, seconds: float, restarts: int) -> Sequence[Fault]:
    """The faults of a run that is fed for so many seconds, in order of time."""
    chance = random.Random(seed)
    span = seconds / (restarts + 1)
    faults = [Fault(span * (number + chance.uniform(0.7, 1.3)), Disturbance.RESTART) for number in range(restarts)]
    at = chance.uniform(*_BETWEEN_KILLS_SECONDS)
    while at < seconds:
        faults.append(Fault(at, Disturbance.KILL, chance.random()))
        at += chance.uniform(*_BETWEEN_KILLS_SECONDS)
    return sorted(faults)
