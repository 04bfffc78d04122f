"""What all conformance kits share: checks of one promise each, and the runner that reports every broken one at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar
from unittest import SkipTest

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Check", "Make", "PromiseBrokenError", "Report", "check_of", "require", "run_checks"]

Subject = TypeVar("Subject")

Make: TypeAlias = Callable[[], AbstractAsyncContextManager[Subject]]
"""Makes what is under test, afresh and empty."""


class PromiseBrokenError(AssertionError):
    """What is under test does not keep a promise of its port; the message says which and what was seen."""


def require(condition: bool, seen: str) -> None:
    """Raise PromiseBrokenError telling what was `seen` unless the condition holds."""
    if not condition:
        raise PromiseBrokenError(seen)


@dataclass(frozen=True)
class Check(Generic[Subject]):
    """One promise of a port, runnable against any back end."""

    name: str
    promise: str
    attempt: Callable[[Subject], Awaitable[None]]
    limit_seconds: float = 30

    def __str__(self) -> str:
        return self.name

    async def run(self, make: Make[Subject]) -> None:
        """Run afresh: PromiseBrokenError when the promise is broken, `unittest.SkipTest` when it cannot be checked."""
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


def check_of(attempt: Callable[[Subject], Awaitable[None]]) -> Check[Subject]:
    """Make a check of a function: its name is the check's, the first line of its docstring the promise."""
    promise = (attempt.__doc__ or "").strip().splitlines()[0]
    return Check(attempt.__name__, promise, attempt)


@dataclass(frozen=True)
class Report(Generic[Subject]):
    """Which promises were checked and kept, and which could not be checked."""

    kept: tuple[Check[Subject], ...]
    skipped: tuple[Check[Subject], ...]


async def run_checks(port: str, make: Make[Subject], checks: Iterable[Check[Subject]]) -> Report[Subject]:
    """Run every check, each on a subject freshly made; an ExceptionGroup holds all broken promises of `port`."""
    kept: list[Check[Subject]] = []
    skipped: list[Check[Subject]] = []
    broken: list[PromiseBrokenError] = []
    for check in checks:
        try:
            await check.run(make)
        except SkipTest:
            skipped.append(check)
        except PromiseBrokenError as error:
            broken.append(error)
        else:
            kept.append(check)
    if broken:
        raise ExceptionGroup(f"{len(broken)} of the promises of {port} are broken", broken)
    return Report(tuple(kept), tuple(skipped))
