"""Stores that break one promise each about claims that begin where others end, and the checks that must notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.unit.testing.broken_finish_stores import ReferenceStore

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from arvo.ports.store import Claim, Completion, FinishOutcome

Both = tuple["Sequence[FinishOutcome]", "Sequence[Claim]"]


class ClaimsNothingOnward(ReferenceStore):
    async def finish_and_claim(self, completions: Sequence[Completion], lanes: Collection[UUID], **how: Any) -> Both:
        outcomes, claims = await super().finish_and_claim(completions, lanes, **how)
        await self.release(claims)
        return outcomes, ()


class TakesLanesFromOthers(ReferenceStore):
    async def finish_and_claim(self, completions: Sequence[Completion], lanes: Collection[UUID], **how: Any) -> Both:
        for lane in self._state.lanes.values():
            if lane.id in lanes:
                lane.due_at = self._clock.now()
        return await super().finish_and_claim(completions, lanes, **how)


class PutsItsOwnFirst(ReferenceStore):
    async def finish_and_claim(self, completions: Sequence[Completion], lanes: Collection[UUID], **how: Any) -> Both:
        outcomes, claims = await super().finish_and_claim(completions, lanes, **how)
        return outcomes, [replace(claim, deliveries=claim.deliveries[::-1]) for claim in claims]


class ProducesWhatWasRefused(ReferenceStore):
    async def finish_and_claim(self, completions: Sequence[Completion], lanes: Collection[UUID], **how: Any) -> Both:
        await self.publish([new for completion in completions for new in completion.produced])
        return await super().finish_and_claim(completions, lanes, **how)


class FinishesThenFailsToClaim(ReferenceStore):
    async def finish_and_claim(self, completions: Sequence[Completion], lanes: Collection[UUID], **how: Any) -> Both:
        failing, self.failing = self.failing, False
        both = await super().finish_and_claim(completions, lanes, **how)
        await self.release(both[1] if failing else ())
        self.failing = failing
        await self.finish(())
        return both


class LeasesForEver(ReferenceStore):
    async def finish_and_claim(self, completions: Sequence[Completion], lanes: Collection[UUID], **how: Any) -> Both:
        how["lease"] = timedelta(days=1)
        return await super().finish_and_claim(completions, lanes, **how)


BROKEN_AT_GOING_ON: tuple[tuple[type[ReferenceStore], str], ...] = (
    (ClaimsNothingOnward, "what_was_produced_is_claimed"),
    (TakesLanesFromOthers, "lanes_of_others_are_not_claimed"),
    (PutsItsOwnFirst, "what_waited_before_comes_first"),
    (ProducesWhatWasRefused, "what_a_refused_completion_names_is_not_there_to_claim"),
    (FinishesThenFailsToClaim, "going_on_that_fails_does_nothing"),
    (LeasesForEver, "claims_that_begin_so_end_like_others"),
)
