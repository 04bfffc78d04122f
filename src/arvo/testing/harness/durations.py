"""Lengths of time as people write them: `3 days`, `1 h 30 min`, `250ms`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from arvo.errors import DefinitionError

__all__ = ["duration"]

_UNITS: Final = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), timedelta(milliseconds=1)),
    **dict.fromkeys(("s", "sec", "second", "seconds"), timedelta(seconds=1)),
    **dict.fromkeys(("m", "min", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks"), timedelta(weeks=1)),
}
_PART: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]+)", re.IGNORECASE)


def duration(text: str | timedelta) -> timedelta:
    """The length of time; one that is a timedelta already stays what it is, if it is not negative.

    >>> duration("1 h 30 min")
    datetime.timedelta(seconds=5400)
    """
    if isinstance(text, timedelta):
        if text < timedelta(0):
            raise DefinitionError(f"{text} is negative, and time only passes. Give a time of zero or more.")
        return text
    total, position, rest = timedelta(0), 0, text.rstrip()
    while position < len(rest) or not rest:
        part = _PART.match(rest, position)
        unit = None if part is None else _UNITS.get(part[2].lower())
        if part is None or unit is None:
            raise DefinitionError(
                f"{text!r:.60} is not a length of time. Write a number and a unit ({', '.join(sorted(_UNITS))}), like "
                "'3 days' or '1 h 30 min', or give a timedelta."
            )
        total += float(part[1]) * unit
        position = part.end()
    return total
