"""How a worker goes on with what it has produced itself: it claims it in the transaction that stores it.

So a step of a workflow costs one call to the store, and begins as soon as what led to it is durable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from arvo.ports import Claim, Clock, Completion, FinishOutcome, WorkStore
    from arvo.runtime.worker.hands import Hands

__all__ = ["Onward"]


class Onward:
    """Finishes for one worker. `begin` is given what was claimed; nothing is once `stop` was called."""

    def __init__(
        self,
        store: WorkStore,
        hands: Hands,
        clock: Clock,
        *,
        worker: str,
        deliveries_per_lane: int,
        lease: timedelta,
        begin: Callable[[Sequence[Claim]], None],
    ) -> None:
        self._store = store
        self._hands = hands
        self._clock = clock
        self._worker = worker
        self._deliveries_per_lane = deliveries_per_lane
        self._lease = lease
        self._begin = begin
        self._stopped = False

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopped = True

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        """Store what came of claims, and begin with as much of what they produced as there is room for."""
        produced = () if self._stopped else [new for completion in completions for new in completion.produced]
        chosen = self._hands.reserve(produced, self._clock.monotonic()) if produced else None
        if not chosen:
            return await self._store.finish(completions)
        try:
            outcomes, claims = await self._store.finish_and_claim(
                completions,
                chosen.keys(),
                worker=self._worker,
                deliveries_per_lane=self._deliveries_per_lane,
                lease=self._lease,
            )
        finally:
            self._hands.unreserve(chosen)
        self._begin(claims)
        return outcomes
