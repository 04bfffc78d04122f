"""Where events can go in one run of an app, and what is said about an event that can go nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Any

from arvo.errors import ConfigViolation
from arvo.runtime.chain import Lane
from arvo.runtime.middleware import handed_on, taken_by, wrapped
from arvo.runtime.subscription import WorkflowDefinition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from arvo.events import Event
    from arvo.handlers import EventHandler
    from arvo.runtime.app import App
    from arvo.runtime.schedule import Schedule
    from arvo.runtime.subscription import Servable

__all__ = ["Topology", "topology_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Handlers by source, sinks by domain, lanes for schedules, for what nobody here answers to, and for `late` events.

    The latter are for no handler, were held back, and only go through their lane, to be sent where they belong then.
    """

    handlers: Mapping[str, Lane]
    sinks: Mapping[str, Lane]
    unhandled: Lane | None
    late: Lane
    schedules: Mapping[Schedule, Lane]

    def lanes(self) -> Iterator[Lane]:
        """Every lane once."""
        extra = (self.late,) if self.unhandled is None else (self.late, self.unhandled)
        return chain(self.handlers.values(), self.sinks.values(), self.schedules.values(), extra)

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


def topology_of(app: App, schedules: Iterable[Schedule]) -> Topology:
    """New lanes for everything that `app` runs in this process, and for `schedules`."""
    return Topology(
        handlers={
            handler.source: Lane(
                handler.source, wrapped(_bound(handler, app).execute, app.middleware), app.settings[handler.source]
            )
            for handler in app.handlers
        },
        sinks={
            domain: Lane(f"sink of {domain}", taken_by(sink), app.default_settings)
            for domain, sink in app.sinks.items()
        },
        unhandled=None
        if app.unhandled is None
        else Lane("on_unhandled", taken_by(app.unhandled), app.default_settings),
        late=Lane("late events", handed_on, app.default_settings),
        schedules={
            schedule: Lane(schedule.address, schedule.execute(app.publish), app.default_settings)
            for schedule in schedules
        },
    )


def _bound(handler: Servable, app: App) -> EventHandler:
    return handler.bind(app.memory) if isinstance(handler, WorkflowDefinition) else handler
