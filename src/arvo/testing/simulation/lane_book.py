"""What should be in one lane of a store, worked out from the calls alone: the port's promises as a small model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from arvo.testing.simulation.loop import Process

__all__ = ["Arrival", "Holding", "LaneBook", "TimerEntry"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that is in a lane. `name` is what the log calls it, `root` the input that it goes back to."""

    key: UUID
    event_id: str
    name: str
    root: str


@dataclass(slots=True)
class TimerEntry:
    """An event that is to arrive at `due`. A cancelled one that was due by then may still come."""

    arrival: Arrival
    lane: UUID
    due: datetime
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """The claim on a lane that counts. `until` is when its lease ends, unless it is renewed."""

    token: int
    worker: str
    process: Process
    since: float
    until: datetime

    def renewed(self, until: datetime) -> Holding:
        """The same claim with a new lease."""
        return Holding(self.token, self.worker, self.process, self.since, until)


@dataclass(slots=True)
class LaneBook:
    """One lane: what waits in it, whose it is, how often its first event was begun, and its record."""

    handler: str
    queue: list[Arrival] = field(default_factory=list[Arrival])
    holding: Holding | None = None
    attempts: int = 0
    not_before: datetime | None = None
    revision: int = 0
    record_json: bytes | None = None
    subject: str = ""
    roots: set[str] = field(default_factory=set[str])

    def leave(self, *, attempts: int, not_before: datetime | None = None) -> None:
        """The claim is over."""
        self.holding = None
        self.attempts = attempts if self.queue else 0
        self.not_before = not_before
