"""Where events go that a durable worker has to store: which lane takes them, or the waiting room of their domain.

Emitted events are never refused: an address that no handler of this app has may belong to another process, or to the
caller who wants the answer, so the delivery is stored for whoever claims it (`queues` shows what nobody does).
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from arvo.errors import ConfigViolation
from arvo.ports import NewDelivery
from arvo.ports.store.work import PRIORITIES
from arvo.runtime.worker.relay import OUTBOX

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from arvo.events import Event
    from arvo.runtime.app import App
    from arvo.runtime.worker.relay import Relay

__all__ = ["AT_ONCE", "LATE", "UNHANDLED", "Routes", "Sending", "late", "sink_address"]

LATE = "late events"
"""Under this name events are held back that will then wait for their domain. With a space, which no source can have."""

UNHANDLED = "on_unhandled hook"
"""Under this name wait the events for the app's `on_unhandled`. With a space, which no source can have."""


def sink_address(domain: str) -> str:
    """The name under which events wait for the sink of a domain. With spaces, which no source can have."""
    return f"sink of {domain}"


@dataclass(frozen=True, slots=True)
class Sending:
    """When an event is to arrive, and the priority of its own that it then has."""

    due: datetime | timedelta | None = None
    priority: int = 0


AT_ONCE = Sending()


class Routes:
    """The addresses that one app knows. With a relay, whatever is for others leaves by it."""

    def __init__(self, app: App, relay: Relay | None = None) -> None:
        self._handlers = frozenset(handler.source for handler in app.handlers)
        self._external = frozenset(contract.type for contract in app.external)
        self._sinks = {domain: sink_address(domain) for domain in app.sinks}
        self._takes_unhandled = app.unhandled is not None
        self._callers = None if relay is None else relay.callers
        self._priorities = {source: own for source, settings in app.settings.items() if (own := settings.priority)}

    def emitted(self, event: Event[Any], sending: Sending = AT_ONCE) -> NewDelivery | None:
        """The way of an event that a handler returned; None: it waits for somebody in its domain."""
        if event.domain is not None:
            return self._into_domain(event, event.domain, sending)
        address = _address_of(event)
        if address not in self._handlers and address not in self._external:
            address = self._unknown(address)
        return self._sent(event, address, sending)

    def published(self, event: Event[Any], sending: Sending = AT_ONCE) -> NewDelivery | None:
        """The way of an event that was brought here on purpose: a handler goes before the event's domain.

        Raises `ConfigViolation` when nobody is known to answer to its address.
        """
        address = _address_of(event)
        if address in self._handlers or address in self._external:
            return self._sent(event, address, sending)
        if event.domain is not None:
            return self._into_domain(event, event.domain, sending)
        if self._takes_unhandled or self._callers is not None:
            return self._sent(event, self._unknown(address), sending)
        close = get_close_matches(address, self._handlers | self._external, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigViolation(
            f"No handler of this app answers to {address!r}, the address of {event.type!r} (id {event.id}) from "
            f"{event.source!r}, so nothing was stored.{hint} Correct `to`, add the handler to App(handlers=[...]), or "
            "name its contract in App(external=[...]) if another process answers."
        )

    def _unknown(self, address: str) -> str:
        """The lane of events for an address that no handler here has, and no contract is known for."""
        if self._callers is not None and address not in self._callers:
            return OUTBOX
        return UNHANDLED if self._takes_unhandled else address

    def _into_domain(self, event: Event[Any], domain: str, sending: Sending) -> NewDelivery | None:
        sink = self._sinks.get(domain)
        return None if sink is None else self._sent(event, sink, sending)

    def _sent(self, event: Event[Any], handler: str, sending: Sending) -> NewDelivery:
        added = sending.priority + self._priorities.get(handler, 0)
        priority = min(max(added, PRIORITIES[0]), PRIORITIES[-1])
        return NewDelivery(handler=handler, event=event, due=sending.due, priority=priority)


def late(event: Event[Any], sending: Sending) -> NewDelivery:
    """The way of an event that is held back, and will wait for somebody in its domain then."""
    return NewDelivery(handler=LATE, event=event, due=sending.due, priority=sending.priority)


def _address_of(event: Event[Any]) -> str:
    return event.type if event.to is None else event.to
