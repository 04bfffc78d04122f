"""Checks of how claims end: all or nothing, revisions, retries, holding on. Lost claims are in `fencing_checks`."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest import SkipTest

from arvo.errors import BackendError
from arvo.ports.store import Completion, FinishOutcome, RetryLater, WorkflowStatus
from arvo.testing.conformance import require
from arvo.testing.store.scene import (
    HANDLER,
    checks_of,
    claim_one,
    claim_some,
    delivery,
    event,
    finish_all,
    ids,
    letter,
    publish,
    record,
    require_ids,
    require_nothing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.ports.store import Claim, Store
    from arvo.testing.store.under_test import StoreUnderTest

__all__ = ["FINISH_CHECKS", "full_completion", "traces"]

_WORKERS = 16
_EVERYTHING = ["com.b lane", "dead letter", "record", "timer", "waiting"]


def full_completion(claim: Claim) -> Completion:
    """A completion that names one of everything."""
    later = delivery("timer", handler="com.b", due=timedelta(days=2))
    return Completion(
        claim=claim,
        consumed=claim.deliveries,
        record=record(text='{"step":1}'),
        produced=[delivery("produced", handler="com.b"), later],
        waiting=[event("waiting", domain="human")],
        dead_letters=[letter("letter")],
        cancelled=["unwanted"],
    )


async def traces(store: Store) -> list[str]:
    """What of a full completion can be found in the store."""
    found = {
        "com.b lane": await store.lanes("com.b"),
        "dead letter": await store.dead_letters(),
        "record": await store.workflows(),
        "timer": await store.timers(handler="com.b"),
        "waiting": await store.waiting(),
    }
    return [name for name, items in found.items() if items]


async def finish_does_everything(subject: StoreUnderTest) -> None:
    """A completion consumes, writes, produces, sets and cancels timers, keeps what waits and what is given up."""
    await subject.store.publish([delivery("a"), delivery("unwanted", due=timedelta(days=2))])
    outcomes = await subject.store.finish([full_completion(await claim_one(subject.store))])
    require(list(outcomes) == [FinishOutcome.COMMITTED], f"the outcome was {outcomes}")
    found = await traces(subject.peer)
    require(found == _EVERYTHING, f"only {found} could be found afterwards")
    timers = [timer.event().id for timer in await subject.peer.timers()]
    require(timers == ["timer"], f"the timers were then {timers}")
    await require_nothing(subject.peer, "although it was consumed")


async def failed_finish_does_nothing(subject: StoreUnderTest) -> None:
    """A call that fails raises BackendError and leaves no trace; made again, it succeeds."""
    if subject.fail_commits is None:
        raise SkipTest("the check needs StoreUnderTest.fail_commits, which was not given")
    await subject.store.publish([delivery("a"), delivery("unwanted", due=timedelta(days=2))])
    claim = await claim_one(subject.store)
    async with subject.fail_commits():
        try:
            outcomes: Sequence[FinishOutcome] | None = await subject.store.finish([full_completion(claim)])
        except BackendError:
            outcomes = None
    require(outcomes is None, f"it answered {outcomes} although it could not be committed")
    found = await traces(subject.peer)
    require(not found, f"{found} could be found afterwards")
    timers = [timer.event().id for timer in await subject.peer.timers()]
    require(timers == ["unwanted"], f"the timers were then {timers}")
    outcomes = await subject.store.finish([full_completion(claim)])
    require(list(outcomes) == [FinishOutcome.COMMITTED], f"made again, it was answered {outcomes}")
    found = await traces(subject.peer)
    require(found == _EVERYTHING, f"made again, it left {found}")


async def stale_completion_is_refused(subject: StoreUnderTest) -> None:
    """A completion that was run on another revision leaves no trace; its lane is free, and the attempt not counted."""
    await publish(subject.store, "a", "b")
    claim = await claim_one(subject.store)
    await subject.store.finish([Completion(claim=claim, record=record())])
    claim = await claim_one(subject.store)
    stale = Completion(claim=claim, consumed=claim.deliveries, revision=claim.revision - 1, produced=[delivery("c")])
    outcomes = await subject.store.finish([stale])
    require(list(outcomes) == [FinishOutcome.STALE], f"the outcome was {outcomes}")
    again = await claim_one(subject.peer)
    require_ids(again, "a", "b")
    require(again.attempts == 1, f"it came as attempt number {again.attempts}")


async def event_of_a_failure_is_kept(subject: StoreUnderTest) -> None:
    """The event on which a workflow failed is kept byte for byte with the record, until the next write."""
    await publish(subject.store, "a", "b")
    claim = await claim_one(subject.store)
    failed = record(status=WorkflowStatus.FAILED, failed_on=claim.deliveries[0].event_json)
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries[:1], record=failed)])
    (stored,) = await subject.peer.workflows()
    require(stored.failed_on == claim.deliveries[0].event_json, f"the event kept was {stored.failed_on!r}")
    claim = await claim_one(subject.store)
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries, record=record())])
    stored_again = await subject.peer.workflow(HANDLER, "order-1")
    require(stored_again is not None and stored_again.failed_on is None, "the event was kept beyond the next write")


async def refused_completions_do_not_harm_others(subject: StoreUnderTest) -> None:
    """Of completions in one call those that are refused leave no trace, and the others are carried out."""
    await subject.store.publish([delivery(id_, f"order-{id_}") for id_ in "abcd"])
    claims = {ids(claim)[0]: claim for claim in await claim_some(subject.store)}
    await subject.store.release([claims["b"]])
    await claim_some(subject.peer, worker="worker-2")
    completions = [
        Completion(
            claim=claims[id_],
            consumed=claims[id_].deliveries,
            revision=7 if id_ == "c" else 0,
            produced=[
                delivery(f"from-{id_}", handler="com.b"),
                delivery(f"for-{id_}", f"order-{id_}", handler="com.c"),
            ],
        )
        for id_ in "abcd"
    ]
    outcomes = await subject.store.finish(completions)
    expected = [FinishOutcome.COMMITTED, FinishOutcome.FENCED, FinishOutcome.STALE, FinishOutcome.COMMITTED]
    require(list(outcomes) == expected, f"the outcomes were {list(outcomes)} instead of {expected}")
    found = sorted(ids(claim) for claim in await claim_some(subject.peer, handlers=("com.b", "com.c")))
    require(found == [["for-a"], ["for-d"], ["from-a", "from-d"]], f"what they produced was then {found}")
    left = [ids(claim) for claim in await claim_some(subject.peer)]
    require(left == [["c"]], f"what could be claimed again was {left}")


async def produced_events_arrive_behind_what_waits(subject: StoreUnderTest) -> None:
    """What a completion produces arrives in the order given, in its own lane behind what waits there already."""
    await publish(subject.store, "a", "b")
    claim = await claim_one(subject.store)
    produced = [delivery("z"), delivery("y", handler="com.b"), delivery("x"), delivery("w", handler="com.b")]
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries[:1], produced=produced)])
    require_ids(await claim_one(subject.store), "b", "z", "x")
    (other,) = await claim_some(subject.store, handlers=("com.b",))
    require_ids(other, "y", "w")


async def rest_of_a_claim_comes_again(subject: StoreUnderTest) -> None:
    """What a completion does not consume stays in the lane, in its order, and its attempts were not begun."""
    await publish(subject.store, "a", "b", "c")
    claim = await claim_one(subject.store)
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries[:1])])
    claim = await claim_one(subject.store)
    require_ids(claim, "b", "c")
    require(claim.attempts == 1, f"it came as attempt number {claim.attempts}")


async def held_claim_goes_on(subject: StoreUnderTest) -> None:
    """A claim that is held stays valid with the same token and lease, so its deliveries can be finished one by one."""
    await publish(subject.store, "a", "b", "c")
    claim = await claim_one(subject.store, lease=subject.span)
    for step in range(3):
        await require_nothing(subject.peer, "from a lane that was held")
        completion = Completion(
            claim=claim,
            consumed=claim.deliveries[step : step + 1],
            revision=step,
            record=record(text=f'{{"step":{step}}}'),
            hold=True,
        )
        outcomes = await subject.store.finish([completion])
        require(list(outcomes) == [FinishOutcome.COMMITTED], f"the outcome of step {step} was {outcomes}")
    await publish(subject.store, "d")
    claim = await claim_one(subject.peer)
    require_ids(claim, "d")
    require(claim.revision == 3, f"after 3 writes the revision was {claim.revision}")


async def holding_does_not_prolong_the_lease(subject: StoreUnderTest) -> None:
    """A held claim keeps its lease as it is; when that runs out, the rest can be claimed by others."""
    await publish(subject.store, "a", "b")
    claim = await claim_one(subject.store, lease=subject.span)
    await subject.let_time_pass(subject.span * 0.6)
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries[:1], hold=True)])
    await subject.let_time_pass(subject.span * 0.6)
    claim = await claim_one(subject.peer)
    require_ids(claim, "b")
    require(claim.attempts == 2, f"it came as attempt number {claim.attempts}")


async def retry_keeps_the_lane_closed(subject: StoreUnderTest) -> None:
    """A lane whose delivery is to be retried stays closed for the delay; nothing overtakes it, and attempts count."""
    await publish(subject.store, "a", "b", "c")
    claim = await claim_one(subject.store)
    retry = RetryLater(delay=subject.span, error="it was\0 \ud800 busy")
    for attempt in (1, 2, 3):
        consumed = claim.deliveries[:1] if attempt == 1 else ()
        await subject.store.finish([Completion(claim=claim, consumed=consumed, retry=retry)])
        await publish(subject.store, f"late-{attempt}")
        (lane,) = await subject.store.lanes(HANDLER)
        seen = lane.error is not None and "busy" in lane.error
        require(seen, f"the lane's error was shown as {lane.error!r}")
        await subject.let_time_pass(subject.span * 0.5)
        await require_nothing(subject.peer, "after half of the delay")
        await subject.let_time_pass(subject.span * 0.6)
        claim = await claim_one(subject.peer)
        require_ids(claim, "b")
        require(claim.attempts == attempt + 1, f"try number {attempt + 1} came as number {claim.attempts}")
    await finish_all(subject.store, [claim])
    require_ids(await claim_one(subject.store), "c", "late-1", "late-2", "late-3")


async def crossing_completions_neither_block_nor_lose(subject: StoreUnderTest) -> None:
    """Many tasks that finish groups producing into each other's lanes, in any order, neither block nor lose events."""
    rounds, lanes = 6, [f"order-{number}" for number in range(8)]
    await subject.store.publish([delivery(f"0-{lane}-{lane}", lane) for lane in lanes])
    consumed: list[str] = []

    async def work(number: int) -> None:
        store = subject.peer if number % 2 else subject.store
        while len(consumed) < total:
            # A store may answer without giving way to others, and a broken one for ever.
            await asyncio.sleep(0)
            claims = await claim_some(store, worker=f"worker-{number}", lanes=3)
            completions: list[Completion] = []
            for claim in claims:
                targets = lanes if number % 3 else lanes[::-1]
                done = ids(claim)
                # Each event begets one in every lane, until the last round; ids say who begot them.
                begotten = [
                    delivery(f"{int(id_.split('-')[0]) + 1}-{claim.lane}-{target}", target)
                    for id_ in done
                    if int(id_.split("-")[0]) < rounds
                    for target in targets
                ]
                completions.append(Completion(claim=claim, consumed=claim.deliveries, produced=begotten))
                consumed.extend(done)
            await store.finish(completions)

    # Duplicates among them are dropped: in each round a lane gets one event from every lane.
    total = len(lanes) + rounds * len(lanes) ** 2
    await asyncio.gather(*(work(number) for number in range(_WORKERS)))
    distinct = len(set(consumed))
    require(len(consumed) == total, f"{len(consumed)} of {total} events were consumed")
    require(distinct == len(consumed), f"{len(consumed) - distinct} events were consumed twice")


FINISH_CHECKS = checks_of(
    finish_does_everything,
    failed_finish_does_nothing,
    stale_completion_is_refused,
    event_of_a_failure_is_kept,
    refused_completions_do_not_harm_others,
    produced_events_arrive_behind_what_waits,
    rest_of_a_claim_comes_again,
    held_claim_goes_on,
    holding_does_not_prolong_the_lease,
    retry_keeps_the_lane_closed,
    crossing_completions_neither_block_nor_lose,
)
