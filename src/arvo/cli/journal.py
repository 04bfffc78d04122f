"""What happened to each input of a run, gathered from the app's observations; how it is printed is in `timeline.py`.

Only inputs that are still in flight are remembered, so that a run may be as long as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from arvo.runtime import Retry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.cli.event_input import InputEvent
    from arvo.cli.outcome import Outcome
    from arvo.events import Event
    from arvo.orchestration import Ignored
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
    ignored: Ignored | None
    """Why a workflow made nothing of the event."""


@dataclass(slots=True, eq=False)
class Process:
    """One input and everything that came of it."""

    line: int
    event: Event[Any]
    started: float = field(default_factory=perf_counter)
    steps: list[Step] = field(default_factory=list["Step"])
    outcome: Outcome | None = None
    sent_away: Event[Any] | None = None
    """The last event for somebody outside of the app."""
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    types: dict[str, None] = field(default_factory=dict[str, None])
    awaited: set[str] = field(default_factory=set[str])
    """Events that a handler of the app has yet to finish with."""
    ignored: dict[str, Ignored] = field(default_factory=dict[str, "Ignored"])
    """Events that a workflow made nothing of, by id."""

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
    """The processes in flight, and figures about all that there were. `addresses` are those of the app's handlers."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self.figures: dict[str, HandlerFigures] = {}
        self._addresses = frozenset(addresses)
        self._processes: dict[str, Process] = {}

    def __len__(self) -> int:
        """How many events are remembered."""
        return len(self._processes)

    def begin(self, given: InputEvent) -> Process:
        """Remember an input until `end`."""
        process = Process(given.line, given.event)
        process.number_of(given.event)
        self._processes[given.event.id] = process
        return process

    def end(self, process: Process) -> None:
        """Forget a process."""
        for event_id in process.numbers:
            if self._processes.get(event_id) is process:
                del self._processes[event_id]

    def ignore(self, event_id: str, why: Ignored) -> None:
        """Take down that a workflow makes nothing of an event; the attempt at it is observed afterwards."""
        process = self._processes.get(event_id)
        if process is not None:
            process.ignored[event_id] = why

    def observe(self, seen: Observation) -> tuple[Process, Step] | None:
        """Count an attempt, and add it to the process it belongs to, if that is still remembered."""
        self.figures.setdefault(seen.handler, HandlerFigures()).add(seen)
        event = seen.event
        process = self._processes.get(event.id) or self._processes.get(event.parentid or "")
        if process is None:
            return None
        number = process.number_of(event)
        self._processes.setdefault(event.id, process)
        if not isinstance(seen.decision, Retry):
            process.awaited.discard(event.id)
        for output in seen.outputs:
            self._processes.setdefault(output.id, process)
            if output.domain is not None:
                continue
            if (output.to or output.type) in self._addresses:
                process.awaited.add(output.id)
            else:
                process.sent_away = output
        step = Step(
            number=number,
            parent=process.numbers.get(event.parentid or ""),
            started_ms=(perf_counter() - process.started - seen.duration_seconds) * 1000,
            seen=seen,
            emitted=tuple(process.number_of(output) for output in seen.outputs),
            ignored=process.ignored.get(event.id),
        )
        process.steps.append(step)
        return process, step
