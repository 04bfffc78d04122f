"""A clock that tests can set forward; it never waits less than real time for sleepers already waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.ports.clock import SystemClock

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["ShiftableClock"]


class ShiftableClock:
    """Real time plus everything that `advance` added: expiry can be tested at once, while back-off stays real."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._added = timedelta(0)

    def advance(self, duration: timedelta) -> None:
        """Let `duration` have passed."""
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
