"""Keeps the messages that a consumer has given out, for as long as the work on them takes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from arvo.errors import BackendError

if TYPE_CHECKING:
    from arvo.ports import Clock
    from arvo.ports.broker import MessageConsumer, ReceivedMessage

__all__ = ["Holding"]

logger = logging.getLogger("arvo.runtime")


class Holding:
    """The messages in hand; `run` extends all of them until it is cancelled."""

    def __init__(self, consumer: MessageConsumer, clock: Clock) -> None:
        self._consumer = consumer
        self._clock = clock
        self.messages: set[ReceivedMessage] = set()

    async def run(self) -> None:
        """Extend before half of the time is over, so that one failure costs nothing."""
        while (hold := self._consumer.hold) is not None:
            await self._clock.sleep(hold.total_seconds() / 3)
            try:
                await self._consumer.extend(tuple(self.messages))
            except BackendError as error:
                logger.warning("The messages in hand could not be kept; others may get them. %s", error.message)
