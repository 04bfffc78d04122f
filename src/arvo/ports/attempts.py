"""Trying again, as often and as long as the port allows; shared by back ends so that all keep the same budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.ports.clock import Clock

__all__ = ["try_lock", "try_read"]

T = TypeVar("T")

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
