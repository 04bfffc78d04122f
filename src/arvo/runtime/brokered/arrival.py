"""What a message holds and whom it is for: pure decisions, for inboxes with and without a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from arvo.errors import ConfigViolation
from arvo.events import split_delay
from arvo.events.wire import WireMessage, from_wire

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from arvo.events import Event
    from arvo.ports.broker import ReceivedMessage
    from arvo.runtime.app import App

__all__ = ["Arrival", "Arrivals"]


class Arrival(NamedTuple):
    """An event as it is to arrive, the lane that takes it, and how long after it was sent it is to arrive."""

    event: Event[Any]
    lane: str
    delay: timedelta | None


class Arrivals:
    """Reads messages for the addresses in `lanes`, which tells the lane of each."""

    def __init__(self, app: App, lanes: Mapping[str, str]) -> None:
        self._lanes = lanes
        served = [handler for handler in app.handlers if handler.source in lanes]
        self._by_type = {version.accepted_type: handler.source for handler in served for version in handler.implements}
        self._take_any = {handler.source for handler in served if not handler.implements}

    def read(self, message: ReceivedMessage) -> Arrival:
        """Raises InvalidEvent when the message holds no event, ConfigViolation when it is for nobody here.

        An event of a stranger names no address; its type tells which contract it follows, and that the handler.
        """
        event, delay = split_delay(from_wire(WireMessage(message.body, message.content_type, message.headers)))
        address = event.to or event.type
        lane = self._lanes.get(address)
        if lane is not None:
            return Arrival(event, lane, delay)
        if event.domain is not None and message.address in self._lanes:
            return Arrival(event, self._lanes[message.address], delay)
        if address == event.type:
            source = message.address if message.address in self._take_any else self._by_type.get(event.type)
            if source is not None:
                return Arrival(event.replace(to=source), source, delay)
        raise ConfigViolation(
            f"{event.type!r} (id {event.id}) came to {message.address!r} but is for {address!r}, which is nobody here, "
            "and no contract of a handler here has its type. Publish it to its own address, or correct `to`."
        )
