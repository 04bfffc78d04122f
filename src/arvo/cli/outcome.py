"""How an input ended, in one word that decides the exit code, and the event or error behind it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from arvo.runtime import UnansweredError

if TYPE_CHECKING:
    from arvo.events import Event

__all__ = ["Ending", "Outcome", "answered", "unanswered"]


class Ending(StrEnum):
    """The ways in which an input ends."""

    ANSWERED = "answered"
    WAITING = "waiting"
    """Something of it waits for an answer from another domain."""
    QUIET = "no answer"
    """Everything that took part is done, and nobody addressed the source."""
    SYSTEM_ERROR = "system error"
    """It came back as a system error: something broke that nobody had planned for."""
    FAILED = "failed"
    """Something of it was given up."""

    @property
    def good(self) -> bool:
        """Whether the input ended as its authors meant inputs to end."""
        return self in (Ending.ANSWERED, Ending.WAITING, Ending.QUIET)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An ending with its evidence."""

    ending: Ending
    answer: Event[Any] | None = None
    reason: str = ""

    @property
    def title(self) -> str:
        """What a summary counts it under."""
        return self.answer.type if self.answer is not None else self.ending.value


def answered(answer: Event[Any]) -> Outcome:
    """The outcome of an input that was answered."""
    broken = answer.type.startswith("sys.") and answer.type.endswith(".error")
    return Outcome(Ending.SYSTEM_ERROR if broken else Ending.ANSWERED, answer)


def unanswered(error: Exception) -> Outcome:
    """The outcome of an input for which `resolve` or `publish` raised this."""
    if isinstance(error, UnansweredError) and not error.dead_letters:
        if error.waiting or error.handed_over:
            domains = sorted({str(event.domain) for event in (*error.waiting, *error.handed_over)})
            return Outcome(Ending.WAITING, reason=f"for domain {', '.join(domains)}")
        return Outcome(Ending.QUIET)
    return Outcome(Ending.FAILED, reason=str(error))
