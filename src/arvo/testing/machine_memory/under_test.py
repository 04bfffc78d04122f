"""What a back end's author hands to the kit: the memory, and the means to move its time and to break its store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import timedelta

    from arvo.ports.machine_memory import MachineMemory

__all__ = ["MakeMemory", "MemoryUnderTest", "StoreFaults"]


class StoreFaults:
    """Makes the store under a memory fail on demand.

    Call `strike` wherever the memory reaches its store, in a wrapper around the driver for instance. It counts every
    access and raises what `error` makes (an exception of the driver, as an unreachable store would give) when told to.
    """

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error
        self._left = 0
        self.accesses = 0

    def fail_next(self, times: int) -> None:
        """Let the next `times` accesses fail and start counting accesses from zero."""
        self._left = times
        self.accesses = 0

    def heal(self) -> None:
        """Let accesses succeed again."""
        self._left = 0

    def strike(self) -> None:
        """Count one access and fail it when it is due to."""
        self.accesses += 1
        if self._left > 0:
            self._left -= 1
            raise self._error()


async def _wait_for_real(duration: timedelta) -> None:
    await asyncio.sleep(duration.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUnderTest:
    """One memory over a store of its own that starts empty.

    `lock_ttl` is the time to live of its locks. `let_time_pass` makes the memory believe that time has passed; by
    default it really waits, so give such a memory a short `lock_ttl` (one second, say). `peer` is a second memory on
    the same store, as another process would have; `faults` breaks the store. Checks that need what is not given are
    skipped and reported as skipped.
    """

    memory: MachineMemory
    lock_ttl: timedelta
    let_time_pass: Callable[[timedelta], Awaitable[None]] = _wait_for_real
    peer: MachineMemory | None = None
    faults: StoreFaults | None = None


MakeMemory: TypeAlias = Callable[[], AbstractAsyncContextManager[MemoryUnderTest]]
