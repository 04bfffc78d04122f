"""Checks of claims that begin in the transaction in which others end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from unittest import SkipTest

from arvo.errors import BackendError
from arvo.ports.store import Completion, FinishOutcome, lane_id
from arvo.testing.conformance import require
from arvo.testing.store.scene import (
    LONG,
    checks_of,
    claim_one,
    claim_some,
    delivery,
    finish_all,
    ids,
    publish,
    record,
    require_ids,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.ports.store import Claim, Store
    from arvo.testing.store.under_test import StoreUnderTest

__all__ = ["ONWARD_CHECKS"]

_NEXT = "com.b"


async def _go_on(
    store: Store, *completions: Completion, subject: str = "order-1", lease: timedelta = LONG
) -> tuple[Sequence[FinishOutcome], Sequence[Claim]]:
    """Finish, and claim the lane of the next handler."""
    return await store.finish_and_claim(
        completions, {lane_id(_NEXT, subject)}, worker="worker-1", deliveries_per_lane=100, lease=lease
    )


async def what_was_produced_is_claimed(subject: StoreUnderTest) -> None:
    """A lane that was produced for comes as a claim like any other: its events in order, its record, attempt one."""
    await publish(subject.store, "before", handler=_NEXT)
    before = (await claim_some(subject.store, handlers=(_NEXT,)))[0]
    await subject.store.finish([Completion(claim=before, consumed=before.deliveries, record=record(text='{"n":1}'))])
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    produced = [delivery("b", handler=_NEXT), delivery("c", handler=_NEXT)]
    outcomes, claims = await _go_on(
        subject.store, Completion(claim=claim, consumed=claim.deliveries, produced=produced)
    )
    require(list(outcomes) == [FinishOutcome.COMMITTED], f"the outcomes were {outcomes}")
    require(len(claims) == 1, f"{len(claims)} lanes were claimed where one was produced for")
    require_ids(claims[0], "b", "c")
    found = (claims[0].attempts, claims[0].record_json, claims[0].revision)
    require(found == (1, b'{"n":1}', 1), f"attempts, record and revision were {found}")
    others = await claim_some(subject.peer, worker="worker-2", handlers=(_NEXT,))
    require(not others, f"{[ids(other) for other in others]} could be claimed by somebody else")
    await finish_all(subject.store, claims)
    left = await subject.peer.queues()
    require(not left, f"{left} was left when all was finished")


async def lanes_of_others_are_not_claimed(subject: StoreUnderTest) -> None:
    """A lane that somebody works on stays theirs, and what is produced for it waits there."""
    await publish(subject.store, "first", handler=_NEXT)
    other = (await claim_some(subject.peer, worker="worker-2", handlers=(_NEXT,)))[0]
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    produced = Completion(claim=claim, consumed=claim.deliveries, produced=[delivery("b", handler=_NEXT)])
    _, claims = await _go_on(subject.store, produced)
    require(not claims, f"{[ids(claim) for claim in claims]} were taken from somebody who works on them")
    await finish_all(subject.peer, [other])
    require_ids((await claim_some(subject.peer, handlers=(_NEXT,)))[0], "b")


async def what_waited_before_comes_first(subject: StoreUnderTest) -> None:
    """In a lane that was due already the events come in order of arrival; timers and retries are not due."""
    await publish(subject.store, "first", handler=_NEXT)
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    later = delivery("later", "order-2", handler=_NEXT, due=timedelta(days=2))
    completion = Completion(claim=claim, consumed=claim.deliveries, produced=[delivery("b", handler=_NEXT), later])
    _, claims = await subject.store.finish_and_claim(
        [completion],
        [lane_id(_NEXT, "order-1"), lane_id(_NEXT, "order-2"), lane_id(_NEXT, "order-3")],
        worker="worker-1",
        deliveries_per_lane=100,
        lease=LONG,
    )
    require(len(claims) == 1, f"{len(claims)} lanes were claimed where one was due")
    require_ids(claims[0], "first", "b")


async def what_a_refused_completion_names_is_not_there_to_claim(subject: StoreUnderTest) -> None:
    """Nothing is claimed of what a completion would have produced that is refused, another of the call goes on."""
    await publish(subject.store, "a")
    await publish(subject.store, "z", subject="order-2")
    refused, good = sorted(await claim_some(subject.store), key=lambda claim: ids(claim))
    outcomes, claims = await _go_on(
        subject.store,
        Completion(claim=refused, consumed=refused.deliveries, revision=7, produced=[delivery("b", handler=_NEXT)]),
        Completion(claim=good, consumed=good.deliveries),
    )
    require(list(outcomes) == [FinishOutcome.STALE, FinishOutcome.COMMITTED], f"the outcomes were {outcomes}")
    require(not claims, f"{[ids(claim) for claim in claims]} were claimed")


async def going_on_that_fails_does_nothing(subject: StoreUnderTest) -> None:
    """A call that fails raises BackendError, and neither ends nor begins a claim; made again, it does both."""
    if subject.fail_commits is None:
        raise SkipTest("the check needs StoreUnderTest.fail_commits, which was not given")
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    completion = Completion(claim=claim, consumed=claim.deliveries, produced=[delivery("b", handler=_NEXT)])
    failed = False
    async with subject.fail_commits():
        try:
            await _go_on(subject.store, completion)
        except BackendError:
            failed = True
    require(failed, "it answered although it could not be committed")
    found = await claim_some(subject.peer, handlers=(_NEXT,))
    require(not found, f"{[ids(claim) for claim in found]} could be claimed, which was not to be stored")
    outcomes, claims = await _go_on(subject.store, completion)
    require(list(outcomes) == [FinishOutcome.COMMITTED], f"made again, it was answered {outcomes}")
    require_ids(claims[0], "b")


async def claims_that_begin_so_end_like_others(subject: StoreUnderTest) -> None:
    """When the lease is over, others get the lane, and what comes under the old token is refused."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    completion = Completion(claim=claim, consumed=claim.deliveries, produced=[delivery("b", handler=_NEXT)])
    _, claims = await _go_on(subject.store, completion, lease=subject.span)
    await subject.let_time_pass(subject.span * 2)
    again = (await claim_some(subject.peer, worker="worker-2", handlers=(_NEXT,)))[0]
    require(again.attempts == 2, f"it came as attempt number {again.attempts}")
    outcomes = await subject.store.finish([Completion(claim=claims[0], consumed=claims[0].deliveries)])
    require(list(outcomes) == [FinishOutcome.FENCED], f"the outcome under the old token was {outcomes}")


ONWARD_CHECKS = checks_of(
    what_was_produced_is_claimed,
    lanes_of_others_are_not_claimed,
    what_waited_before_comes_first,
    what_a_refused_completion_names_is_not_there_to_claim,
    going_on_that_fails_does_nothing,
    claims_that_begin_so_end_like_others,
)
