"""What takes the events that a worker has for addresses beyond its app: the way out of the store.

They wait in lanes like all others, so that their order, retries and dead letters are those of the worker. What the way
leads to is in `arvo.runtime.brokered`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from arvo.runtime.middleware import Execute
    from arvo.runtime.subscription import Settings

__all__ = ["OUTBOX", "Relay"]

OUTBOX: Final = "outbox to elsewhere"
"""Under this name events wait for addresses that nobody here knows. With spaces, which no source can have."""


@dataclass(frozen=True, slots=True)
class Relay:
    """`execute` hands an event on; `callers` are addresses of this store all the same, though no handler has them."""

    execute: Execute
    settings: Settings
    callers: frozenset[str] = frozenset()
