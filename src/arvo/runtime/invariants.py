"""What must hold in a system at every moment, as its author says it; `arvo simulate` checks it after each commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from arvo.contracts import Payload
    from arvo.events import Event
    from arvo.ports import StoredWorkflow

__all__ = ["Invariant", "SystemView"]

P = TypeVar("P", bound="Payload")


class SystemView(Protocol):
    """A system to look at: nothing in it can be changed."""

    @property
    def now(self) -> datetime:
        """The time."""
        ...

    @property
    def at_rest(self) -> bool:
        """Whether everything has come to its end, so that what is missing now will always be missing."""
        ...

    @property
    def events(self) -> Sequence[Event[Any]]:
        """Every event that was stored so far, in that order."""
        ...

    @property
    def workflows(self) -> Sequence[StoredWorkflow]:
        """The workflows as they are stored, the newest first."""
        ...

    def payloads(self, kind: type[P]) -> Sequence[P]:
        """The data of this class in the events that handlers emitted, in the order in which they were stored."""
        ...


Invariant: TypeAlias = Callable[[SystemView], object]
"""Raises, by an `assert` for example, or returns False, when something is wrong."""
