"""`Router`: one address in front of many handlers, which are picked by event type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from arvo.errors import ConfigViolation, DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.contracts import ContractVersion
    from arvo.events import Event
    from arvo.handlers.event_handler import EventHandler

__all__ = ["Router"]


class Router:
    """Hands events that are sent to `source` to the handler of their type: `Router("com.billing", [charge, refund])`.

    What the handlers emit gets the router's source, and `execution_units` on top of its own; all else stays as it is.
    A handler sees its own source as the event's address, so that anything that answers for a contract fits, another
    router included. A workflow does not fit: the answers to its calls come back to its own source.
    """

    def __init__(self, source: str, handlers: Iterable[EventHandler], *, execution_units: float | None = None) -> None:
        self.source: Final = source
        self.domain: Final[str | None] = None
        self.execution_units: Final = execution_units
        self._handlers: dict[str, EventHandler] = {}
        for handler in handlers:
            self._add(handler)
        if not self._handlers:
            raise DefinitionError(f"{self!r} has no handlers. Give it at least one: Router({source!r}, [...]).")

    @property
    def implements(self) -> tuple[ContractVersion[Any, Any], ...]:
        """All versions of all handlers."""
        handlers = dict.fromkeys(self._handlers.values())
        return tuple(version for handler in handlers for version in handler.implements)

    @property
    def calls(self) -> tuple[ContractVersion[Any, Any], ...]:
        """Nothing: handlers that call others are refused."""
        return ()

    def check(self) -> None:
        """Raise `DefinitionError` unless every handler is complete."""
        for handler in self._handlers.values():
            handler.check()

    async def execute(self, event: Event[Any]) -> list[Event[Any]]:
        """What the handler of the event's type makes of it.

        Raises `ConfigViolation` for an event with another address or of a type that no handler takes, and whatever the
        handler raises.
        """
        if event.to != self.source:
            raise ConfigViolation(
                f"{self!r} got event {event.id!r} from {event.source!r}, which is addressed to {event.to!r}. "
                f"Address the event to {self.source!r}, or route it by its `to`."
            )
        handler = self._handlers.get(event.type)
        if handler is None:
            raise ConfigViolation(
                f"{self!r} has no handler for event {event.id!r} of type {event.type!r} from {event.source!r}; "
                f"it routes {', '.join(map(repr, self._handlers))}. Add the handler of that type, or correct the type."
            )
        emitted = await handler.execute(event.replace(to=handler.source))
        return [
            each.replace(source=self.source, executionunits=_sum(each.executionunits, self.execution_units))
            for each in emitted
        ]

    def __repr__(self) -> str:
        return f"Router for {self.source!r}"

    def _add(self, handler: EventHandler) -> None:
        if handler.calls or not handler.implements:
            problem = "its answers would not find back" if handler.calls else "it takes no event type in particular"
            raise DefinitionError(
                f"{self!r} cannot route to {handler.source!r}: {problem}. Let events reach it by its own source."
            )
        for event_type in dict.fromkeys(version.accepted_type for version in handler.implements):
            other = self._handlers.setdefault(event_type, handler)
            if other is not handler:
                raise DefinitionError(
                    f"{self!r} has two handlers for {event_type!r}: {other!r} and {handler!r}. Keep one of them."
                )


def _sum(units: float | None, own: float | None) -> float | None:
    if units is None or own is None:
        return own if units is None else units
    return units + own
