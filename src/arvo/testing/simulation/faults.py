"""What can go wrong in a simulation, and the plan of a seed: which of it goes wrong, and when.

A plan is a list, so that parts of it can be left out: that is how a failing run is made short.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from arvo.testing.simulation.chance import Chance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

__all__ = ["Fault", "FaultKind", "Moment", "plan_of"]


class FaultKind(StrEnum):
    """The kinds of faults, by the names that `arvo simulate --faults` takes."""

    CRASH = "crash"
    """A worker's process ends as by `kill -9`; another one begins some time later."""
    RESTART = "restart"
    """A worker is told to stop and does so in good order; another one begins some time later."""
    DUPLICATE = "duplicate"
    """An event that was published once is published again."""
    REORDER = "reorder"
    """Work on different subjects arrives, and is given out, in another order."""
    DELAY = "delay"
    """A call to the store, or a handler, takes long."""
    DROP_ACK = "drop-ack"
    """A call to the store is carried out, but no answer comes until the connection is given up."""
    STORE_ERROR = "store-error"
    """A call to the store fails and is not carried out; so does what a handler does."""
    APPLIED_BUT_FAILED = "applied-but-failed"
    """A call to the store fails, but was carried out; so does what a handler does."""
    CLOCK_JUMP = "clock-jump"
    """The date that a worker's machine shows jumps."""
    LOCK_EXPIRY = "lock-expiry"
    """A worker does nothing for longer than its leases last, and then goes on as if nothing had been."""


Moment: TypeAlias = Literal["input", "output", "claim", "finish", "renew", "heartbeat", "workers", "remove", "handle"]
"""What a fault strikes: an input, an event that was stored, a call to the store, or a handler."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it strikes the `number`-th `moment` of a worker (of the whole system, for inputs and outputs).

    `slot` is the worker's place, which the one that follows a dead one takes over. `late`: only after what is struck
    was carried out. `seconds` is how long it takes, or by how much something is put off.
    """

    kind: FaultKind
    slot: int
    moment: Moment
    number: int
    late: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        where = f"{self.moment} {self.number}" + ("" if self.slot < 0 else f" of worker {self.slot + 1}")
        when = (", after it" if self.late else ", before it") if self.kind in _EITHER_SIDE else ""
        return f"{self.kind} at {where}{when}" + (f", {self.seconds:.3f} s" if self.seconds else "")


_EITHER_SIDE: Final = frozenset({FaultKind.CRASH, FaultKind.DELAY, FaultKind.LOCK_EXPIRY})

_CALLS: Final[tuple[Moment, ...]] = (
    "claim",
    "claim",
    "finish",
    "finish",
    "finish",
    "finish",
    "renew",
    "heartbeat",
    "workers",
    "remove",
)
"""Those that are struck more often stand here more often."""
_LATEST: Final[Mapping[Moment, int]] = {
    "input": 6,
    "output": 40,
    "claim": 14,
    "finish": 12,
    "renew": 3,
    "heartbeat": 4,
    "workers": 4,
    "remove": 2,
    "handle": 16,
}
_MOST_FAILING_HANDLERS: Final = 3
"""So that no event fails as often as its retry policy allows, by faults alone."""


@dataclass(slots=True)
class _Draft:
    """A plan in the making."""

    chance: Chance
    workers: int
    inputs: int
    lease: float
    failing_handlers: int = 0

    def at(self, kind: FaultKind, moment: Moment, *, seconds: float = 0.0) -> Fault:
        several = moment in ("input", "output")
        latest = self.inputs if moment == "input" else _LATEST[moment]
        return Fault(
            kind=kind,
            slot=-1 if several else self.chance.below(self.workers),
            moment=moment,
            number=1 + self.chance.below(latest),
            late=self.chance.happens(0.5),
            seconds=round(seconds, 3),
        )

    def somewhere(self, kind: FaultKind, *, seconds: float = 0.0) -> Fault:
        """At a call or, less often, at a handler."""
        return self.at(kind, "handle" if self.chance.happens(0.3) else self.chance.pick(_CALLS), seconds=seconds)

    def failure(self, kind: FaultKind) -> Fault:
        """Of a call or, a few times, of a handler."""
        if self.failing_handlers < _MOST_FAILING_HANDLERS and self.chance.happens(0.3):
            self.failing_handlers += 1
            return self.at(kind, "handle")
        return self.at(kind, self.chance.pick(_CALLS))

    def jump(self) -> Fault:
        hours = self.chance.between(-30, 30) * (1 if self.chance.happens(0.7) else 1000)
        return self.at(FaultKind.CLOCK_JUMP, self.chance.pick(("claim", "finish", "handle")), seconds=hours * 3600)


_DRAWS: Final[Mapping[FaultKind, Callable[[_Draft], Fault]]] = {
    FaultKind.CRASH: lambda draft: draft.somewhere(FaultKind.CRASH, seconds=draft.chance.between(0, 2 * draft.lease)),
    FaultKind.RESTART: lambda draft: draft.somewhere(FaultKind.RESTART, seconds=draft.chance.between(0, draft.lease)),
    FaultKind.DUPLICATE: lambda draft: draft.at(
        FaultKind.DUPLICATE,
        draft.chance.pick(("input", "output", "output")),
        seconds=draft.chance.between(0, 1) ** 4 * 2 * draft.lease,
    ),
    FaultKind.REORDER: lambda draft: draft.at(
        FaultKind.REORDER, draft.chance.pick(("input", "claim", "claim")), seconds=draft.chance.between(0, 0.5)
    ),
    FaultKind.DELAY: lambda draft: draft.somewhere(
        FaultKind.DELAY, seconds=draft.chance.share() ** 3 * 2.5 * draft.lease
    ),
    FaultKind.DROP_ACK: lambda draft: draft.at(
        FaultKind.DROP_ACK,
        draft.chance.pick(("finish", "finish", "claim")),
        seconds=draft.chance.between(0.5, 2) * draft.lease,
    ),
    FaultKind.STORE_ERROR: lambda draft: draft.failure(FaultKind.STORE_ERROR),
    FaultKind.APPLIED_BUT_FAILED: lambda draft: draft.failure(FaultKind.APPLIED_BUT_FAILED),
    FaultKind.CLOCK_JUMP: _Draft.jump,
    FaultKind.LOCK_EXPIRY: lambda draft: draft.somewhere(
        FaultKind.LOCK_EXPIRY, seconds=draft.chance.between(0.9, 3) * draft.lease
    ),
}


def plan_of(seed: int, kinds: Collection[FaultKind], *, workers: int, inputs: int, lease: float) -> Sequence[Fault]:
    """What goes wrong under `seed`: of some of the `kinds`, so that seeds differ in kind and not only in number."""
    chance = Chance(seed, "faults")
    chosen = [kind for kind in FaultKind if kind in kinds and chance.happens(0.6)]
    if not chosen:
        return ()
    draft = _Draft(chance, workers, inputs, lease)
    count = 1 + int(chance.share() ** 1.5 * 11)
    return tuple(dict.fromkeys(_DRAWS[chance.pick(chosen)](draft) for _ in range(count)))
