"""A worker's store and handlers with a death built in, at a boundary of a delivery that is chosen beforehand.

Nothing of a dead worker reaches the store any more, as after a `kill -9`: not even what it does to clean up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

import pytest

from arvo.errors import BackendError
from arvo.ports import FinishOutcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import timedelta
    from uuid import UUID

    from arvo.events import Event
    from arvo.ports import Claim, Completion, Store
    from arvo.runtime import Execute

__all__ = ["BOUNDARIES", "Boundary", "Killed", "Life", "OneByOne"]

Boundary: TypeAlias = Literal[
    "before the claim",
    "after the claim",
    "before the handler",
    "after the handler",
    "before the commit",
    "in the commit",
    "after the commit",
]
BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)

Both: TypeAlias = "tuple[Sequence[FinishOutcome], Sequence[Claim]]"

_ALL = 10_000


class Killed(BaseException):
    """What the death of the process looks like from inside."""


class Life:
    """Counts the boundaries that are passed, and ends at number `last`, if that is given."""

    def __init__(self, last: int | None = None) -> None:
        self.passed: list[Boundary] = []
        self.dead = False
        self._last = last

    def is_at(self, boundary: Boundary) -> bool:
        """Pass a boundary, and say whether it is the one to die at."""
        self.breathe()
        self.passed.append(boundary)
        return len(self.passed) - 1 == self._last

    def end(self) -> Killed:
        """Die."""
        self.dead = True
        return Killed(self.passed[-1])

    def breathe(self) -> None:
        """Go on, unless dead."""
        if self.dead:
            raise Killed

    async def around_handlers(self, event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        """A middleware that dies on either side of the handler."""
        if self.is_at("before the handler"):
            raise self.end()
        outputs = await call_next(event)
        if self.is_at("after the handler"):
            raise self.end()
        return outputs


class OneByOne:
    """A store that gives out one delivery at a time, always the one that arrived first: so all runs are the same run.

    `fail_commits` makes commits of the store fail; a store that has no commits is never left in one.
    """

    def __init__(
        self, store: Store, life: Life, fail_commits: Callable[[], AbstractAsyncContextManager[None]] | None
    ) -> None:
        self.produced: Counter[tuple[str, str]] = Counter()
        """Every event that was stored, by handler and id, and how often."""
        self.went_on = 0
        """How often the worker went on at once with what it had produced."""
        self.idle = asyncio.Event()
        """Set when everything was finished that could be claimed."""
        self._store = store
        self._life = life
        self._fail_commits = fail_commits
        self._finished = asyncio.Event()
        self._finished.set()

    def as_store(self) -> Store:
        """The store as the worker sees it."""
        return cast("Store", self)

    def __getattr__(self, name: str) -> Any:
        self._life.breathe()
        return getattr(self._store, name)

    async def claim(
        self, worker: str, handlers: Mapping[str, int], *, lanes: int, deliveries_per_lane: int, lease: timedelta
    ) -> Sequence[Claim]:
        self._life.breathe()
        await self._finished.wait()
        everything = dict.fromkeys(handlers, _ALL)
        claims = await self._store.claim(
            worker, everything, lanes=_ALL * lanes, deliveries_per_lane=min(deliveries_per_lane, 1), lease=lease
        )
        if not claims:
            self.idle.set()
            return []
        self.idle.clear()
        first = min(claims, key=lambda claim: claim.deliveries[0].number)
        dies = self._life.is_at("before the claim")
        await self._store.release([claim for claim in claims if dies or claim is not first])
        if dies or self._life.is_at("after the claim"):
            raise self._life.end()
        self._finished.clear()
        return [first]

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        outcomes, _ = await self._commit(completions, lambda: self._only_finished(completions))
        return outcomes

    async def finish_and_claim(
        self, completions: Sequence[Completion], lanes: Collection[UUID], **how: Any
    ) -> tuple[Sequence[FinishOutcome], Sequence[Claim]]:
        one: dict[str, Any] = {**how, "deliveries_per_lane": 1}
        return await self._commit(completions, lambda: self._store.finish_and_claim(completions, lanes, **one))

    async def _only_finished(self, completions: Sequence[Completion]) -> Both:
        return await self._store.finish(completions), ()

    async def _commit(self, completions: Sequence[Completion], call: Callable[[], Awaitable[Both]]) -> Both:
        if self._life.is_at("before the commit"):
            raise self._life.end()
        if self._fail_commits is not None and self._life.is_at("in the commit"):
            async with self._fail_commits():
                with pytest.raises(BackendError):
                    await call()
            raise self._life.end()
        outcomes, claims = await call()
        for completion, outcome in zip(completions, outcomes, strict=True):
            assert outcome is FinishOutcome.COMMITTED
            self.produced.update((delivery.handler, delivery.event.id) for delivery in completion.produced)
        if self._life.is_at("after the commit"):
            raise self._life.end()
        if not claims:
            self._finished.set()
            return outcomes, ()
        first = min(claims, key=lambda claim: claim.deliveries[0].number)
        self.went_on += 1
        await self._store.release([claim for claim in claims if claim is not first])
        return outcomes, [first]
