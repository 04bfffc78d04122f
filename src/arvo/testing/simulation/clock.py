"""Time as the simulated processes see it: that of the simulated loop, and each may be wrong about the date."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from arvo.testing.simulation.loop import SimulatedLoop

__all__ = ["EPOCH", "SimulatedClock"]

EPOCH: Final = datetime(2030, 1, 1, tzinfo=UTC)
"""When every simulation begins."""
_EPOCH_NS: Final = int(EPOCH.timestamp()) * 10**9


class SimulatedClock:
    """A `Clock` on simulated time. `ahead_seconds` is how much its date is wrong; what it measures is right."""

    __slots__ = ("_loop", "_shown", "_shown_at", "ahead_seconds")

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self.ahead_seconds = 0.0
        self._shown = EPOCH
        self._shown_at = 0.0

    def now(self) -> datetime:
        """The date and time that this clock shows."""
        at = self._loop.time() + self.ahead_seconds
        if at != self._shown_at:
            # Asked for several times in most moments.
            self._shown, self._shown_at = EPOCH + timedelta(seconds=at), at
        return self._shown

    def now_ns(self) -> int:
        """The same in nanoseconds since 1970."""
        return _EPOCH_NS + int((self._loop.time() + self.ahead_seconds) * 1e6) * 1000

    def monotonic(self) -> float:
        """Seconds since the simulation began."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Sleep in simulated time."""
        await asyncio.sleep(max(seconds, 0))
