"""The time of events that are made here: now, to the millisecond, in the form that all Arvo packages write."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from arvo.events.origin import now_ns

__all__ = ["current_time"]


def current_time() -> str:
    """Now in UTC, like `2024-03-05T06:07:08.090+00:00`."""
    nanoseconds = str(now_ns())
    return f"{_second(nanoseconds[:-9])}.{nanoseconds[-9:-6]}+00:00"


@lru_cache(maxsize=4)
def _second(timestamp: str) -> str:
    return datetime.fromtimestamp(int(timestamp), UTC).isoformat(timespec="seconds")[:19]
