"""Where time comes from: the port and the real clock. Nothing else in the package asks the system for the time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Time as the rest of the package sees it, so that tests and simulations can move it."""

    def now(self) -> datetime:
        """Wall-clock time, aware and in UTC. Comparable between machines, but may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back. Comparable only within this process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock; zero or less still lets other tasks run."""
        ...


class SystemClock:
    """The machine's own clock."""

    __slots__ = ()

    def now(self) -> datetime:
        """Wall-clock time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(max(seconds, 0))
