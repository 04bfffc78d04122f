"""Keeps the claims of a worker whose handlers take long, and stops the work on those that were lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from arvo.errors import BackendError

if TYPE_CHECKING:
    from datetime import timedelta

    from arvo.ports import Clock, WorkStore
    from arvo.runtime.worker.hands import Hands

__all__ = ["Leases"]

logger = logging.getLogger("arvo.runtime")


class Leases:
    """Renews every lease before half of it is over, so that one failing call to the store does not cost a claim."""

    def __init__(self, store: WorkStore, hands: Hands, lease: timedelta, clock: Clock) -> None:
        self._store = store
        self._hands = hands
        self._lease = lease
        self._clock = clock

    async def run(self) -> None:
        """Renew until cancelled."""
        quarter = self._lease.total_seconds() / 4
        while True:
            await self._clock.sleep(quarter)
            try:
                await self._renew(older_than=quarter)
            except BackendError as error:
                logger.warning("The leases of lanes in hand could not be renewed. %s", error.message)

    async def _renew(self, *, older_than: float) -> None:
        now = self._clock.monotonic()
        aging = [hand for hand in self._hands if now - hand.secured_at >= older_than and not hand.lost]
        if not aging:
            return
        lost = await self._store.renew([hand.claim for hand in aging], self._lease)
        for hand in aging:
            hand.secured_at = now
        for claim in lost:
            loser = self._hands.of(claim)
            # What is only waiting to be stored may have been stored in this very moment; the store knows.
            if loser is None or loser.task is None:
                continue
            logger.warning(
                "The claim on a lane of %r was lost while it was worked on; the work is stopped, and others do it.",
                claim.handler,
            )
            loser.lost = True
            loser.task.cancel()
