"""What a simulation finds: broken promises, each with the rule that was broken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Rule", "Violation"]


class Rule(StrEnum):
    """The promises that are always watched."""

    NOTHING_LOST = "nothing is lost"
    ONCE = "nothing is applied twice"
    ORDER = "the order of a subject is kept"
    ONE_OWNER = "nobody else works on a claimed subject"
    KEPT_CLAIMS = "a worker that is well keeps its claims"
    WHOLE = "all that comes of an event is stored with it"
    RECORD = "a workflow finds the record that it left"
    ATTEMPTS = "attempts are counted"
    TIMERS = "timers come when they are due"
    ENDS = "every workflow ends or is parked"
    GIVEN_UP = "nothing is given up but what is given up undisturbed"
    BOUNDED = "nothing is left behind"
    DEFECT = "workers do not break down"
    INVARIANT = "the app's own invariants hold"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise, at simulated time `at`."""

    rule: Rule
    text: str
    at: float

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"
