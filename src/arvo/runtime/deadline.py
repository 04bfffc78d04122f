"""A time limit that runs on the injected clock, so that simulated time can make it pass."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import timedelta

    from arvo.ports import Clock

__all__ = ["deadline"]


@asynccontextmanager
async def deadline(clock: Clock, limit: timedelta | None, group: asyncio.TaskGroup) -> AsyncGenerator[None]:
    """Cancel the body and raise `TimeoutError` when `limit` has passed on `clock`; None is no limit.

    The timer is a task of `group`.
    """
    if limit is None:
        yield
        return
    async with asyncio.timeout(None) as scope:
        timer = group.create_task(_expire(scope, clock, limit))
        try:
            yield
        finally:
            timer.cancel()


async def _expire(scope: asyncio.Timeout, clock: Clock, limit: timedelta) -> None:
    await clock.sleep(limit.total_seconds())
    scope.reschedule(asyncio.get_running_loop().time())
