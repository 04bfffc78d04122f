"""A clock that a test moves by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["ManualClock"]


class ManualClock:
    """Stands still until it is moved; then it wakes whoever slept long enough, in the order of their times."""

    def __init__(self, start: datetime | None = None) -> None:
        self.start = datetime.now(UTC) if start is None else start
        self._now = self.start
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The time that was moved to, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self._now - self.start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Return when the clock was moved by `seconds`; zero or less lets other tasks run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self.monotonic() + seconds, next(self._order), woken))
        await woken

    def next_wake(self) -> float | None:
        """When, in seconds since the start, the next sleeper is to wake; None when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def move(self, by: timedelta) -> None:
        """Let time pass. Sleepers run once the caller lets them."""
        self._now += by
        while (due := self.next_wake()) is not None and due <= self.monotonic():
            heappop(self._sleepers)[2].set_result(None)
