"""How an input ended, in one word that decides the exit code, and the event or reason behind it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from arvo.cli.log_notes import place_in_user_code
from arvo.errors import ArvoError, BackendError
from arvo.orchestration import Ignored
from arvo.runtime import UnansweredError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from arvo.events import Event
    from arvo.ports import MachineMemory
    from arvo.runtime import DeadLetter

__all__ = ["Ending", "Outcome", "answered", "ignored", "is_system_error", "unanswered"]


class Ending(StrEnum):
    """The ways in which an input ends."""

    ANSWERED = "answered"
    """It came to an event for whoever began it."""
    WAITING = "waiting"
    """Something of it waits for an answer from another domain."""
    QUIET = "no answer"
    """Everything that took part is done, and nobody addressed the source."""
    IGNORED = "ignored"
    """Its workflow has taken it before, or is over."""
    UNFINISHED = "not done"
    """Its workflow has taken it in an earlier run, and nothing in this one carries it on."""
    SYSTEM_ERROR = "system error"
    """It came back as a system error: something broke that nobody had planned for."""
    FAILED = "failed"
    """Something of it was given up."""

    @property
    def good(self) -> bool:
        """Whether the input ended as its authors meant inputs to end."""
        return self not in (Ending.UNFINISHED, Ending.SYSTEM_ERROR, Ending.FAILED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An ending with its evidence."""

    ending: Ending
    answer: Event[Any] | None = None
    reason: str = ""
    letter: DeadLetter | None = None
    """The first event that was given up, if that is the reason."""

    @property
    def title(self) -> str:
        """What a summary counts it under."""
        if self.answer is not None:
            return self.answer.type
        return str(self) if self.ending in (Ending.IGNORED, Ending.UNFINISHED) else self.ending.value

    def __str__(self) -> str:
        return f"{self.ending}: {self.reason}" if self.reason else self.ending.value


def answered(answer: Event[Any]) -> Outcome:
    """The outcome of an input that was answered."""
    return Outcome(Ending.SYSTEM_ERROR if is_system_error(answer.type) else Ending.ANSWERED, answer)


def is_system_error(event_type: str) -> bool:
    """Whether events of this type tell of something that nobody had planned for."""
    return event_type.startswith("sys.") and event_type.endswith(".error")


def unanswered(error: ArvoError, sent_away: Event[Any] | None) -> Outcome:
    """The outcome of an input for which `resolve` raised this; `sent_away` is what last left the app because of it."""
    if not isinstance(error, UnansweredError):
        return Outcome(Ending.FAILED, reason=str(error))
    if error.dead_letters:
        letter = error.dead_letters[0]
        return Outcome(Ending.FAILED, reason=f"{letter}{place_in_user_code(letter.error)}", letter=letter)
    if error.waiting or error.handed_over:
        domains = sorted({str(event.domain) for event in (*error.waiting, *error.handed_over)})
        return Outcome(Ending.WAITING, reason=f"for an answer from domain {', '.join(domains)}")
    # Not to the source of this input: it was itself an answer, and the process that it belongs to has ended.
    return Outcome(Ending.QUIET) if sent_away is None else answered(sent_away)


async def ignored(event: Event[Any], why: Ignored, memory: MachineMemory) -> Outcome:
    """The outcome of an input that its workflow ignored."""
    if why in (Ignored.ENDED, Ignored.FAILED):
        return Outcome(Ending.IGNORED, reason=why)
    if why is not Ignored.DUPLICATE:
        return Outcome(Ending.FAILED, reason=f"it was ignored, because {why}")
    try:
        calls = await _latest_calls(event, memory)
    except BackendError as error:
        return Outcome(Ending.FAILED, reason=f"{why}, and what became of its workflow cannot be read: {error}")
    domains = sorted({call["domain"] for call in calls if call.get("domain") is not None})
    if domains:
        return Outcome(Ending.IGNORED, reason=f"{why}, and its workflow waits for domain {', '.join(domains)}")
    return Outcome(Ending.UNFINISHED, reason=f"{why}, and its workflow has not come to an end")


async def _latest_calls(event: Event[Any], memory: MachineMemory) -> Sequence[Mapping[str, Any]]:
    """The calls that the latest step of the event's workflow made."""
    record = await memory.read(event.subject)
    calls: Sequence[Mapping[str, Any]] = [] if record is None else record["events"]["produced"]
    return calls
