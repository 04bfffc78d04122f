"""Events that were given up, with everything a person needs to decide what becomes of them.

When an event is given up is decided in `arvo.runtime.retry`; who is told is decided by the app's hooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from arvo.events import Event

__all__ = ["DeadLetter", "DeadLetterReason"]


class DeadLetterReason(StrEnum):
    """Why an event was given up."""

    POISON = "poison"
    """It breaks a contract or a configuration rule; trying again cannot help."""
    EXHAUSTED = "exhausted"
    """Every attempt that the retry policy allows has failed."""
    UNEXPECTED = "unexpected"
    """Something raised an error that no policy retries: a defect in a handler, a sink or a middleware."""
    UNROUTABLE = "unroutable"
    """Nobody here answers to its address."""
    OVERFLOW = "overflow"
    """It was to wait for its domain, and the domain's waiting room is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that nobody works on any more. `handler` is the source that gave it up, None if nobody took it."""

    event: Event[Any]
    handler: str | None
    reason: DeadLetterReason
    error: Exception
    attempts: int
    at: datetime

    def __str__(self) -> str:
        who = f"{self.handler!r} gave up" if self.handler is not None else "Nobody took"
        tried = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        cause = f"{type(self.error).__name__}: {self.error}"
        return f"{who} {self.event.type!r} (id {self.event.id}){tried}, {self.reason}: {cause}"
