"""How often and how long back ends try: the numbers behind the promises of the port, the same for all of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from arvo.errors import BackendError, DefinitionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.ports.clock import Clock

__all__ = ["DEFAULT_LOCK_TTL", "lock_seconds", "try_lock", "try_read"]

T = TypeVar("T")

DEFAULT_LOCK_TTL = timedelta(seconds=60)
READ_PAUSES_SECONDS = (0.02, 0.1)
LOCK_PAUSES_SECONDS = (0.01, 0.03, 0.09)


async def try_read(attempt: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """Return what `attempt` returns, trying again twice when the store fails; then its BackendError."""
    for pause in READ_PAUSES_SECONDS:
        try:
            return await attempt()
        except BackendError:
            await clock.sleep(pause)
    return await attempt()


async def try_lock(attempt: Callable[[], Awaitable[bool]], clock: Clock) -> bool:
    """Return True as soon as `attempt` does, False when it never did; a failing store is not tried again."""
    for pause in LOCK_PAUSES_SECONDS:
        if await attempt():
            return True
        await clock.sleep(pause)
    return await attempt()


def lock_seconds(ttl: timedelta) -> float:
    """Return the time to live of locks in seconds, or raise DefinitionError when it is none."""
    if ttl <= timedelta(0):
        raise DefinitionError(
            f"lock_ttl is {ttl}, so every lock would expire at once. Give a time longer than the slowest handler takes."
        )
    return ttl.total_seconds()
