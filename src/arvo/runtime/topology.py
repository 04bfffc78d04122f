"""Where events can go in one run of an app, and what is said about an event that can go nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Any

from arvo.errors import ConfigViolation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from arvo.events import Event
    from arvo.runtime.chain import Lane

__all__ = ["Topology"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Handlers by source, sinks by domain, and a lane for what nobody here answers to."""

    handlers: Mapping[str, Lane]
    sinks: Mapping[str, Lane]
    unhandled: Lane | None

    def lanes(self) -> Iterator[Lane]:
        """Every lane once."""
        extra = () if self.unhandled is None else (self.unhandled,)
        return chain(self.handlers.values(), self.sinks.values(), extra)

    def handler_of(self, event: Event[Any]) -> Lane | None:
        """The handler that answers to the event's address."""
        return self.handlers.get(event.type if event.to is None else event.to)

    def unroutable(self, event: Event[Any]) -> ConfigViolation:
        """The error for an event that none of the lanes takes."""
        address = event.type if event.to is None else event.to
        close = get_close_matches(address, self.handlers, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return ConfigViolation(
            f"No handler of this app answers to {address!r}, the address of {event.type!r} (id {event.id}) from "
            f"{event.source!r}.{hint} Correct `to`, add the handler to App(handlers=[...]), or take such events with "
            "@app.on_unhandled."
        )
