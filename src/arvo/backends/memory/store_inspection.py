"""What an operator sees of the in-memory store, and what is removed from it; the rest is in `store`."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from arvo.backends.memory.store_state import encode
from arvo.errors import InvalidEvent
from arvo.ports.store.identity import lane_id, name_key
from arvo.ports.store.inspection import (
    LATELY,
    Pruned,
    QueueStatus,
    SchemaUpgrade,
    StoreCounts,
    StoredLane,
    StoredTimer,
    WorkerStatus,
)
from arvo.ports.store.work import NewDelivery, WorkflowStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from arvo.backends.memory.store_state import Incoming, Lane, State
    from arvo.ports.clock import Clock
    from arvo.ports.store.inspection import Retention, StoredDeadLetter, StoredWorkflow, WaitingEvent

__all__ = ["MemoryStoreInspection"]

T = TypeVar("T")


class MemoryStoreInspection:
    """The inspecting half of `InMemoryStore`."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def queues(self) -> Sequence[QueueStatus]:
        """What waits for each handler."""
        now = self._clock.now()
        timers = [timer.handler for timer in self._state.timers.values()]
        names = {lane.handler for lane in self._state.lanes.values()} | set(timers)
        return [self._queue(name, timers.count(name), now) for name in sorted(names)]

    def _queue(self, handler: str, timers: int, now: datetime) -> QueueStatus:
        lanes = [lane for lane in self._state.lanes.values() if lane.handler == handler]
        ready = [lane.due_at for lane in lanes if lane.due_at <= now]
        leased = sum(lane.due_at > now and lane.owner is not None for lane in lanes)
        return QueueStatus(
            handler=handler,
            ready=len(ready),
            leased=leased,
            retrying=len(lanes) - len(ready) - leased,
            deliveries=sum(len(lane.deliveries) for lane in lanes),
            timers=timers,
            oldest=now - min(ready, default=now),
        )

    async def counts(self) -> StoreCounts:
        """How many there are of everything else."""
        state, now = self._state, self._clock.now()
        return StoreCounts(
            workflows=dict(Counter(workflow.stored.status for workflow in state.workflows.values())),
            dead_letters=len(state.letters),
            waiting=dict(Counter(sorted(event.domain for event in state.waiting.values()))),
            taken_lately=sum(now - LATELY < at <= now for at in state.consumed.values()),
        )

    async def workers(self) -> Sequence[WorkerStatus]:
        """All workers."""
        now = self._clock.now()
        owners = [lane.owner for lane in self._state.lanes.values()]
        return [
            WorkerStatus(
                info=worker.info,
                started_at=worker.started_at,
                silent_for=now - worker.seen_at,
                leases=owners.count(id_),
            )
            for id_, worker in sorted(self._state.workers.items())
        ]

    async def lanes(self, handler: str, *, after: StoredLane | None = None, limit: int = 100) -> Sequence[StoredLane]:
        """The lanes of a handler."""
        lanes = (_shown(lane) for lane in self._state.lanes.values() if lane.handler == handler)
        return _page(lanes, lambda lane: (-lane.priority, lane.due_at, lane.lane), after, limit)

    async def lane(self, handler: str, subject: str) -> StoredLane | None:
        """One lane."""
        lane = self._state.lanes.get(lane_id(handler, subject))
        return None if lane is None else _shown(lane)

    async def timers(
        self,
        *,
        handler: str | None = None,
        lane: UUID | None = None,
        after: StoredTimer | None = None,
        limit: int = 100,
    ) -> Sequence[StoredTimer]:
        """What will arrive later."""
        timers = (
            StoredTimer(
                key=timer.key,
                handler=timer.handler,
                due_at=timer.due_at,
                priority=timer.priority,
                event_json=timer.event_json,
            )
            for timer in self._state.timers.values()
            if timer.due_at is not None and handler in (None, timer.handler) and lane in (None, timer.lane)
        )
        return _page(timers, lambda timer: (timer.due_at, timer.key), after, limit)

    async def workflow(self, handler: str, subject: str) -> StoredWorkflow | None:
        """One workflow."""
        workflow = self._state.workflows.get(lane_id(handler, subject))
        return None if workflow is None else workflow.stored

    async def numbered_workflow(self, number: int) -> StoredWorkflow | None:
        """One workflow by its number."""
        workflows = (workflow.stored for workflow in self._state.workflows.values())
        return next((stored for stored in workflows if stored.number == number), None)

    async def workflows(
        self,
        *,
        handler: str | None = None,
        status: WorkflowStatus | None = None,
        parent_subject: str | None = None,
        after: StoredWorkflow | None = None,
        limit: int = 100,
    ) -> Sequence[StoredWorkflow]:
        """Workflows, the newest first."""
        parent = None if parent_subject is None else name_key(parent_subject)
        fitting = (
            workflow.stored
            for workflow in self._state.workflows.values()
            if handler in (None, workflow.stored.handler)
            and status in (None, workflow.stored.status)
            and parent in (None, workflow.parent)
        )
        return _page(fitting, lambda workflow: -workflow.number, after, limit)

    async def dead_letters(
        self, *, handler: str | None = None, after: StoredDeadLetter | None = None, limit: int = 100
    ) -> Sequence[StoredDeadLetter]:
        """Dead letters, the oldest first."""
        letters = (letter for letter in self._state.letters.values() if handler in (None, letter.letter.handler))
        return _page(letters, lambda letter: letter.number, after, limit)

    async def dead_letter(self, number: int) -> StoredDeadLetter | None:
        """One dead letter."""
        return self._state.letters.get(number)

    def _replayable(self, numbers: Sequence[int], now: datetime) -> list[tuple[int, Incoming]]:
        found: list[tuple[int, Incoming]] = []
        for number in dict.fromkeys(numbers):
            stored = self._state.letters.get(number)
            if stored is None:
                continue
            try:
                delivery = NewDelivery(handler=stored.letter.handler, event=stored.event())
            except InvalidEvent:
                continue
            found += [(number, incoming) for incoming in encode([delivery], now)]
        return found

    async def discard(self, numbers: Sequence[int]) -> int:
        """Remove dead letters for ever."""
        return sum(self._state.letters.pop(number, None) is not None for number in numbers)

    async def waiting(
        self, *, domain: str | None = None, after: WaitingEvent | None = None, limit: int = 100
    ) -> Sequence[WaitingEvent]:
        """Events that wait for an answer."""
        events = (event for event in self._state.waiting.values() if domain in (None, event.domain))
        return _page(events, lambda event: event.number, after, limit)

    async def waiting_event(self, event_id: str) -> WaitingEvent | None:
        """One waiting event."""
        return self._state.waiting.get(event_id)

    async def drop_unclaimed(self, handler: str, older_than: timedelta) -> int:
        """Remove what nobody took."""
        state, now = self._state, self._clock.now()
        dropped = 0
        for lane in tuple(state.lanes.values()):
            old = [delivery for delivery in lane.deliveries if delivery.arrived_at <= now - older_than]
            if lane.handler != handler or lane.is_leased(now) or not old:
                continue
            state.consume(lane, old, now)
            lane.free(now, attempts=0)
            lane.error = None
            if not lane.deliveries:
                del state.lanes[lane.id]
            dropped += len(old)
        return dropped

    async def prune(self, retention: Retention) -> Pruned:
        """Remove what has been kept long enough."""
        state, now = self._state, self._clock.now()

        def old(moment: datetime, kept_for: timedelta | None) -> bool:
            return kept_for is not None and moment <= now - kept_for

        ids = [key for key, at in state.consumed.items() if old(at, retention.consumed_ids)]
        workflows = [
            lane
            for lane, workflow in state.workflows.items()
            if workflow.stored.status is not WorkflowStatus.ACTIVE
            and lane not in state.lanes
            and old(workflow.stored.updated_at, retention.ended_workflows)
        ]
        letters = [number for number, letter in state.letters.items() if old(letter.at, retention.dead_letters)]
        for key in ids:
            del state.consumed[key]
        for lane in workflows:
            del state.workflows[lane]
        for number in letters:
            del state.letters[number]
        return Pruned(consumed_ids=len(ids), workflows=len(workflows), dead_letters=len(letters))

    async def upgrade(self) -> SchemaUpgrade:
        """Nothing is to do."""
        return SchemaUpgrade(before=1, after=1)


def _shown(lane: Lane) -> StoredLane:
    return StoredLane(
        lane=lane.id,
        handler=lane.handler,
        priority=lane.priority,
        due_at=lane.due_at,
        owner=lane.owner,
        attempts=lane.attempts,
        error=lane.error,
        deliveries=len(lane.deliveries),
        event_json=lane.deliveries[0].event_json,
    )


def _page(items: Iterable[T], rank: Callable[[T], Any], after: T | None, limit: int) -> list[T]:
    ordered = sorted(items, key=rank)
    if after is None:
        return list(islice(ordered, limit))
    start = rank(after)
    return list(islice((item for item in ordered if rank(item) > start), limit))
