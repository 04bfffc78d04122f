"""What a handler's function gets beside its event. Made for every event, so everything in it that costs is lazy."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from arvo.telemetry import current_span

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from arvo.events import Event
    from arvo.telemetry import Span

__all__ = ["EventDomains", "HandlerContext"]


class EventDomains(NamedTuple):
    """The domains that meet in one execution; None is the local one."""

    own: str | None
    """Of the handler's contract."""
    event: str | None
    """Of the event being handled."""


class HandlerContext(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of one execution; a test makes its own: `HandlerContext(event=request, source="com.x.y")`."""

    event: Event[Any]
    """The event being handled."""
    source: str
    """The source of the handler, and of the events it emits."""
    version: str | None = None
    """The contract version being served; None in a `MultiHandler`."""
    own_domain: str | None = None

    @property
    def domain(self) -> EventDomains:
        """The domain of the handler's contract and that of the event."""
        return EventDomains(self.own_domain, self.event.domain)

    @property
    def idempotency_key(self) -> str:
        """The same for every delivery of the same event: hand it to systems that can drop duplicates."""
        return self.event.id

    @property
    def span(self) -> Span:
        """The span of this execution, for attributes and events of your own; ignores them when nothing records."""
        return current_span()

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """Logs as `arvo.handlers.<source>`; each record has `event_id`, `event_type` and `subject`."""
        return _EventLogger(
            logging.getLogger(f"arvo.handlers.{self.source}"),
            {"event_id": self.event.id, "event_type": self.event.type, "subject": self.event.subject},
        )


class _EventLogger(logging.LoggerAdapter[logging.Logger]):
    """Unlike the standard adapter, keeps the `extra` of the call."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, {**kwargs, "extra": {**(kwargs.get("extra") or {}), **(self.extra or {})}}
