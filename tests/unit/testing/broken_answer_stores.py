"""Stores that break one promise each about answers and failures, and the checks that must notice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from typing_extensions import override

from arvo.backends.memory.store_state import Incoming, State
from arvo.errors import BackendError
from tests.unit.testing.broken_finish_stores import ReferenceStore
from tests.unit.testing.broken_work_stores import BreakableStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from arvo.ports.store import Completion, Delivery, FinishOutcome, NewDelivery, RecordWrite


class ForgetsWhatWasCollected(BreakableStore):
    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        found = await super().collect(handler, subject)
        for delivery in found:
            self._state.consumed.pop(delivery.key, None)
        return found


class LooksThenCollects(BreakableStore):
    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        lanes = [lane for lane in self._state.lanes.values() if lane.handler == handler]
        found = [delivery for lane in lanes for delivery in lane.deliveries]
        await asyncio.sleep(0)
        await super().collect(handler, subject)
        return found


class CollectsFromAnybody(BreakableStore):
    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        for lane in self._state.lanes.values():
            lane.owner = None
        return await super().collect(handler, subject)


class CollectsNoTimers(BreakableStore):
    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        timers, self._state.timers = self._state.timers, {}
        found = await super().collect(handler, subject)
        self._state.timers = timers
        return found


class CollectsThenFails(ReferenceStore):
    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        failing, self.failing = self.failing, False
        found = await super().collect(handler, subject)
        if failing:
            raise BackendError("told to fail")
        return found


class AnswersForTheRefused(BreakableStore):
    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        for completion in completions:
            for event_id in completion.answered:
                self._state.waiting.pop(event_id, None)
        return await super().finish(completions)


class TellsEverybodyThatTheyAnswered(BreakableStore):
    async def answer(self, event_id: str, deliveries: Sequence[NewDelivery]) -> bool:
        await super().answer(event_id, deliveries)
        return True


class DropsWhatIsYoung(BreakableStore):
    async def drop_unclaimed(self, handler: str, older_than: timedelta) -> int:
        return await super().drop_unclaimed(handler, older_than * 0)


class DropsSome(BreakableStore):
    async def drop_unclaimed(self, handler: str, older_than: timedelta) -> int:
        lanes = self._state.lanes
        self._state.lanes = dict(list(lanes.items())[:1000])
        dropped = await super().drop_unclaimed(handler, older_than)
        self._state.lanes = {id_: lane for id_, lane in lanes.items() if lane.deliveries}
        return dropped


class ForgetsTheFailure(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def write_record(self, lane: UUID, handler: str, record: RecordWrite, now: datetime) -> None:
            super().write_record(lane, handler, replace(record, failed_on=None), now)


class TakesRedeliveriesForDuplicates(BreakableStore):
    class state(State):  # noqa: N801
        @override
        def take_in_again(self, incoming: Iterable[Incoming], now: datetime) -> None:
            self.take_in(incoming, now)


BROKEN_AT_ANSWERS: tuple[tuple[type[BreakableStore], str], ...] = (
    (ForgetsWhatWasCollected, "collecting_consumes_one_lane"),
    (LooksThenCollects, "everything_is_collected_once"),
    (CollectsFromAnybody, "leased_lane_is_not_collected"),
    (CollectsNoTimers, "due_timers_are_collected"),
    (CollectsThenFails, "failed_collect_takes_nothing"),
    (AnswersForTheRefused, "completion_answers_waiting_events"),
    (TellsEverybodyThatTheyAnswered, "answers_of_all_kinds_do_not_block_each_other"),
    (DropsWhatIsYoung, "unclaimed_events_can_be_dropped"),
    (DropsSome, "many_unclaimed_events_can_be_dropped"),
    (ForgetsTheFailure, "event_of_a_failure_is_kept"),
    (TakesRedeliveriesForDuplicates, "amendment_can_deliver_again"),
)
