"""How a worker bears with a store that does not answer: it waits, longer each time, and asks again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.ports import Clock

__all__ = ["Patience"]

T = TypeVar("T")

logger = logging.getLogger("arvo.runtime")

_SHORTEST_SECONDS = 0.05
_LONGEST_SECONDS = 5.0


class Patience:
    """Asks again after a `BackendError`; any other error is a defect and goes through.

    `answered_at` is when the store answered last, on the monotonic clock; None when it never did.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.answered_at: float | None = None

    def answered(self) -> None:
        """Note that the store answered."""
        self.answered_at = self._clock.monotonic()

    async def ask(self, question: str, call: Callable[[], Awaitable[T]]) -> T:
        """The answer to `call`, however long it takes. `question` tells the log what the worker wants."""
        pause = _SHORTEST_SECONDS
        while True:
            try:
                answer = await call()
                self.answered()
                return answer
            except BackendError as error:
                logger.warning(
                    "The store did not %s; the worker asks again in %.2f s. %s", question, pause, error.message
                )
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_SECONDS)
