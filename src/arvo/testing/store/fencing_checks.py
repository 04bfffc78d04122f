"""Checks of workers that outlived their claims: whatever they still do is refused and harms nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.ports.store import Completion, FinishOutcome, RetryLater
from arvo.testing.conformance import require
from arvo.testing.store.finish_checks import full_completion, traces
from arvo.testing.store.scene import checks_of, claim_one, finish_all, ids, publish, require_ids, require_nothing

if TYPE_CHECKING:
    from arvo.testing.store.under_test import StoreUnderTest

__all__ = ["FENCING_CHECKS"]


async def outlived_claim_cannot_finish(subject: StoreUnderTest) -> None:
    """A completion whose claim was lost to a successor is refused and leaves no trace, and the successor goes on."""
    await publish(subject.store, "a")
    zombie = await claim_one(subject.store, lease=subject.span)
    await subject.let_time_pass(subject.span * 1.1)
    successor = await claim_one(subject.peer, worker="worker-2")
    outcomes = await subject.store.finish([full_completion(zombie)])
    require(list(outcomes) == [FinishOutcome.FENCED], f"the outcome was {outcomes}")
    found = await traces(subject.peer)
    require(not found, f"it left {found}")
    await require_nothing(subject.store, "because of a refused completion")
    outcomes = await subject.peer.finish([Completion(claim=successor, consumed=successor.deliveries)])
    require(list(outcomes) == [FinishOutcome.COMMITTED], f"the outcome of the successor was {outcomes}")


async def outlived_claim_cannot_finish_after_its_successor(subject: StoreUnderTest) -> None:
    """A completion whose successor has finished is refused, whether the lane is empty, filled or claimed again."""
    await publish(subject.store, "a")
    zombie = await claim_one(subject.store, lease=subject.span)
    await subject.let_time_pass(subject.span * 1.1)
    await finish_all(subject.peer, [await claim_one(subject.peer, worker="worker-2")])
    for state in ("empty", "filled again", "claimed again"):
        if state == "filled again":
            await publish(subject.peer, "b")
        if state == "claimed again":
            # By the same worker, which must not help the old claim.
            await claim_one(subject.store)
        outcomes = await subject.store.finish([full_completion(zombie)])
        require(list(outcomes) == [FinishOutcome.FENCED], f"while the lane was {state} the outcome was {outcomes}")
        found = await traces(subject.peer)
        require(not found, f"while the lane was {state} it left {found}")


async def completion_counts_once(subject: StoreUnderTest) -> None:
    """A completion that was committed is refused when it comes again, and changes nothing."""
    await publish(subject.store, "a", "b")
    claim = await claim_one(subject.store, deliveries_per_lane=1)
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries)])
    again = Completion(claim=claim, consumed=claim.deliveries, retry=RetryLater(delay=subject.span, error="x"))
    outcomes = await subject.store.finish([again])
    require(list(outcomes) == [FinishOutcome.FENCED], f"the outcome was {outcomes}")
    require_ids(await claim_one(subject.store), "b")


async def expired_claim_without_successor_may_finish(subject: StoreUnderTest) -> None:
    """A claim is lost to a successor, not to the clock: late but unrivalled, it is carried out."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store, lease=subject.span)
    await subject.let_time_pass(subject.span * 1.1)
    outcomes = await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries)])
    require(list(outcomes) == [FinishOutcome.COMMITTED], f"the outcome was {outcomes}")
    await require_nothing(subject.peer, "although it was consumed")


async def removed_worker_cannot_finish(subject: StoreUnderTest) -> None:
    """A worker that was removed although it lives has its completions refused."""
    await publish(subject.store, "a")
    zombie = await claim_one(subject.store)
    await subject.peer.remove_workers(["worker-1"])
    outcomes = await subject.store.finish([full_completion(zombie)])
    require(list(outcomes) == [FinishOutcome.FENCED], f"the outcome was {outcomes}")
    claim = await claim_one(subject.peer)
    require(ids(claim) == ["a"] and await traces(subject.peer) == [], "a refused completion left traces")


FENCING_CHECKS = checks_of(
    outlived_claim_cannot_finish,
    outlived_claim_cannot_finish_after_its_successor,
    completion_counts_once,
    expired_claim_without_successor_may_finish,
    removed_worker_cannot_finish,
)
