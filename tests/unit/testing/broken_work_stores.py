"""Stores that break one promise each about arrivals, claims and leases, and the checks that must notice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from typing_extensions import override

from arvo.backends.memory import InMemoryStore
from arvo.backends.memory.store_state import Incoming, Lane, State, encode
from arvo.ports.store.identity import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from arvo.ports import Clock
    from arvo.ports.store import Claim, Completion, FinishOutcome, NewDelivery

NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class BreakableStore(InMemoryStore):
    """A store that keeps its promises; `state` is what a broken one replaces."""

    state: type[State] = State

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self._state = self.state()


class HandsOutTheLatestFirst(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def _arrive(self, item: Incoming, now: datetime) -> bool:
            arrived = super()._arrive(item, now)
            deliveries = self.lanes[item.lane].deliveries
            deliveries.insert(0, deliveries.pop())
            return arrived


class LosesWhatCrowdsIn(BreakableStore):
    publishing = 0

    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        self.publishing += 1
        await asyncio.sleep(0)
        new = await super().publish(deliveries if self.publishing < 10 else [], once=once)
        self.publishing -= 1
        return new


class IgnoresCase(BreakableStore):
    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        return await super().publish([replace(one, handler=one.handler.lower()) for one in deliveries], once=once)


class ShortensIds(BreakableStore):
    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        short = [replace(one, event=one.event.replace(id=one.event.id[:1000])) for one in deliveries]
        return await super().publish(short, once=once)


class SortsKeys(BreakableStore):
    @override
    def _lease(self, lane: Lane, worker: str, token: int, until: datetime, at_most: int) -> Claim:
        claim = super()._lease(lane, worker, token, until, at_most)
        first = claim.deliveries[0]
        sorted_json = msgspec.json.encode(msgspec.json.decode(first.event_json), order="sorted")
        return replace(claim, deliveries=(replace(first, event_json=sorted_json), *claim.deliveries[1:]))


class ForgetsWhatWaits(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def _arrive(self, item: Incoming, now: datetime) -> bool:
            self.pending.discard(item.key)
            return super()._arrive(item, now)


class ForgetsWhatWasConsumed(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def _arrive(self, item: Incoming, now: datetime) -> bool:
            self.consumed.pop(item.key, None)
            return super()._arrive(item, now)


class LooksThenStores(BreakableStore):
    @override
    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        known = self._state.pending | self._state.consumed.keys()
        new = [item for item in encode(deliveries, self._clock.now()) if item.key not in known]
        await asyncio.sleep(0)
        for item in new:
            self._state.pending.discard(item.key)
            self._state.take_in([item], self._clock.now())
        return len(new)


class RemembersTooLate(BreakableStore):
    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        outcomes = await super().finish(completions)
        consumed, self._state.consumed = self._state.consumed, {}
        await asyncio.sleep(0)
        self._state.consumed.update(consumed)
        return outcomes


class TakesAnEventOnceForAll(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def take_in(self, incoming: Iterable[Incoming], now: datetime) -> int:
            ids = [(item, msgspec.json.decode(item.event_json)["id"]) for item in incoming]
            return super().take_in([replace(item, key=name_key(id_)) for item, id_ in ids], now)


class IgnoresOnce(BreakableStore):
    @override
    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        return await super().publish(deliveries)


class StoresOneByOne(BreakableStore):
    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        new = 0
        for one in deliveries:
            new += await super().publish([one], once=once)
            await asyncio.sleep(0)
        return new


class IgnoresLimits(BreakableStore):
    async def claim(self, worker: str, handlers: Mapping[str, int], **rest: Any) -> Sequence[Claim]:
        return await super().claim(worker, dict.fromkeys(handlers, 100), **rest)


class HandsOutWholeLanes(BreakableStore):
    @override
    def _lease(self, lane: Lane, worker: str, token: int, until: datetime, at_most: int) -> Claim:
        return super()._lease(lane, worker, token, until, 1000)


class KnowsNoPriorities(BreakableStore):
    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        return await super().publish([replace(one, priority=0) for one in deliveries], once=once)


class KeepsTheFirstPriority(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def _arrive(self, item: Incoming, now: datetime) -> bool:
            lane = self.lanes.get(item.lane)
            return super()._arrive(item if lane is None else replace(item, priority=lane.priority), now)


class OpensLanesForArrivals(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def _arrive(self, item: Incoming, now: datetime) -> bool:
            arrived = super()._arrive(item, now)
            self.lanes[item.lane].due_at = now
            return arrived


class ForgetsTheRevision(BreakableStore):
    @override
    def _lease(self, lane: Lane, worker: str, token: int, until: datetime, at_most: int) -> Claim:
        return replace(super()._lease(lane, worker, token, until, at_most), revision=0)


class LooksThenLeases(BreakableStore):
    async def claim(self, worker: str, handlers: Mapping[str, int], **rest: Any) -> Sequence[Claim]:
        now = self._clock.now()
        due = [lane for lane in self._state.lanes.values() if lane.handler in handlers and lane.due_at <= now]
        await asyncio.sleep(0)
        until = now + timedelta(days=1)
        return [self._lease(lane, worker, 1, until, 100) for lane in due[: rest["lanes"]] if lane.deliveries]


class CountsNoAttempts(BreakableStore):
    @override
    def _lease(self, lane: Lane, worker: str, token: int, until: datetime, at_most: int) -> Claim:
        return replace(super()._lease(lane, worker, token, until, at_most), attempts=1)


class HandsOutMoreThanWhatWasBegun(BreakableStore):
    @override
    def _lease(self, lane: Lane, worker: str, token: int, until: datetime, at_most: int) -> Claim:
        return replace(super()._lease(lane, worker, token, until, at_most), deliveries=tuple(lane.deliveries))


class CutsLeasesShort(BreakableStore):
    @override
    def _lease(self, lane: Lane, worker: str, token: int, until: datetime, at_most: int) -> Claim:
        now = self._clock.now()
        return super()._lease(lane, worker, token, now + (until - now) * 0.3, at_most)


class RenewsNothing(BreakableStore):
    @override
    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        return []


class RenewsWhatWasLost(BreakableStore):
    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        lost = await super().renew(claims, lease)
        for claim in lost:
            self._state.lanes[claim.lane].due_at = self._clock.now() + lease
        return lost


class CountsReleases(BreakableStore):
    async def release(self, claims: Sequence[Claim]) -> None:
        await super().release(claims)
        for claim in claims:
            self._state.lanes[claim.lane].attempts += 1


class ReleasesWhatWasLost(BreakableStore):
    async def release(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._state.lanes[claim.lane].free(self._clock.now(), attempts=0)


class KeepsLanesOfTheDead(BreakableStore):
    async def remove_workers(self, ids: Sequence[str]) -> int:
        owned = {lane.id: lane.due_at for lane in self._state.lanes.values()}
        freed = await super().remove_workers(ids)
        for id_, due_at in owned.items():
            self._state.lanes[id_].due_at = due_at
        return freed


class SleepsThroughNewWork(BreakableStore):
    @override
    async def wait_for_work(self, handlers: Iterable[str], at_most: timedelta) -> None:
        await self._clock.sleep(at_most.total_seconds())


class WaitsForEver(BreakableStore):
    @override
    async def wait_for_work(self, handlers: Iterable[str], at_most: timedelta) -> None:
        await super().wait_for_work(handlers, timedelta(days=1))


class SleepsThroughTimers(BreakableStore):
    @override
    async def wait_for_work(self, handlers: Iterable[str], at_most: timedelta) -> None:
        await self._bell.wait(at_most.total_seconds(), self._clock, heard=self._bell.rings)


class RingsTimersAtOnce(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def ring_timers(self, now: datetime) -> None:
            super().ring_timers(NEVER)


class RingsTimersAsTheyWereSet(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def ring_timers(self, now: datetime) -> None:
            for key, timer in list(self.timers.items()):
                if timer.due_at is not None and timer.due_at <= now:
                    self._arrive(self.timers.pop(key), now)


class MissesPastTimers(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def take_in(self, incoming: Iterable[Incoming], now: datetime) -> int:
            return super().take_in([item for item in incoming if item.due_at is None or item.due_at > now], now)


class SetsTimersAgain(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def take_in(self, incoming: Iterable[Incoming], now: datetime) -> int:
            items = list(incoming)
            for item in items:
                self.timers.pop(item.key, None)
            return super().take_in(items, now)


class RingsTimersAgainAndAgain(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def ring_timers(self, now: datetime) -> None:
            kept = dict(self.timers)
            self.timers = {key: replace(timer, key=uuid4()) for key, timer in kept.items()}
            self.timers = {timer.key: timer for timer in self.timers.values()}
            super().ring_timers(now)
            self.timers = kept


BROKEN_AT_WORK: tuple[tuple[type[BreakableStore], str], ...] = (
    (HandsOutTheLatestFirst, "deliveries_of_a_lane_keep_their_order"),
    (LosesWhatCrowdsIn, "many_publishers_lose_nothing"),
    (IgnoresCase, "lanes_are_told_apart"),
    (ShortensIds, "names_may_be_long"),
    (SortsKeys, "events_come_back_byte_for_byte"),
    (ForgetsWhatWaits, "waiting_duplicate_is_dropped"),
    (ForgetsWhatWasConsumed, "consumed_duplicate_is_dropped"),
    (LooksThenStores, "duplicates_of_many_publishers_arrive_once"),
    (RemembersTooLate, "duplicate_of_what_is_being_finished_is_dropped"),
    (TakesAnEventOnceForAll, "one_event_goes_to_many_lanes"),
    (IgnoresOnce, "once_happens_once"),
    (StoresOneByOne, "cancelled_publish_is_whole_or_absent"),
    (IgnoresLimits, "claim_takes_what_was_asked_for"),
    (HandsOutWholeLanes, "claim_takes_as_many_deliveries_as_asked_for"),
    (KnowsNoPriorities, "higher_priority_comes_first"),
    (KeepsTheFirstPriority, "urgent_event_hurries_its_lane"),
    (OpensLanesForArrivals, "leased_lane_is_not_claimed_again"),
    (ForgetsTheRevision, "claim_knows_its_record"),
    (LooksThenLeases, "one_owner_at_a_time"),
    (CountsNoAttempts, "lease_runs_out"),
    (HandsOutMoreThanWhatWasBegun, "what_was_begun_before_comes_alone"),
    (CutsLeasesShort, "lease_lives_its_time"),
    (RenewsNothing, "renewed_lease_runs_anew"),
    (RenewsWhatWasLost, "renewal_names_what_was_lost"),
    (CountsReleases, "released_lane_is_free_at_once"),
    (ReleasesWhatWasLost, "release_of_a_lost_claim_does_nothing"),
    (KeepsLanesOfTheDead, "lanes_of_a_removed_worker_are_free_at_once"),
    (SleepsThroughNewWork, "wait_ends_with_new_work"),
    (WaitsForEver, "wait_ends_after_its_time"),
    (RingsTimersAtOnce, "timer_arrives_when_it_is_due"),
    (RingsTimersAsTheyWereSet, "timers_arrive_in_order_of_their_times"),
    (MissesPastTimers, "past_timer_arrives_at_once"),
    (SetsTimersAgain, "timer_is_set_once"),
    (RingsTimersAgainAndAgain, "timers_arrive_once_among_many_claimers"),
    (SleepsThroughTimers, "wait_ends_when_a_timer_is_due"),
)
