"""The simulated processes: those that run a worker of the app, and the one outside that publishes."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arvo.events.origin import use_origin
from arvo.testing.simulation.chance import Chance
from arvo.testing.simulation.clock import SimulatedClock
from arvo.testing.simulation.loop import PROCESS, Process

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from arvo.events import Event
    from arvo.runtime import Worker
    from arvo.testing.simulation.faults import Fault, Moment
    from arvo.testing.simulation.loop import SimulatedLoop

__all__ = ["Handled", "Machine", "Place"]


@dataclass(frozen=True, slots=True)
class Handled:
    """What a handler made of an event; `number` rises with time."""

    number: int
    outputs: Sequence[Event[Any]]


class Place:
    """Where one worker after the other runs. What was counted and drawn for one goes on for the next."""

    def __init__(self, number: int, seed: object, faults: Iterable[Fault]) -> None:
        self.number = number
        self._chances: dict[str, Chance] = {}
        self._seed = seed
        self._passed: Counter[Moment] = Counter()
        self._faults: Mapping[tuple[Moment, int], list[Fault]] = defaultdict(list)
        for fault in faults:
            if fault.slot == number:
                self._faults[fault.moment, fault.number].append(fault)

    def pass_by(self, moment: Moment) -> Sequence[Fault]:
        """Count a moment, and return what is to go wrong at it."""
        self._passed[moment] += 1
        return self._faults.get((moment, self._passed[moment]), ())

    def chance(self, purpose: str) -> Chance:
        """The draws for a purpose."""
        chance = self._chances.get(purpose)
        if chance is None:
            chance = self._chances[purpose] = Chance(self._seed, self.number, purpose)
        return chance


class Machine(Process):
    """A process on a machine of its own, whose clock may be wrong. It gives ids and times to the events made in it."""

    def __init__(self, name: str, place: Place, loop: SimulatedLoop, recovers_in: float = 0.0) -> None:
        super().__init__(name)
        self.place = place
        self.clock = SimulatedClock(loop)
        self.worker: Worker | None = None
        self.began_at = loop.time()
        self.died_at: float | None = None
        self.is_over = False
        """Whether the run is over: nothing reaches the store any more, and nothing counts."""
        self.left_at: float | None = None
        """When its worker was told to stop."""
        self.has_ended = False
        """Whether its worker came to its end."""
        self.handled: dict[tuple[str, str], Handled] = {}
        """What came of the events that were handled here, by handler and event id."""
        self.busy: dict[str, float] = {}
        """The events that are being handled, by id, and since when."""
        self._loop = loop
        self._ids = Chance(place.number, name, "ids")
        self._recovers_in = recovers_in
        self._unwell_until = -1e9
        self._numbers = 0
        self.context = Context()
        self.context.run(PROCESS.set, self)
        self.context.run(use_origin, self)

    def id_bytes(self) -> bytes:
        """16 bytes for an id."""
        return self._ids.id_bytes()

    def now_ns(self) -> int:
        """Nanoseconds since 1970, as this machine sees it."""
        return self.clock.now_ns()

    def kill(self) -> None:
        """Let nothing more happen in it."""
        self.dead = True
        self.died_at = self._loop.time()

    def has_handled(self, handler: str, event: Event[Any], outputs: Sequence[Event[Any]]) -> None:
        """Remember what came of an event."""
        self._numbers += 1
        self.handled[handler, event.id] = Handled(self._numbers, outputs)

    @property
    def is_working(self) -> bool:
        """Whether its worker is there, and not about to leave."""
        return not (self.dead or self.has_ended or self.left_at is not None)

    def stop(self) -> None:
        """Tell its worker to stop in good order."""
        if self.worker is not None and self.left_at is None:
            self.left_at = self._loop.time()
            self.worker.stop()

    def be_unwell(self, seconds: float = 0.0) -> None:
        """Something goes wrong here, for so long."""
        self._unwell_until = max(self._unwell_until, self._loop.time() + seconds)

    def was_well_since(self, moment: float) -> bool:
        """Whether nothing has gone wrong here since then, or shortly before, that excuses the loss of a claim."""
        return not self.dead and not self.is_over and self._unwell_until + self._recovers_in < moment
