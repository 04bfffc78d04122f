"""Where new events get their ids and times from: the system, unless a simulation has put something in its place."""

from __future__ import annotations

from contextvars import ContextVar
from time import time_ns
from typing import Protocol

from arvo.events.randomness import random_16_bytes

__all__ = ["Origin", "id_bytes", "now_ns", "use_origin"]


class Origin(Protocol):
    """A source of ids and of time."""

    def id_bytes(self) -> bytes:
        """16 bytes that no other event has."""
        ...

    def now_ns(self) -> int:
        """Nanoseconds since 1970 in UTC."""
        ...


_origin: ContextVar[Origin | None] = ContextVar("arvo_origin", default=None)


def use_origin(origin: Origin) -> None:
    """Have `origin` give the ids and times of events that are made in this context and in those copied from it."""
    _origin.set(origin)


def id_bytes() -> bytes:
    """16 random bytes."""
    origin = _origin.get()
    return random_16_bytes() if origin is None else origin.id_bytes()


def now_ns() -> int:
    """Nanoseconds since 1970 in UTC."""
    origin = _origin.get()
    return time_ns() if origin is None else origin.now_ns()
