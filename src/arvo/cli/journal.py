"""What happened to each input of a run, gathered from the app's observations; how it is printed is in `timeline.py`.

Only inputs that are still in flight are remembered, so that a run may be as long as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arvo.cli.event_input import InputEvent
    from arvo.events import Event
    from arvo.runtime import Observation

__all__ = ["HandlerFigures", "Journal", "Process", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt of a handler within a process. Events are numbered as they appear, the input being 1."""

    number: int
    parent: int | None
    started_ms: float
    seen: Observation
    emitted: tuple[int, ...]


@dataclass(slots=True, eq=False)
class Process:
    """One input and everything that came of it."""

    line: int
    event: Event[Any]
    started: float
    steps: list[Step] = field(default_factory=list["Step"])
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    types: dict[str, None] = field(default_factory=dict[str, None])

    def number_of(self, event: Event[Any]) -> int:
        """The event's number in this process; a new one gets the next."""
        self.types.setdefault(event.type)
        return self.numbers.setdefault(event.id, len(self.numbers) + 1)

    @property
    def kind(self) -> frozenset[str]:
        """Which types of events took part: processes of one kind went the same way."""
        return frozenset(self.types)


@dataclass(slots=True)
class HandlerFigures:
    """How often a handler ran and how long it took, retries included."""

    attempts: int = 0
    errors: int = 0
    total_seconds: float = 0.0
    longest_seconds: float = 0.0

    def add(self, seen: Observation) -> None:
        """Count one attempt."""
        self.attempts += 1
        self.errors += seen.error is not None
        self.total_seconds += seen.duration_seconds
        self.longest_seconds = max(self.longest_seconds, seen.duration_seconds)


class Journal:
    """The processes in flight, and figures about all that there were."""

    def __init__(self) -> None:
        self.figures: dict[str, HandlerFigures] = {}
        self._processes: dict[str, Process] = {}

    def begin(self, given: InputEvent) -> Process:
        """Remember an input until `end`."""
        process = Process(given.line, given.event, perf_counter())
        process.number_of(given.event)
        self._processes[given.event.id] = process
        return process

    def end(self, process: Process) -> None:
        """Forget a process."""
        for event_id in process.numbers:
            if self._processes.get(event_id) is process:
                del self._processes[event_id]

    def observe(self, seen: Observation) -> tuple[Process, Step] | None:
        """Count an attempt, and add it to the process it belongs to, if that is still in flight."""
        self.figures.setdefault(seen.handler, HandlerFigures()).add(seen)
        event = seen.event
        process = self._processes.get(event.id) or self._processes.get(event.parentid or "")
        if process is None:
            return None
        emitted = tuple(process.number_of(output) for output in seen.outputs)
        for output in (event, *seen.outputs):
            self._processes.setdefault(output.id, process)
        step = Step(
            number=process.number_of(event),
            parent=process.numbers.get(event.parentid or ""),
            started_ms=(perf_counter() - process.started - seen.duration_seconds) * 1000,
            seen=seen,
            emitted=emitted,
        )
        process.steps.append(step)
        return process, step
