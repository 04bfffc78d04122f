"""Stores what finished lanes left, in groups: whatever came up while one group was being stored is the next group."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

from arvo.errors import BackendError
from arvo.runtime.worker.lane_run import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from arvo.ports import Completion, FinishOutcome
    from arvo.runtime.worker.lane_run import Result, Surroundings
    from arvo.runtime.worker.patience import Patience

__all__ = ["Finisher"]

logger = logging.getLogger("arvo.runtime")

_LARGEST_GROUP = 256
_WORTH_A_GROUP = 16
"""So many results are stored beside another group; fewer wait for it, since every group costs a transaction."""

Settle: TypeAlias = "Callable[[Result, FinishOutcome], None]"
"""Told of each result once the store has said what became of it."""


class Finishing(Protocol):
    """Where results are stored."""

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        """Carry out completions, and return what became of each."""
        ...


@dataclass(frozen=True, slots=True)
class _Stored:
    result: Result
    outcome: FinishOutcome


class Finisher:
    """One for each worker. Each task that is in `run` stores one group at a time."""

    def __init__(self, store: Finishing, patience: Patience, surroundings: Surroundings, settle: Settle) -> None:
        self._store = store
        self._patience = patience
        self._surroundings = surroundings
        self._settle = settle
        self._queue: deque[Result] = deque()
        self._storing = 0
        self._more = asyncio.Event()
        """Set when there may be a group to store; look before you believe it."""

    def submit(self, result: Result) -> None:
        """Have the result stored soon."""
        self._queue.append(result)
        self._tell()

    async def run(self) -> None:
        """Store results until cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            if not self._is_worthwhile():
                continue
            group = self._next_group()
            self._tell()
            self._storing += 1
            try:
                done = await self._patience.ask("store what was done", partial(self._stored, group))
            finally:
                self._storing -= 1
            for stored in done:
                self._settle(stored.result, stored.outcome)
            self._tell()

    def _is_worthwhile(self) -> bool:
        return len(self._queue) >= (_WORTH_A_GROUP if self._storing else 1)

    def _tell(self) -> None:
        if self._is_worthwhile():
            self._more.set()

    def _next_group(self) -> list[Result]:
        """The results at hand, the first of each lane: a claim that was lost may be followed by one on its lane."""
        group: dict[UUID, Result] = {}
        later: list[Result] = []
        while self._queue and len(group) < _LARGEST_GROUP:
            result = self._queue.popleft()
            if result.completion.claim.lane in group:
                later.append(result)
            else:
                group[result.completion.claim.lane] = result
        self._queue.extendleft(reversed(later))
        return list(group.values())

    async def _stored(self, group: Sequence[Result]) -> list[_Stored]:
        try:
            outcomes = await self._store.finish([result.completion for result in group])
        except BackendError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, one result must not hold up the others
            # Nothing of the group was stored, because something in it cannot be.
            if len(group) == 1:
                return [await self._stored_otherwise(group[0], error)]
            return [stored for result in group for stored in await self._stored([result])]
        return [_Stored(result, outcome) for result, outcome in zip(group, outcomes, strict=True)]

    async def _stored_otherwise(self, result: Result, error: Exception) -> _Stored:
        """Store that a result cannot be stored. Should that fail too, the store is broken and the worker ends."""
        logger.error("What came of events for %r cannot be stored.", result.completion.claim.handler, exc_info=error)
        instead = refused(result, error, self._surroundings)
        (outcome,) = await self._store.finish([instead.completion])
        return _Stored(instead, outcome)
