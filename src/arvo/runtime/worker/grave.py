"""Events given up during one claim: as they are stored with its completion, and as the app's hooks see them."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

from arvo.errors import InvalidEvent
from arvo.ports import NewDeadLetter
from arvo.runtime.dead_letters import DeadLetter
from arvo.telemetry import measure_dead_letter

if TYPE_CHECKING:
    from arvo.events import Event
    from arvo.ports import Clock, Delivery
    from arvo.runtime.dead_letters import DeadLetterReason
    from arvo.runtime.hooks import Hooks

__all__ = ["Grave", "described", "report"]

logger = logging.getLogger("arvo.runtime")


class Grave:
    """The dead letters of one address. What is no event at all is stored, but there is no letter to show of it."""

    __slots__ = ("_address", "_clock", "buried", "letters")

    def __init__(self, address: str, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self.buried: list[NewDeadLetter] = []
        self.letters: list[DeadLetter] = []

    def bury(
        self,
        delivery: Delivery,
        reason: DeadLetterReason,
        error: Exception,
        attempts: int,
        event: Event[Any] | None = None,
    ) -> None:
        """Give up the event of `delivery`; it need not be decoded again when it is given."""
        event = event or _decoded(delivery)
        self.buried.append(
            NewDeadLetter(
                handler=self._address,
                event_id=str(delivery.key) if event is None else event.id,
                event_json=delivery.event_json,
                reason=reason.value,
                error=described(error),
                traceback="".join(traceback.format_exception(error)),
                attempts=attempts,
            )
        )
        if event is None:
            logger.error("Dead letter: delivery %s of %r cannot be read.", delivery.key, self._address, exc_info=error)
            return
        letter = DeadLetter(
            event=event, handler=self._address, reason=reason, error=error, attempts=attempts, at=self._clock.now()
        )
        self.letters.append(letter)


async def report(letter: DeadLetter, hooks: Hooks) -> None:
    """Tell everybody of a dead letter that is stored by now."""
    measure_dead_letter(letter.event, handler=letter.handler, reason=letter.reason)
    logger.error("Dead letter: %s", letter, exc_info=letter.error)
    await hooks.report(letter)


def described(error: Exception) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _decoded(delivery: Delivery) -> Event[Any] | None:
    try:
        return delivery.event()
    except InvalidEvent:
        return None
