"""How many events a handler may begin in a stretch of time: the limit, and the bucket of tokens that keeps to it.

Pure arithmetic on times that it is given; the broker and the worker wait.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from math import floor, inf

from arvo.errors import DefinitionError

__all__ = ["RateLimit", "TokenBucket"]

_STRETCH_SECONDS = 0.05
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Events that a handler may begin: at most `limit` in every `per`, evenly spread.

        Subscription(charge_card, rate_limit=RateLimit(100, per=timedelta(seconds=1)))

    After a quiet time up to `burst` of them begin together, by default as many as belong into a twentieth of a second,
    at least one. So no stretch of time has more than belong into it, and `burst`. Each attempt counts. The limit holds
    for one process: with four workers, give each a quarter.
    """

    limit: int
    _: KW_ONLY
    per: timedelta = timedelta(seconds=1)
    burst: int | None = None

    def __post_init__(self) -> None:
        for broken, wrong in (
            (self.limit < 1, f"limit={self.limit}: no event could ever be handled. Give it 1 or more"),
            (self.per <= timedelta(0), f"per={self.per}: give it a time above zero"),
            (self.burst is not None and self.burst < 1, f"burst={self.burst}: give it 1 or more, or leave it out"),
        ):
            if broken:
                raise DefinitionError(f"A rate limit cannot have {wrong}.")

    @property
    def interval_seconds(self) -> float:
        """The time that belongs to one event."""
        return self.per.total_seconds() / self.limit

    @property
    def together(self) -> int:
        """How many may begin together."""
        return max(1, floor(_STRETCH_SECONDS / self.interval_seconds)) if self.burst is None else self.burst


class TokenBucket:
    """One token for each event, a new one every interval, as many at once as may begin together; it begins full.

    All times are seconds of one monotonic clock.
    """

    __slots__ = ("_full_at", "_interval", "_size")

    def __init__(self, rate: RateLimit) -> None:
        self._interval = rate.interval_seconds
        self._size = rate.together
        self._full_at = -inf

    def available(self, now: float) -> int:
        """How many tokens there are."""
        missing = max(self._full_at - now, 0.0) / self._interval
        return max(0, floor(self._size - missing + _ROUNDING))

    def wait(self, now: float) -> float:
        """In how many seconds there is one."""
        return max(0.0, self._full_at - now - (self._size - 1) * self._interval)

    def take(self, now: float, tokens: int = 1) -> None:
        """Take tokens out; what is not there yet is taken from what is to come, and others wait for longer."""
        self._full_at = max(self._full_at, now) + tokens * self._interval

    def give_back(self, tokens: int) -> None:
        """Undo a part of what was taken."""
        self._full_at -= tokens * self._interval
