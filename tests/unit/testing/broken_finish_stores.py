"""Stores that break one promise each about how claims end and what operators do, and the checks that must notice."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from arvo.backends.memory.store_state import EncodedCompletion, Lane, State
from arvo.errors import BackendError
from arvo.ports.store import (
    Amendment,
    Claim,
    Completion,
    Delivery,
    FinishOutcome,
    NewDeadLetter,
    NewDelivery,
    Pruned,
    QueueStatus,
    Retention,
    SchemaUpgrade,
    StoreCounts,
    StoredDeadLetter,
    StoredLane,
    StoredTimer,
    StoredWorkflow,
    WorkerStatus,
)
from tests.unit.testing.broken_work_stores import NEVER, BreakableStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from arvo.ports.store import RecordWrite


class ReferenceStore(BreakableStore):
    """A store whose transactions can be told to fail at their very end."""

    failing = False

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        if self.failing:
            raise BackendError("told to fail")
        return await super().finish(completions)

    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        if self.failing:
            raise BackendError("told to fail")
        return await super().collect(handler, subject)


class DoesThenFails(ReferenceStore):
    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        failing, self.failing = self.failing, False
        outcomes = await super().finish(completions)
        if failing:
            raise BackendError("told to fail")
        return outcomes


class _Changed(BreakableStore, ABC):
    """Carries out completions other than those it was given."""

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        return await super().finish([self.change(completion) for completion in completions])

    @abstractmethod
    def change(self, completion: Completion) -> Completion: ...


class DropsDeadLetters(_Changed):
    def change(self, completion: Completion) -> Completion:
        return replace(completion, dead_letters=())


class TakesAnyRevision(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def judge(self, completion: Completion, now: datetime) -> FinishOutcome:
            return super().judge(replace(completion, revision=self.revision(completion.claim.lane)), now)


class RefusesAllWithOne(BreakableStore):
    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        outcomes = [self._state.judge(completion, self._clock.now()) for completion in completions]
        if set(outcomes) == {FinishOutcome.COMMITTED}:
            return await super().finish(completions)
        return [FinishOutcome.FENCED] * len(completions)


class ProducesBackwards(_Changed):
    def change(self, completion: Completion) -> Completion:
        return replace(completion, produced=completion.produced[::-1])


class ConsumesTheWholeClaim(_Changed):
    def change(self, completion: Completion) -> Completion:
        return replace(completion, consumed=completion.claim.deliveries)


class HoldsNothing(_Changed):
    def change(self, completion: Completion) -> Completion:
        return replace(completion, hold=False)


class HoldsForEver(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def _leave(self, lane: Lane, completion: Completion, now: datetime) -> None:
            super()._leave(lane, completion, now)
            if completion.hold:
                lane.due_at = NEVER


class RetriesAtOnce(_Changed):
    def change(self, completion: Completion) -> Completion:
        retry = completion.retry
        return completion if retry is None else replace(completion, retry=replace(retry, delay=timedelta(0)))


class LosesWhatManyProduce(BreakableStore):
    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        if len(completions) > 1:
            completions = [*completions[:-1], replace(completions[-1], produced=())]
        return await super().finish(completions)


class _Judging(State, ABC):
    """Judges by other things than the token."""

    @abstractmethod
    def is_owner(self, lane: Lane, completion: Completion) -> bool: ...

    @override
    def judge(self, completion: Completion, now: datetime) -> FinishOutcome:
        lane = self.lanes.get(completion.claim.lane)
        if lane is not None and self.is_owner(lane, completion):
            lane.token = completion.claim.token
        return super().judge(completion, now)


class KnowsNoTokens(BreakableStore):
    class state(_Judging):  # noqa: N801
        @override
        def is_owner(self, lane: Lane, completion: Completion) -> bool:
            return True


class TakesTheWorkerForTheClaim(BreakableStore):
    async def claim(self, worker: str, handlers: Mapping[str, int], **rest: Any) -> Sequence[Claim]:
        claims = [replace(claim, token=hash(worker)) for claim in await super().claim(worker, handlers, **rest)]
        for claim in claims:
            self._state.lanes[claim.lane].token = claim.token
        return claims


class TakesTheUnclaimed(BreakableStore):
    class state(_Judging):  # noqa: N801
        @override
        def is_owner(self, lane: Lane, completion: Completion) -> bool:
            return lane.token is None


class RefusesTheLate(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def judge(self, completion: Completion, now: datetime) -> FinishOutcome:
            lane = self.lanes.get(completion.claim.lane)
            late = lane is not None and lane.due_at < now
            return FinishOutcome.FENCED if late else super().judge(completion, now)


class LetsTheRemovedFinish(BreakableStore):
    async def remove_workers(self, ids: Sequence[str]) -> int:
        tokens = {lane.id: lane.token for lane in self._state.lanes.values()}
        freed = await super().remove_workers(ids)
        for id_, token in tokens.items():
            self._state.lanes[id_].token = token
        return freed


class CancelsNothing(_Changed):
    def change(self, completion: Completion) -> Completion:
        return replace(completion, cancelled=())


class RecallsWhatArrived(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def carry_out(self, encoded: EncodedCompletion, now: datetime) -> None:
            lane = self.lanes[encoded.completion.claim.lane]
            self._forget_pending(lane, set(encoded.completion.cancelled_keys))
            super().carry_out(encoded, now)


class LosesTracebacks(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def bury(self, letters: Sequence[NewDeadLetter], now: datetime) -> None:
            super().bury([replace(letter, traceback="") for letter in letters], now)


class TakesReplaysForDuplicates(BreakableStore):
    async def replay(self, numbers: Sequence[int]) -> int:
        consumed = dict(self._state.consumed)
        replayed = await super().replay(numbers)
        for lane in list(self._state.lanes.values()):
            self._state._forget_pending(lane, set(consumed))  # pyright: ignore[reportPrivateUsage]
        return replayed


class LooksThenReplays(BreakableStore):
    async def replay(self, numbers: Sequence[int]) -> int:
        found = sum(number in self._state.letters for number in set(numbers))
        await asyncio.sleep(0)
        await super().replay(numbers)
        return found


class ReplaysTheUnreadable(BreakableStore):
    async def replay(self, numbers: Sequence[int]) -> int:
        await super().replay(numbers)
        return sum(self._state.letters.pop(number, None) is not None for number in numbers) + 1


class ForgetsWhatWasDiscarded(BreakableStore):
    async def discard(self, numbers: Sequence[int]) -> int:
        self._state.consumed.clear()
        return await super().discard(numbers)


class LooksThenAnswers(BreakableStore):
    async def answer(self, event_id: str, deliveries: Sequence[NewDelivery]) -> bool:
        waits = event_id in self._state.waiting
        await asyncio.sleep(0)
        await super().answer(event_id, deliveries)
        return waits


class LetsEventsWaitTwice(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def carry_out(self, encoded: EncodedCompletion, now: datetime) -> None:
            before = {f"{id_} again": waiting for id_, waiting in self.waiting.items()}
            self.waiting.clear()
            super().carry_out(encoded, now)
            self.waiting.update(before)


class AmendsAnyRevision(BreakableStore):
    async def amend(self, amendment: Amendment) -> bool:
        return await super().amend(replace(amendment, revision=self._state.revision(amendment.lane)))


class AmendsUnseen(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def write_record(self, lane: UUID, handler: str, record: RecordWrite, now: datetime) -> None:
            super().write_record(lane, handler, record, now)
            workflow = self.workflows[lane]
            self.workflows[lane] = replace(workflow, stored=replace(workflow.stored, revision=0))


class DropsNothing(BreakableStore):
    async def amend(self, amendment: Amendment) -> bool:
        return await super().amend(replace(amendment, drop_pending=False))


class PrunesTheLiving(BreakableStore):
    async def prune(self, retention: Retention) -> Pruned:
        if retention.ended_workflows is not None:
            self._state.workflows.clear()
        return await super().prune(retention)


class CountsOnceFromNow(BreakableStore):
    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        new = await super().publish(deliveries, once=once)
        for key in self._state.consumed:
            self._state.consumed[key] = min(self._clock.now(), self._state.consumed[key])
        return new


class UpgradesEveryTime(BreakableStore):
    async def upgrade(self) -> SchemaUpgrade:
        return SchemaUpgrade(before=0, after=1)


class NeverCloses(BreakableStore):
    async def close(self) -> None:
        pass


class CountsLeasedAsReady(BreakableStore):
    async def queues(self) -> Sequence[QueueStatus]:
        return [replace(queue, ready=queue.ready + queue.leased, leased=0) for queue in await super().queues()]


class HearsNoSilence(BreakableStore):
    async def workers(self) -> Sequence[WorkerStatus]:
        return [replace(status, silent_for=timedelta(0)) for status in await super().workers()]


class ListsLanesByName(BreakableStore):
    async def lanes(self, handler: str, *, after: StoredLane | None = None, limit: int = 100) -> Sequence[StoredLane]:
        lanes = sorted(await super().lanes(handler, limit=1000), key=lambda lane: lane.lane)
        return [lane for lane in lanes if after is None or lane.lane > after.lane][:limit]


class CountsNoDeliveries(BreakableStore):
    @override
    async def lane(self, handler: str, subject: str) -> StoredLane | None:
        lane = await super().lane(handler, subject)
        return None if lane is None else replace(lane, deliveries=1)


class ListsTimersBackwards(BreakableStore):
    @override
    async def timers(
        self, *, after: StoredTimer | None = None, limit: int = 100, **filters: Any
    ) -> Sequence[StoredTimer]:
        return [] if after is not None else (await super().timers(**filters))[::-1][:limit]


class CountsAllThatWasTaken(BreakableStore):
    async def counts(self) -> StoreCounts:
        return replace(await super().counts(), taken_lately=len(self._state.consumed))


class NumbersByPlace(BreakableStore):
    @override
    async def numbered_workflow(self, number: int) -> StoredWorkflow | None:
        return dict(enumerate(await self.workflows())).get(number)


class ListsOldWorkflowsFirst(BreakableStore):
    async def workflows(
        self, *, after: StoredWorkflow | None = None, limit: int = 100, **filters: Any
    ) -> Sequence[StoredWorkflow]:
        found = (await super().workflows(**filters))[::-1]
        return [workflow for workflow in found if after is None or workflow.number > after.number][:limit]


class RepeatsPages(BreakableStore):
    @override
    async def dead_letters(self, *, after: StoredDeadLetter | None = None, **rest: Any) -> Sequence[StoredDeadLetter]:
        return await super().dead_letters(**rest)


BROKEN_AT_FINISH: tuple[tuple[type[BreakableStore], str], ...] = (
    (DropsDeadLetters, "finish_does_everything"),
    (DoesThenFails, "failed_finish_does_nothing"),
    (TakesAnyRevision, "stale_completion_is_refused"),
    (RefusesAllWithOne, "refused_completions_do_not_harm_others"),
    (ProducesBackwards, "produced_events_arrive_behind_what_waits"),
    (ConsumesTheWholeClaim, "rest_of_a_claim_comes_again"),
    (HoldsNothing, "held_claim_goes_on"),
    (HoldsForEver, "holding_does_not_prolong_the_lease"),
    (RetriesAtOnce, "retry_keeps_the_lane_closed"),
    (LosesWhatManyProduce, "crossing_completions_neither_block_nor_lose"),
    (KnowsNoTokens, "outlived_claim_cannot_finish"),
    (TakesTheWorkerForTheClaim, "outlived_claim_cannot_finish_after_its_successor"),
    (TakesTheUnclaimed, "completion_counts_once"),
    (RefusesTheLate, "expired_claim_without_successor_may_finish"),
    (LetsTheRemovedFinish, "removed_worker_cannot_finish"),
    (CancelsNothing, "cancelled_timer_never_arrives"),
    (RecallsWhatArrived, "arrived_timer_is_not_recalled"),
    (LosesTracebacks, "dead_letter_tells_everything"),
    (TakesReplaysForDuplicates, "replayed_letter_arrives_again"),
    (LooksThenReplays, "letter_is_replayed_once"),
    (ReplaysTheUnreadable, "letter_that_cannot_be_read_stays"),
    (ForgetsWhatWasDiscarded, "discarded_letter_is_gone"),
    (LooksThenAnswers, "waiting_event_is_answered_once"),
    (LetsEventsWaitTwice, "event_waits_once"),
    (AmendsAnyRevision, "amendment_needs_the_current_revision"),
    (AmendsUnseen, "amendment_makes_running_work_stale"),
    (DropsNothing, "amendment_can_drop_what_waits"),
    (PrunesTheLiving, "prune_removes_what_is_old_and_done"),
    (CountsOnceFromNow, "once_is_remembered_from_when_it_is_due"),
    (UpgradesEveryTime, "upgrade_can_be_repeated"),
    (NeverCloses, "closed_store_says_so"),
    (CountsLeasedAsReady, "queues_are_counted"),
    (HearsNoSilence, "workers_are_shown"),
    (ListsLanesByName, "lanes_are_listed_as_they_will_be_claimed"),
    (CountsNoDeliveries, "lane_is_shown_by_its_subject"),
    (ListsTimersBackwards, "timers_are_listed_by_time"),
    (ListsOldWorkflowsFirst, "workflows_are_listed_the_newest_first"),
    (CountsAllThatWasTaken, "everything_else_is_counted"),
    (NumbersByPlace, "workflow_is_found_by_its_number"),
    (RepeatsPages, "letters_and_waiting_events_are_listed_the_oldest_first"),
)
