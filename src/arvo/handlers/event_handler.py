"""The one interface of everything that handles events, from a function to a workflow (SEMANTICS 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from arvo.contracts import ContractVersion
    from arvo.events import Event

__all__ = ["EventHandler"]


class EventHandler(Protocol):
    """What an `App` and a broker need to know of a handler: where it is, what it does, and with whom.

    Promises of `execute`: business failures are declared emits and unexpected exceptions become system error events,
    so both are returned; a `Violation` or a `BackendError` is raised, and then nothing was emitted: deliver the event
    again or park it. An event delivered again gives events with the same ids, so that duplicates can be recognised.
    """

    @property
    def source(self) -> str:
        """The event type or name it answers to: events come here by their `to`, and its events carry it as source."""
        ...

    @property
    def domain(self) -> str | None:
        """The domain it lives in; None is the local one."""
        ...

    @property
    def implements(self) -> tuple[ContractVersion[Any, Any], ...]:
        """The versions it answers for. Empty: it takes any event type and promises no particular answer."""
        ...

    @property
    def calls(self) -> tuple[ContractVersion[Any, Any], ...]:
        """The versions of other contracts that it calls and whose answers it takes. Empty for all but workflows."""
        ...

    def check(self) -> None:
        """Raise `DefinitionError` when it is not complete, for example when a version has no function."""
        ...

    async def execute(self, event: Event[Any]) -> list[Event[Any]]:
        """What comes of one event, in order of emission."""
        ...
