"""What of a worker and its store is gauged for OpenTelemetry, now and then and only when somebody collects it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from arvo.errors import BackendError
from arvo.telemetry import gauge_lanes, gauge_queue, gauge_store, is_measured

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from arvo.ports import Clock, QueueStatus, StoreInspection
    from arvo.runtime.worker.hands import Hands

__all__ = ["Gauges"]

logger = logging.getLogger("arvo.runtime")

_PAUSE_FOR_LOOK = 20
"""Looking takes at most one twentieth of the time, however much is in the store."""


class Gauges:
    """The gauges of one worker; `run` is their task, so that a store that takes long to look holds nothing up."""

    def __init__(self, store: StoreInspection, hands: Hands, clock: Clock) -> None:
        self._store = store
        self._hands = hands
        self._clock = clock
        self._next_look = 0.0
        self._queues: set[str] = set()
        self._domains: set[str] = set()

    async def run(self, every: timedelta) -> None:
        """Gauge until cancelled."""
        while True:
            await self.observe()
            await self._clock.sleep(every.total_seconds())

    async def observe(self) -> None:
        """Gauge everything, unless nobody wants to know or the store was looked through a moment ago."""
        if not is_measured():
            return
        for address, lanes in self._hands.by_address().items():
            gauge_lanes(handler=address, lanes=lanes)
        started = self._clock.monotonic()
        if started < self._next_look:
            return
        try:
            queues, counts = await self._store.queues(), await self._store.counts()
        except BackendError as error:
            logger.warning("The queues could not be gauged. %s", error.message)
            return
        self._next_look = self._clock.monotonic() + (self._clock.monotonic() - started) * _PAUSE_FOR_LOOK
        self._gauge(queues)
        # What has become empty is no longer told of by the store.
        waiting = {**dict.fromkeys(self._domains, 0), **counts.waiting}
        self._domains = set(counts.waiting)
        gauge_store(dead_letters=counts.dead_letters, waiting=waiting)

    def _gauge(self, queues: Sequence[QueueStatus]) -> None:
        for queue in queues:
            age = queue.oldest.total_seconds()
            gauge_queue(handler=queue.handler, events=queue.deliveries, timers=queue.timers, age_seconds=age)
        found = {queue.handler for queue in queues}
        for handler in self._queues - found:
            gauge_queue(handler=handler, events=0, timers=0, age_seconds=0)
        self._queues = found
