"""A clock that tests can set forward, for everything that expires."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.ports.clock import SystemClock

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["ShiftableClock"]


class ShiftableClock:
    """Real time plus everything that `let_pass` added: what expires can be tested at once, while sleeps stay real."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._added = timedelta(0)

    async def let_pass(self, duration: timedelta) -> None:
        """Let `duration` have passed. Whoever sleeps already goes on sleeping."""
        self._added += duration

    def now(self) -> datetime:
        """Wall-clock time in UTC, shifted."""
        return self._real.now() + self._added

    def monotonic(self) -> float:
        """Seconds that never go back, shifted."""
        return self._real.monotonic() + self._added.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Sleep in real time."""
        await self._real.sleep(seconds)
