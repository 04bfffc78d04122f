"""Checks of answers: those that callers collect, those that nobody claims, and those to events that wait for one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest import SkipTest

from arvo.errors import BackendError
from arvo.ports.store import Completion, FinishOutcome, RetryLater
from arvo.testing.conformance import require
from arvo.testing.store.scene import (
    HANDLER,
    checks_of,
    claim_one,
    claim_some,
    delivery,
    event,
    ids,
    publish,
    require_ids,
    require_nothing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.ports.store import Delivery
    from arvo.testing.store.under_test import StoreUnderTest

__all__ = ["ANSWER_CHECKS"]


def _ids(deliveries: Iterable[Delivery]) -> list[str]:
    return [one.event().id for one in deliveries]


async def collecting_consumes_one_lane(subject: StoreUnderTest) -> None:
    """Collecting takes what has arrived in one lane, in order, and consumes it; other lanes stay as they are."""
    await publish(subject.store, "a", "b")
    await publish(subject.store, "c", subject="order-2")
    await publish(subject.store, "d", handler="com.b")
    found = _ids(await subject.peer.collect(HANDLER, "order-1"))
    require(found == ["a", "b"], f"what was collected is {found}")
    again = _ids(await subject.store.collect(HANDLER, "order-1"))
    require(not again, f"{again} could be collected again")
    require(await publish(subject.store, "a") == 0, "an event that was collected could be published again")
    left = sorted(ids(claim) for claim in await claim_some(subject.store, handlers=(HANDLER, "com.b")))
    require(left == [["c"], ["d"]], f"what was left in other lanes is {left}")


async def everything_is_collected_once(subject: StoreUnderTest) -> None:
    """Of many who collect one lane at the same time, each event goes to one."""
    await subject.store.publish([delivery(str(number)) for number in range(20)])
    stores = (subject.store, subject.peer) * 4
    found = await asyncio.gather(*(store.collect(HANDLER, "order-1") for store in stores))
    numbers = sorted(int(id_) for one in found for id_ in _ids(one))
    require(numbers == list(range(20)), f"the events collected were {numbers}")


async def leased_lane_is_not_collected(subject: StoreUnderTest) -> None:
    """Nothing is collected while a lane is leased; once the lease ran out everything is, and the claim is lost."""
    await publish(subject.store, "a", "b")
    claim = await claim_one(subject.store, lease=subject.span)
    found = _ids(await subject.peer.collect(HANDLER, "order-1"))
    require(not found, f"{found} could be collected while somebody worked on the lane")
    await subject.let_time_pass(subject.span * 1.5)
    found = _ids(await subject.peer.collect(HANDLER, "order-1"))
    require(found == ["a", "b"], f"what was collected after the lease is {found}")
    await publish(subject.store, "c")
    outcomes = await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries)])
    require(list(outcomes) == [FinishOutcome.FENCED], f"the outcome of the claim was {outcomes}")
    require_ids(await claim_one(subject.store), "c")


async def due_timers_are_collected(subject: StoreUnderTest) -> None:
    """What has become due is collected in its order, and what has not is not."""
    await subject.store.publish([delivery("late", due=subject.span * 0.5), delivery("later", due=subject.span * 1000)])
    await publish(subject.store, "a")
    await subject.let_time_pass(subject.span)
    found = _ids(await subject.store.collect(HANDLER, "order-1"))
    require(found == ["a", "late"], f"what was collected is {found}")


async def failed_collect_takes_nothing(subject: StoreUnderTest) -> None:
    """A call that cannot be committed raises BackendError and takes nothing; made again, it succeeds."""
    if subject.fail_commits is None:
        raise SkipTest("the check needs StoreUnderTest.fail_commits, which was not given")
    await publish(subject.store, "a")
    async with subject.fail_commits():
        try:
            found: list[str] | None = _ids(await subject.store.collect(HANDLER, "order-1"))
        except BackendError:
            found = None
    require(found is None, f"{found} was collected although that could not be committed")
    found = _ids(await subject.store.collect(HANDLER, "order-1"))
    require(found == ["a"], f"made again, it took {found}")


async def completion_answers_waiting_events(subject: StoreUnderTest) -> None:
    """An event that a completion answers waits no longer, unless the completion is refused; unknown ids are ignored."""
    await publish(subject.store, "a", "b", "c")
    claim = await claim_one(subject.store)
    asks = [event(id_, domain="human") for id_ in ("ask", "ask too")]
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries[:1], waiting=asks)])
    claim = await claim_one(subject.store)
    await subject.store.finish([Completion(claim=claim, revision=7, answered=["ask"])])
    require(await subject.peer.waiting_event("ask") is not None, "a completion that was refused answered an event")
    claim = await claim_one(subject.store)
    answering = Completion(claim=claim, consumed=claim.deliveries, answered=["ask", "unknown"])
    outcomes = await subject.store.finish([answering])
    require(list(outcomes) == [FinishOutcome.COMMITTED], f"the outcome was {outcomes}")
    left = [waiting.event_id for waiting in await subject.peer.waiting()]
    require(left == ["ask too"], f"what waited then was {left}")


async def answers_of_all_kinds_do_not_block_each_other(subject: StoreUnderTest) -> None:
    """Completions and people that answer the same events at the same time all come to an end, and one answer counts."""
    asks = [event(f"ask {number}", domain="human") for number in range(4)]
    await publish(subject.store, "start", subject="asking")
    claim = await claim_one(subject.store)
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries, waiting=asks)])
    await subject.store.publish([delivery(f"answer {number}", f"lane-{number}") for number in range(4)])
    claims = await claim_some(subject.store)
    named = [[one.id for one in asks], [one.id for one in reversed(asks)]]

    async def finish(number: int) -> None:
        store = (subject.store, subject.peer)[number % 2]
        await store.finish([Completion(claim=claims[number], answered=named[number % 2])])

    async def answer(number: int) -> bool:
        store = (subject.store, subject.peer)[number % 2]
        return await store.answer(asks[number].id, [delivery(f"by hand {number}", f"lane-{number}")])

    finishing = [asyncio.ensure_future(finish(number)) for number in range(4)]
    by_hand = await asyncio.gather(*(answer(number) for number in range(4)))
    await asyncio.gather(*finishing)
    require(not await subject.store.waiting(), "an event still waited although it was answered")
    arrived = [id_ for claim in await claim_some(subject.store) for id_ in ids(claim) if id_.startswith("by hand")]
    require(len(arrived) == sum(by_hand), f"{sum(by_hand)} people were told that they answered, and {arrived} arrived")


async def unclaimed_events_can_be_dropped(subject: StoreUnderTest) -> None:
    """Dropping removes what arrived long ago for one address and counts it as consumed, and nothing else."""
    store, old = subject.store, subject.span
    await publish(store, "a", "b", subject="gone")
    await publish(store, "c", subject="failing")
    await publish(store, "d", subject="other", handler="com.b")
    await publish(store, "e", subject="busy")
    claims = {ids(claim)[0]: claim for claim in await claim_some(store, lease=old * 10)}
    failed = RetryLater(delay=timedelta(days=1), error="wrong")
    await store.finish([Completion(claim=claims["c"], retry=failed)])
    await store.release([claims["a"]])
    await store.publish([delivery("timer", "gone", due=old * 1000)])
    await subject.let_time_pass(old * 1.5)
    await publish(store, "f", subject="failing")
    dropped = await subject.peer.drop_unclaimed(HANDLER, old)
    require(dropped == 3, f"{dropped} events were dropped instead of 3")
    left = sorted(ids(claim) for claim in await claim_some(store, handlers=(HANDLER, "com.b")))
    require(left == [["d"], ["f"]], f"what could be claimed then was {left}")
    require(len(await store.timers()) == 1, "a timer was dropped")
    require(await publish(store, "a", subject="gone") == 0, "an event that was dropped arrived again")
    outcomes = await store.finish([Completion(claim=claims["e"], consumed=claims["e"].deliveries)])
    require(list(outcomes) == [FinishOutcome.COMMITTED], f"the outcome of running work was {outcomes}")
    require(await store.drop_unclaimed(HANDLER, timedelta(0)) == 0, "what somebody works on was dropped")


async def many_unclaimed_events_can_be_dropped(subject: StoreUnderTest) -> None:
    """Everything that is old enough is dropped, however many lanes it is in."""
    await subject.store.publish([delivery(str(number), f"order-{number}") for number in range(1100)])
    dropped = await subject.store.drop_unclaimed(HANDLER, timedelta(0))
    require(dropped == 1100, f"{dropped} events were dropped instead of 1100")
    await require_nothing(subject.store, "although it was dropped")


ANSWER_CHECKS = checks_of(
    collecting_consumes_one_lane,
    everything_is_collected_once,
    leased_lane_is_not_collected,
    due_timers_are_collected,
    failed_collect_takes_nothing,
    completion_answers_waiting_events,
    answers_of_all_kinds_do_not_block_each_other,
    unclaimed_events_can_be_dropped,
    many_unclaimed_events_can_be_dropped,
)
