"""How the back ends let those who wait for work know of work that was stored through the same instance."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arvo.ports.clock import Clock

__all__ = ["Bell"]


class Bell:
    """Wakes everybody who waits. Belongs to one event loop."""

    __slots__ = ("_waiting", "rings")

    def __init__(self) -> None:
        self.rings = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake everybody."""
        self.rings += 1
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait(self, seconds: float, clock: Clock, *, heard: int) -> None:
        """Return after `seconds`, or as soon as it has rung more than `heard` times.

        Note `rings` before looking for work, and no ring is missed between looking and waiting.
        """
        if self.rings != heard or seconds <= 0:
            return
        rung: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(rung)
        sleeping = asyncio.ensure_future(clock.sleep(seconds))
        try:
            await asyncio.wait((rung, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.discard(rung)
            sleeping.cancel()
