"""The rule of each event attribute (SEMANTICS 1), each as a function from a value to what is wrong with it.

The rules are plain and complete; `event.py` decides when to ask them, and keeps the answers for values seen before.
"""

from __future__ import annotations

import math
import re
from typing import Final

from arvo.events.bounds import MAX_EXTENSION_CHARACTERS
from arvo.events.uri import is_encoded_uri

__all__ = [
    "ARVO_CONTENT_TYPE",
    "is_domain",
    "is_event_type",
    "is_extension_name",
    "is_time",
    "problem_with_content_type",
    "problem_with_domain",
    "problem_with_extension",
    "problem_with_number",
    "problem_with_specversion",
    "problem_with_text",
    "problem_with_time",
    "problem_with_type",
    "problem_with_uri",
]

ARVO_CONTENT_TYPE: Final = "application/cloudevents+json;charset=UTF-8;profile=arvo"
_JSON_MEDIA_TYPES: Final = ("application/cloudevents+json", "application/json")

_event_type = re.compile(r"[a-z0-9]+(?:\.[a-z0-9]+){2,}").fullmatch
_domain = re.compile(r"[a-z0-9]+(?:\.[a-z0-9]+)*").fullmatch
_extension_name = re.compile(r"[a-z0-9]+").fullmatch
_timestamp = re.compile(
    r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})"
).fullmatch


def is_event_type(text: str) -> bool:
    """Whether `text` is three or more segments of lower-case letters and digits, joined by dots."""
    return _event_type(text) is not None


def is_domain(text: str) -> bool:
    """Whether `text` is one or more segments of lower-case letters and digits, joined by dots."""
    return _domain(text) is not None


def is_time(text: str) -> bool:
    """Whether `text` is an RFC 3339 date and time with offset; seconds, and the colon of the offset, may be missing."""
    found = _timestamp(text)
    return found is not None and (found[3] <= "28" or _is_in_calendar(int(found[1]), int(found[2]), int(found[3])))


def is_extension_name(text: str) -> bool:
    """Whether `text` may name an extension attribute: lower-case letters and digits only, says CloudEvents."""
    return _extension_name(text) is not None


def problem_with_text(value: object) -> str | None:
    """Not empty, and well-formed Unicode."""
    if not isinstance(value, str):
        return f"must be a string, not {_kind(value)}"
    if not value:
        return "must not be empty"
    if not value.isascii() and not _is_well_formed(value):
        return f"{_short(value)} holds a lone surrogate, which CloudEvents does not allow in attributes"
    return None


def problem_with_uri(value: object) -> str | None:
    """Not empty, and properly encoded."""
    problem = problem_with_text(value)
    if problem is None and isinstance(value, str) and not is_encoded_uri(value):
        return f"{_short(value)} is not a properly encoded URI; encode_uri() makes one, create_event() applies it"
    return problem


def problem_with_type(value: object) -> str | None:
    """Reverse-DNS style."""
    problem = problem_with_text(value)
    if problem is None and isinstance(value, str) and not is_event_type(value):
        return f"{_short(value)} must be three or more dotted segments of a-z and 0-9, like 'com.card.charge'"
    return problem


def problem_with_domain(value: object) -> str | None:
    """Dotted labels; stricter than the TypeScript packages, which take a lone dot."""
    problem = problem_with_text(value)
    if problem is None and isinstance(value, str) and not is_domain(value):
        return f"{_short(value)} must be dotted segments of a-z and 0-9, like 'human.review'"
    return problem


def problem_with_specversion(value: object) -> str | None:
    """CloudEvents 1.0 is the only one."""
    if value == "1.0":
        return None
    return problem_with_text(value) or f"{_short(str(value))} must be '1.0'"


def problem_with_content_type(value: object) -> str | None:
    """A JSON media type, whatever its parameters; media types ignore case."""
    problem = problem_with_text(value)
    if problem is None and isinstance(value, str):
        media_type = value.partition(";")[0].strip().lower()
        if media_type not in _JSON_MEDIA_TYPES:
            return f"{_short(value)} must be {' or '.join(_JSON_MEDIA_TYPES)}: the data of an event is JSON"
    return problem


def problem_with_time(value: object) -> str | None:
    """A date and time with an offset."""
    problem = problem_with_text(value)
    if problem is None and isinstance(value, str) and not is_time(value):
        return f"{_short(value)} must be a date and time with offset, like '2024-03-05T06:07:08.090+00:00'"
    return problem


def problem_with_number(value: object) -> str | None:
    """Finite, and not a boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"must be a number, not {_kind(value)}"
    # An integer too big for a float is one that no other language reads.
    try:
        return None if math.isfinite(value) else f"{value} is not a finite number"
    except OverflowError:
        return "is too large a number"


def problem_with_extension(value: object) -> str | None:
    """A string, number, boolean or null."""
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return problem_with_number(value) and f"must be a string, finite number, boolean or null, not {_kind(value)}"
    if len(value) > MAX_EXTENSION_CHARACTERS:
        return f"must not be longer than {MAX_EXTENSION_CHARACTERS} characters"
    return None if value == "" else problem_with_text(value)


def _is_in_calendar(year: int, month: int, day: int) -> bool:
    if month == 2:
        return day <= 28 or (day == 29 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
    return day <= 30 or month not in (4, 6, 9, 11)


def _is_well_formed(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    return "null" if value is None else f"{type(value).__name__} {_short(repr(value))}"


def _short(text: str) -> str:
    return ascii(text if len(text) <= 80 else f"{text[:77]}...")
