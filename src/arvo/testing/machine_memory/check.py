"""One check: a promise with a name, the code that tries to break it, and how its failure reads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import SkipTest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.ports.machine_memory import MachineMemory
    from arvo.testing.machine_memory.under_test import MakeMemory, MemoryUnderTest, StoreFaults

__all__ = ["Check", "PromiseBrokenError", "check_of", "faults_of", "peer_of", "require"]


class PromiseBrokenError(AssertionError):
    """The memory under test does not keep a promise of the port; the message says which and what was seen."""


def require(condition: bool, seen: str) -> None:
    """Raise PromiseBrokenError telling what was `seen` unless the condition holds."""
    if not condition:
        raise PromiseBrokenError(seen)


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of `MachineMemory`, runnable against any memory."""

    name: str
    promise: str
    attempt: Callable[[MemoryUnderTest], Awaitable[None]]
    limit_seconds: float = 30

    def __str__(self) -> str:
        return self.name

    async def run(self, make: MakeMemory) -> None:
        """Run against a fresh memory: PromiseBrokenError when broken, `unittest.SkipTest` when it cannot be checked."""
        async with make() as subject:
            try:
                async with asyncio.timeout(self.limit_seconds):
                    await self.attempt(subject)
            except SkipTest:
                raise
            except PromiseBrokenError as broken:
                raise PromiseBrokenError(self._describe(str(broken))) from broken.__cause__
            except TimeoutError as late:
                raise PromiseBrokenError(self._describe(f"it did not finish within {self.limit_seconds} s")) from late
            except Exception as unexpected:
                seen = f"it raised {type(unexpected).__name__}: {unexpected}"
                raise PromiseBrokenError(self._describe(seen)) from unexpected

    def _describe(self, seen: str) -> str:
        return f"{self.name}: {self.promise} But {seen}."


def check_of(attempt: Callable[[MemoryUnderTest], Awaitable[None]]) -> Check:
    """Make a check of a function: its name is the check's, the first line of its docstring the promise."""
    promise = (attempt.__doc__ or "").strip().splitlines()[0]
    return Check(attempt.__name__, promise, attempt)


def faults_of(subject: MemoryUnderTest) -> StoreFaults:
    """Return the means to break the store, or skip the check that asks for them."""
    if subject.faults is None:
        raise SkipTest("the check needs MemoryUnderTest.faults, which was not given")
    return subject.faults


def peer_of(subject: MemoryUnderTest) -> MachineMemory:
    """Return the second memory on the same store, or skip the check that asks for it."""
    if subject.peer is None:
        raise SkipTest("the check needs MemoryUnderTest.peer, which was not given")
    return subject.peer
