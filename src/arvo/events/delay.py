"""How an event says that it is to be delivered later: by an extension, which whoever holds it back takes off it.

An event that has arrived carries none, so nobody holds it back twice. Who holds it back: the runtime, or its store.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import UNSET

from arvo.errors import InvalidEvent, Issue
from arvo.events.envelope import held_extensions

if TYPE_CHECKING:
    from arvo.events.event import Event

__all__ = ["DELIVER_AFTER", "LONGEST_DELAY", "delayed", "split_delay"]

D = TypeVar("D")

DELIVER_AFTER: Final = "deliverafter"
"""The extension: how many milliseconds after it was sent the event is to arrive."""

LONGEST_DELAY: Final = timedelta(days=36_525)
"""A hundred years: what is to come later than that is a mistake."""

_MILLISECOND: Final = timedelta(milliseconds=1)


def delayed(event: Event[D], after: timedelta) -> Event[D]:
    """The event, to be delivered `after` it is sent. Raises InvalidEvent for a negative time or over 100 years."""
    if not isinstance(after, timedelta) or not timedelta(0) <= after <= LONGEST_DELAY:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _refused(event, f"{after!r:.80} is not a timedelta between zero and a hundred years")
    return event.replace(extensions={**event.extensions, DELIVER_AFTER: after / _MILLISECOND})


def split_delay(event: Event[D]) -> tuple[Event[D], timedelta | None]:
    """The event as it is to arrive, and after what time; None when it asks for none.

    Raises InvalidEvent when it asks for what cannot be: no number, a negative one, more than a hundred years.
    """
    if held_extensions(event) is UNSET or DELIVER_AFTER not in event.extensions:
        return event, None
    others = dict(event.extensions)
    asked = others.pop(DELIVER_AFTER)
    if asked is None:
        return event.replace(extensions=others), None
    longest = LONGEST_DELAY / _MILLISECOND
    # Written so that NaN, which no comparison holds for, is refused too.
    if isinstance(asked, bool | str) or not 0 <= asked <= longest:
        raise _refused(event, f"{asked!r:.40} is not a number of milliseconds from 0 to {longest:.0f}")
    return event.replace(extensions=others), asked * _MILLISECOND


def _refused(event: Event[Any], why: str) -> InvalidEvent:
    message = f"{why}, so event {event.id!r} cannot be delivered after that. Correct the delay, or leave it out."
    return InvalidEvent(message, issues=[Issue((DELIVER_AFTER,), why, "delay")])
