"""What happened in a system under test: every event that came in or was emitted, and every attempt of a handler."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast, overload

from arvo.contracts import Payload
from arvo.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from arvo.runtime.hooks import Observation

__all__ = ["Attempted", "Published", "RecordedEvents"]

P = TypeVar("P", bound=Payload)

Kind: TypeAlias = type[Payload] | str
"""A payload class, or an event type."""


@dataclass(frozen=True, slots=True)
class Published:
    """An event that the test published, and when that was: `at` counts from the start of the system."""

    at: timedelta
    event: Event[Any]


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt of a handler at an event, and when that was: `at` counts from the start of the system."""

    at: timedelta
    seen: Observation


class RecordedEvents(Sequence[Event[Any]]):
    """All events of a system under test, each once, in the order in which they were published or emitted.

    The assertions raise `AssertionError` saying what there was instead.
    """

    def __init__(self) -> None:
        self.story: list[Published | Attempted] = []
        """All that happened, in order."""
        self._events: dict[str, Event[Any]] = {}

    def published(self, at: timedelta, event: Event[Any]) -> None:
        """Note that the test published an event."""
        self.story.append(Published(at, event))
        self._events.setdefault(event.id, event)

    def attempted(self, at: timedelta, seen: Observation) -> None:
        """Note an attempt, and what was emitted."""
        self.story.append(Attempted(at, seen))
        self._events.setdefault(seen.event.id, seen.event)
        for output in seen.outputs:
            self._events.setdefault(output.id, output)

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> Event[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event[Any]]: ...
    def __getitem__(self, index: int | slice) -> Event[Any] | list[Event[Any]]:
        return list(self._events.values())[index]

    def __iter__(self) -> Iterator[Event[Any]]:
        return iter(list(self._events.values()))

    @overload
    def of(self, kind: type[P]) -> list[Event[P]]: ...
    @overload
    def of(self, kind: str) -> list[Event[Any]]: ...
    def of(self, kind: type[P] | str) -> list[Event[P]] | list[Event[Any]]:
        """The events with this payload class or of this event type, oldest first."""
        if isinstance(kind, str):
            return [event for event in self if event.type == kind]
        return [cast("Event[P]", event) for event in self if isinstance(event.model, kind)]

    @overload
    def assert_emitted(
        self, kind: type[P], *, times: int | None = None, where: Callable[[Event[P]], bool] | None = None
    ) -> Event[P]: ...
    @overload
    def assert_emitted(
        self, kind: str, *, times: int | None = None, where: Callable[[Event[Any]], bool] | None = None
    ) -> Event[Any]: ...
    def assert_emitted(
        self, kind: type[P] | str, *, times: int | None = None, where: Callable[[Event[Any]], bool] | None = None
    ) -> Event[Any]:
        """The latest event of this kind for which `where` holds; `times` says how many of them there are to be."""
        found: list[Event[Any]] = list(self.of(kind))
        fitting = found if where is None else [event for event in found if where(event)]
        if not fitting or (times is not None and len(fitting) != times):
            wanted = "at least once" if times is None else f"{times} times"
            but = f"it was emitted {len(fitting)} times"
            if where is not None:
                but += f" so that the condition holds, {len(found)} times in all"
            raise AssertionError(f"{_named(kind)} was to be emitted {wanted}, but {but}.{self._shown(found)}")
        return fitting[-1]

    def assert_not_emitted(self, kind: Kind) -> None:
        """There is no event of this kind."""
        found: list[Event[Any]] = list(self.of(kind))
        if found:
            raise AssertionError(f"{_named(kind)} was not to be emitted, but was.{self._shown(found)}")

    def assert_order(self, *kinds: Kind) -> None:
        """Events of these kinds came one after the other, whatever else came in between."""
        position, before = 0, ""
        events = list(self)
        for kind in kinds:
            wanted = {event.id for event in self.of(kind)}
            place = next((index for index in range(position, len(events)) if events[index].id in wanted), None)
            if place is None:
                after = f" after {before}" if before else ""
                raise AssertionError(f"{_named(kind)} was to come{after}, but did not.{self._shown(events)}")
            position, before = place + 1, _named(kind)

    def ancestors(self, event: Event[Any]) -> list[Event[Any]]:
        """The events that it came of, the nearest first, as `parentid` tells."""
        line: list[Event[Any]] = []
        parent = self._events.get(event.parentid or "")
        while parent is not None and parent not in line:
            line.append(parent)
            parent = self._events.get(parent.parentid or "")
        return line

    def children(self, event: Event[Any]) -> list[Event[Any]]:
        """The events whose `parentid` it is, oldest first."""
        return [other for other in self if other.parentid == event.id]

    def assert_lineage(self, event: Event[Any], *kinds: Kind) -> None:
        """The event came of events of these kinds, the nearest first, whatever else is in between."""
        line = self.ancestors(event)
        rest = iter(line)
        for kind in kinds:
            wanted = {each.id for each in self.of(kind)}
            if not any(ancestor.id in wanted for ancestor in rest):
                raise AssertionError(
                    f"{event.type} (id {event.id}) was to come of {_named(kind)}, but did not.{self._shown(line)}"
                )

    def _shown(self, found: Sequence[Event[Any]]) -> str:
        if found:
            lines = [f"\n  {event!r}" for event in found[:20]]
            more = f"\n  ... and {len(found) - 20} more" if len(found) > 20 else ""
            return f" There is:{''.join(lines)}{more}"
        counts = Counter(event.type for event in self)
        if not counts:
            return " No event was published or emitted at all."
        return " There is: " + ", ".join(f"{kind} ({times})" for kind, times in counts.most_common()) + "."


def _named(kind: Kind) -> str:
    return kind if isinstance(kind, str) else kind.__name__
