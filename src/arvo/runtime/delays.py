"""When events are to arrive: what publishers say, and what the events that a handler returned say themselves.

Who holds them back is the broker's timetable, or a store.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from arvo.errors import DefinitionError, InvalidEvent
from arvo.events import delayed, split_delay
from arvo.runtime.attempt import Failure, Success

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from arvo.events import Event
    from arvo.runtime.retry import RetryPolicy

__all__ = ["Emitted", "emitted", "held_back"]

Emitted: TypeAlias = "tuple[Event[Any], timedelta | None]"
"""An event as it is to arrive, and how long after it was emitted; None is at once."""


def held_back(
    event: Event[Any], deliver_at: datetime | timedelta | None
) -> tuple[Event[Any], datetime | timedelta | None]:
    """An event to be published, as it is to arrive, and when: `deliver_at` if given, else what the event asks for."""
    if isinstance(deliver_at, datetime):
        if deliver_at.tzinfo is None:
            raise DefinitionError(f"deliver_at={deliver_at!r} has no time zone, so it is no point in time. Add one.")
        return split_delay(event)[0], deliver_at
    return split_delay(event if deliver_at is None else delayed(event, deliver_at))


def emitted(outcome: Success | Failure, *, number: int, retry: RetryPolicy) -> Failure | Sequence[Emitted]:
    """What is to be done after attempt number `number`; a delay that cannot be is a failure of who asked for it."""
    if isinstance(outcome, Failure):
        return outcome
    try:
        return [split_delay(event) for event in outcome.outputs]
    except InvalidEvent as error:
        return Failure(error, retry.decide(number, error))
