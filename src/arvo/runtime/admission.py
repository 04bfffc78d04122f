"""Credits that keep publishers from running ahead of a handler: first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Admission"]


class Admission:
    """A fixed number of credits; `enter` waits for one, `leave` hands it to whoever has waited longest."""

    __slots__ = ("_free", "_refusal", "_waiting")

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._refusal: Callable[[], Exception] | None = None

    async def enter(self) -> None:
        """Take a credit, waiting while there is none. Raises once `close` was called."""
        if self._refusal is not None:
            raise self._refusal()
        if self._free and not self._waiting:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # The credit may have been granted in the very moment in which its taker was cancelled.
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()
            raise

    def leave(self) -> None:
        """Give a credit back."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def close(self, refusal: Callable[[], Exception]) -> None:
        """Turn everybody away with an error from `refusal`, those who wait already included."""
        self._refusal = refusal
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(refusal())
