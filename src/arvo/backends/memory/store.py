"""The in-memory `Store`: for tests, simulations and demos. It keeps every promise of the port except outliving the
process, and is the shortest description of what the others do. What it holds is in `store_state`.
"""

from __future__ import annotations

from heapq import nsmallest
from secrets import randbits
from typing import TYPE_CHECKING

from arvo.backends.memory.store_inspection import MemoryStoreInspection
from arvo.backends.memory.store_state import State, Worker, encode, encode_completion
from arvo.errors import BackendError
from arvo.ports.clock import SystemClock
from arvo.ports.store.bell import Bell
from arvo.ports.store.identity import lane_id, name_key
from arvo.ports.store.work import Claim, FinishOutcome, check_one_for_each_lane

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from arvo.backends.memory.store_state import Lane
    from arvo.ports.clock import Clock
    from arvo.ports.store.work import Amendment, Completion, Delivery, NewDelivery, WorkerInfo

__all__ = ["InMemoryStore"]


class InMemoryStore(MemoryStoreInspection):
    """Keeps everything in this process; any number of workers of one event loop may share it.

    Claiming looks at every lane, so thousands of lanes are fine and millions are not.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        super().__init__(State(), clock if clock is not None else SystemClock())
        self._bell = Bell()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End every wait; nothing works afterwards."""
        self._closed = True
        self._bell.ring()

    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        """Store deliveries and timers; the number of those that were new."""
        now = self._now()
        incoming = encode(deliveries, now)
        if once is not None:
            key = name_key(once)
            if key in self._state.consumed:
                return 0
            self._state.consumed[key] = max([now, *(item.due_at for item in incoming if item.due_at is not None)])
        new = self._state.take_in(incoming, now)
        self._bell.ring()
        return new

    async def claim(
        self, worker: str, handlers: Mapping[str, int], *, lanes: int, deliveries_per_lane: int, lease: timedelta
    ) -> Sequence[Claim]:
        """Take lanes that are due."""
        now = self._now()
        self._state.ring_timers(now)
        due: dict[str, list[Lane]] = {}
        for lane in self._state.lanes.values():
            if lane.due_at <= now and lane.handler in handlers:
                due.setdefault(lane.handler, []).append(lane)
        taken = [lane for name, found in due.items() for lane in nsmallest(max(handlers[name], 0), found, key=_rank)]
        token = randbits(63)
        return [
            self._lease(lane, worker, token, now + lease, deliveries_per_lane)
            for lane in sorted(taken, key=_rank)[: max(lanes, 0)]
        ]

    def _lease(self, lane: Lane, worker: str, token: int, until: datetime, at_most: int) -> Claim:
        lane.owner, lane.token, lane.due_at = worker, token, until
        lane.attempts += 1
        workflow = self._state.workflows.get(lane.id)
        return Claim(
            lane=lane.id,
            handler=lane.handler,
            token=token,
            priority=lane.priority,
            attempts=lane.attempts,
            leased_until=until,
            deliveries=tuple(lane.deliveries[: at_most if lane.attempts == 1 else 1]),
            record_json=None if workflow is None else workflow.stored.record_json,
            revision=self._state.revision(lane.id),
        )

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        """Carry out all that are not refused."""
        check_one_for_each_lane(completions)
        now = self._now()
        encoded = [encode_completion(completion, now) for completion in completions]
        outcomes = [self._state.judge(completion, now) for completion in completions]
        for item, outcome in zip(encoded, outcomes, strict=True):
            if outcome is FinishOutcome.COMMITTED:
                self._state.carry_out(item, now)
        self._bell.ring()
        return outcomes

    async def finish_and_claim(
        self,
        completions: Sequence[Completion],
        lanes: Collection[UUID],
        *,
        worker: str,
        deliveries_per_lane: int,
        lease: timedelta,
    ) -> tuple[Sequence[FinishOutcome], Sequence[Claim]]:
        """Carry out all that are not refused, and take those of the lanes that are due then."""
        outcomes = await self.finish(completions)
        now, token = self._now(), randbits(63)
        found = [lane for wanted in lanes if (lane := self._state.lanes.get(wanted)) is not None and lane.due_at <= now]
        claims = [
            self._lease(lane, worker, token, now + lease, deliveries_per_lane) for lane in sorted(found, key=_rank)
        ]
        return outcomes, claims

    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        """Take and consume what has arrived in one lane."""
        now = self._now()
        self._state.ring_timers(now)
        lane = self._state.lanes.get(lane_id(handler, subject))
        if lane is None or lane.is_leased(now):
            return []
        found = tuple(lane.deliveries)
        self._state.consume(lane, found, now)
        del self._state.lanes[lane.id]
        return found

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        """Prolong leases; the claims that were lost."""
        until = self._now() + lease
        lost: list[Claim] = []
        for claim in claims:
            lane = self._lane_of(claim)
            if lane is None:
                lost.append(claim)
            else:
                lane.due_at = until
        return lost

    async def release(self, claims: Sequence[Claim]) -> None:
        """Hand lanes back untouched."""
        now = self._now()
        for claim in claims:
            lane = self._lane_of(claim)
            if lane is not None:
                lane.free(now, attempts=lane.attempts - 1)
        self._bell.ring()

    async def wait_for_work(self, handlers: Iterable[str], at_most: timedelta) -> None:
        """Return when there may be work."""
        wanted = frozenset(handlers)
        now = self._now()
        due = [lane.due_at for lane in self._state.lanes.values() if lane.handler in wanted]
        due += [timer.due_at for timer in self._state.timers.values() if timer.handler in wanted and timer.due_at]
        pause = min([at_most, *(moment - now for moment in due)])
        await self._bell.wait(pause.total_seconds(), self._clock, heard=self._bell.rings)

    async def heartbeat(self, worker: WorkerInfo) -> None:
        """Note a sign of life."""
        now = self._now()
        known = self._state.workers.get(worker.id)
        self._state.workers[worker.id] = Worker(worker, now if known is None else known.started_at, now)

    async def remove_workers(self, ids: Sequence[str]) -> int:
        """Forget workers and free their lanes."""
        now = self._now()
        owned = [lane for lane in self._state.lanes.values() if lane.owner in ids]
        for lane in owned:
            lane.free(now, attempts=lane.attempts)
        for id_ in ids:
            self._state.workers.pop(id_, None)
        self._bell.ring()
        return len(owned)

    async def amend(self, amendment: Amendment) -> bool:
        """Change a workflow from outside."""
        now = self._now()
        incoming, again = encode(amendment.produced, now), encode(amendment.redelivered, now)
        if self._state.revision(amendment.lane) != amendment.revision:
            return False
        if amendment.drop_pending:
            self._state.empty_lane(amendment.lane)
        self._state.write_record(amendment.lane, amendment.handler, amendment.record, now)
        self._state.take_in(incoming, now)
        self._state.take_in_again(again, now)
        self._bell.ring()
        return True

    async def replay(self, numbers: Sequence[int]) -> int:
        """Deliver dead letters again."""
        now = self._now()
        found = self._replayable(numbers, now)
        for number, incoming in found:
            del self._state.letters[number]
            self._state.take_in_again([incoming], now)
        self._bell.ring()
        return len(found)

    async def answer(self, event_id: str, deliveries: Sequence[NewDelivery]) -> bool:
        """Deliver the answer to a waiting event."""
        now = self._now()
        incoming = encode(deliveries, now)
        if self._state.waiting.pop(event_id, None) is None:
            return False
        self._state.take_in(incoming, now)
        self._bell.ring()
        return True

    def _now(self) -> datetime:
        if self._closed:
            raise BackendError("The in-memory store is closed. Open a new one.")
        return self._clock.now()

    def _lane_of(self, claim: Claim) -> Lane | None:
        lane = self._state.lanes.get(claim.lane)
        return None if lane is None or lane.token != claim.token else lane


def _rank(lane: Lane) -> tuple[int, datetime]:
    return (-lane.priority, lane.due_at)
