"""A clock that tests can set forward, for everything that expires or is due later."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.ports.clock import SystemClock

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["ShiftableClock"]


class ShiftableClock:
    """Real time plus everything that `let_pass` added: what expires, or is due later, can be tested at once."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._added = timedelta(0)
        self._sleepers: set[asyncio.Future[None]] = set()

    async def let_pass(self, duration: timedelta) -> None:
        """Let `duration` have passed. Whoever sleeps wakes up if his time has come."""
        self._added += duration
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        await self._real.sleep(0)

    def now(self) -> datetime:
        """Wall-clock time in UTC, shifted."""
        return self._real.now() + self._added

    def monotonic(self) -> float:
        """Seconds that never go back, shifted."""
        return self._real.monotonic() + self._added.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Sleep until so much time has passed, really or by `let_pass`."""
        due = self.monotonic() + seconds
        await self._real.sleep(0)
        while (left := due - self.monotonic()) > 0:
            shifted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._sleepers.add(shifted)
            try:
                await asyncio.wait((shifted,), timeout=left)
            finally:
                self._sleepers.discard(shifted)
