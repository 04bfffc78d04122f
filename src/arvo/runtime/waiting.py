"""Events that wait for a domain without a sink: visible, answerable, and bounded."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from arvo.errors import ConfigViolation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.events import Event

__all__ = ["WaitingRoom"]


class WaitingRoom:
    """Keeps at most `limit` events, in order of arrival, until they are answered."""

    __slots__ = ("_events", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._events: dict[str, Event[Any]] = {}

    def admit(self, event: Event[Any]) -> bool:
        """Take the event in; False when the room is full. An event that is here already (same id) stays once."""
        if len(self._events) >= self.limit and event.id not in self._events:
            return False
        self._events[event.id] = event
        return True

    def full(self, event: Event[Any]) -> ConfigViolation:
        """The error for an event that was not admitted."""
        return ConfigViolation(
            f"{self.limit} events wait for domains without a sink already, so {event.type!r} (id {event.id}) for "
            f"domain {event.domain!r} has no room. Register @app.sink({event.domain!r}), or answer the ones that wait."
        )

    def answered(self, answer: Event[Any]) -> None:
        """Let the event go that `answer` names as its parent, if it waits here."""
        if self._events and answer.parentid is not None:
            self._events.pop(answer.parentid, None)

    def of(self, domain: str) -> tuple[Event[Any], ...]:
        """What waits for `domain`, oldest first."""
        return tuple(event for event in self._events.values() if event.domain == domain)

    def counts(self) -> Mapping[str, int]:
        """How many events wait for each domain."""
        return Counter(event.domain for event in self._events.values() if event.domain is not None)
