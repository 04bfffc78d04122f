"""What a consumer has asked the server for at one address, and how many messages of it are in hand."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from nats.aio.msg import Msg

__all__ = ["Pull"]

_EXPIRES_SECONDS: Final = 20.0
_GRACE_SECONDS: Final = 5.0
"""After so long without the server's word that a request has expired, the request is taken for lost."""


class Pull:
    """One address. At most one request is open at a time; it never asks for more than may be in hand."""

    __slots__ = ("_asked", "_limit", "_number", "_open_until", "arrived", "held", "subject")

    def __init__(self, subject: str, limit: int) -> None:
        self.subject = subject
        self.arrived: deque[tuple[float, Msg]] = deque()
        """What has come and was not given out yet, with the time at which it came or was last extended."""
        self.held = 0
        """How many were given out and are not settled."""
        self._limit = limit
        self._asked = 0
        self._number = 0
        self._open_until = 0.0

    def next_request(self, now: float) -> tuple[int, bytes] | None:
        """A number and what to ask for, if it is time to ask."""
        if self._asked and now < self._open_until:
            return None
        free = self._limit - self.held - len(self.arrived)
        # Not for each message that was settled, unless nothing is left to give out.
        if free < 1 or (self.arrived and free * 4 < self._limit):
            return None
        self._asked = free
        self._number += 1
        self._open_until = now + _EXPIRES_SECONDS + _GRACE_SECONDS
        return self._number, msgspec.json.encode({"batch": free, "expires": int(_EXPIRES_SECONDS * 1e9)})

    def arrive(self, message: Msg) -> None:
        """A message came."""
        self._asked = max(0, self._asked - 1)
        self.arrived.append((time.monotonic(), message))

    def ended(self, number: int) -> None:
        """The server says that a request is over."""
        if number == self._number:
            self._asked = 0

    def forget(self) -> None:
        """The server knows nothing of a request any more."""
        self._asked = 0
