"""How simulated workers hear of work: a notification that takes its time, and in the end a poll."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from arvo.testing.simulation.loop import SimulatedLoop
    from arvo.testing.simulation.machine import Machine

__all__ = ["Exchange"]

_LONGEST_NOTIFICATION_SECONDS = 0.02
_SHORTEST_POLL_SECONDS = 0.001


class Exchange:
    """Wakes those who wait for work. `next_due` says after how many seconds there may be some unannounced."""

    def __init__(self, loop: SimulatedLoop, next_due: Callable[[], float]) -> None:
        self._loop = loop
        self._next_due = next_due
        self._waiting: dict[Machine, asyncio.Future[None]] = {}

    async def wait(self, machine: Machine, at_most: float) -> None:
        """Return when there may be work, or after so many seconds."""
        woken: asyncio.Future[None] = self._loop.create_future()
        self._waiting[machine] = woken
        pause = max(_SHORTEST_POLL_SECONDS, min(at_most, self._next_due()))
        poll = self._loop.call_later(pause, _wake, woken, context=Context())
        try:
            await woken
        finally:
            poll.cancel()
            self._waiting.pop(machine, None)

    def stir(self) -> None:
        """Something was stored."""
        waiting, self._waiting = self._waiting, {}
        for machine, woken in waiting.items():
            delay = machine.place.chance("notification").share() * _LONGEST_NOTIFICATION_SECONDS
            self._loop.call_later(delay, _wake, woken, context=Context())


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
