"""What a back end's author hands to the kit: the store, and the means to move its time and to make it fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from arvo.ports.store import Store

__all__ = ["MakeStore", "StoreUnderTest"]


async def _wait_for_real(duration: timedelta) -> None:
    await asyncio.sleep(duration.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUnderTest:
    """One store that starts empty, upgraded and entered.

    `peer` is a second instance on the same tables, as another process would have; the same instance again if there can
    be no other. `span` is the time in which checks count leases and delays, and `let_time_pass` makes the store
    believe that time has passed; by default it really waits, so give such a store a short `span` (one second, say).
    `fail_commits` makes every transaction of `store` fail at its very end while it is entered; without it the checks
    that need it are skipped and reported as skipped.
    """

    store: Store
    peer: Store
    span: timedelta = timedelta(seconds=1)
    let_time_pass: Callable[[timedelta], Awaitable[None]] = _wait_for_real
    fail_commits: Callable[[], AbstractAsyncContextManager[None]] | None = None


MakeStore: TypeAlias = Callable[[], AbstractAsyncContextManager[StoreUnderTest]]
