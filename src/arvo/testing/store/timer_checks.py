"""Checks of timers: when they arrive, in which order, how they are cancelled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from arvo.ports.store import Completion
from arvo.testing.conformance import require
from arvo.testing.store.scene import (
    HANDLER,
    checks_of,
    claim_one,
    claim_some,
    delivery,
    finish_all,
    ids,
    publish,
    require_ids,
    require_nothing,
)

if TYPE_CHECKING:
    from arvo.testing.store.under_test import StoreUnderTest

__all__ = ["TIMER_CHECKS"]

_MANY = 32


async def timer_arrives_when_it_is_due(subject: StoreUnderTest) -> None:
    """A timer arrives when its time has come and not before, set by a delay or by a time, published or produced."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    span = subject.span
    await subject.store.finish(
        [Completion(claim=claim, consumed=claim.deliveries, produced=[delivery("produced", "order-2", due=span)])]
    )
    await subject.store.publish([delivery("published", "order-3", due=span)])
    (known, *_) = await subject.store.timers()
    await subject.store.publish([delivery("at a time", "order-4", due=known.due_at)])
    await subject.let_time_pass(span * 0.5)
    await require_nothing(subject.store, "at half of its delay")
    await subject.let_time_pass(span * 0.7)
    found = sorted(ids(claim) for claim in await claim_some(subject.peer))
    require(found == [["at a time"], ["produced"], ["published"]], f"when all were due {found} had arrived")
    left = await subject.store.timers()
    require(not left, f"{len(left)} timers were left although they had arrived")


async def timers_arrive_in_order_of_their_times(subject: StoreUnderTest) -> None:
    """Timers that are due together arrive in the order of their times, behind what waits in their lane already."""
    span = subject.span
    await subject.store.publish([delivery(str(n), due=span * n / 10) for n in (3, 1, 5, 2, 4)])
    await publish(subject.store, "waits")
    await subject.let_time_pass(span)
    require_ids(await claim_one(subject.store), "waits", "1", "2", "3", "4", "5")


async def past_timer_arrives_at_once(subject: StoreUnderTest) -> None:
    """A timer for a time that has passed arrives with the next claim."""
    await subject.store.publish([delivery("a", due=datetime(2000, 1, 1, tzinfo=UTC))])
    require_ids(await claim_one(subject.store), "a")


async def cancelled_timer_never_arrives(subject: StoreUnderTest) -> None:
    """A timer that a completion of its lane cancels never arrives; timers of the same name elsewhere do."""
    due = subject.span * 0.5
    await subject.store.publish(
        [delivery("t", due=due), delivery("t", handler="com.b", due=due), delivery("u", due=due)]
    )
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries, cancelled=["t", "never set"])])
    await subject.let_time_pass(subject.span)
    found = {claim.handler: ids(claim) for claim in await claim_some(subject.store, handlers=(HANDLER, "com.b"))}
    require(found == {HANDLER: ["u"], "com.b": ["t"]}, f"what arrived was {found}")


async def arrived_timer_is_not_recalled(subject: StoreUnderTest) -> None:
    """Cancelling a timer that has arrived already changes nothing."""
    await subject.store.publish([delivery("a"), delivery("t", due=subject.span * 0.5)])
    await subject.let_time_pass(subject.span)
    claim = await claim_one(subject.store)
    require_ids(claim, "a", "t")
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries[:1], cancelled=["t"])])
    require_ids(await claim_one(subject.store), "t")


async def timer_is_set_once(subject: StoreUnderTest) -> None:
    """A timer that is set again keeps its time and arrives once; its event counts as consumed afterwards."""
    await subject.store.publish([delivery("t", due=subject.span * 0.5)])
    again = await subject.store.publish([delivery("t", due=subject.span * 9)])
    require(again == 0, "it was counted as new when it was set again")
    await subject.let_time_pass(subject.span)
    claim = await claim_one(subject.store)
    require_ids(claim, "t")
    await finish_all(subject.store, [claim])
    await subject.store.publish([delivery("t", due=subject.span * 0.5)])
    await subject.let_time_pass(subject.span)
    await require_nothing(subject.store, "although its event had been consumed before it was set once more")


async def timers_arrive_once_among_many_claimers(subject: StoreUnderTest) -> None:
    """Of many claimers at the moment when timers are due, each timer arrives for one."""
    await subject.store.publish([delivery(str(n), f"order-{n}", due=subject.span * 0.5) for n in range(_MANY)])
    await subject.let_time_pass(subject.span)
    found: list[str] = []

    async def work(number: int) -> None:
        store = subject.peer if number % 2 else subject.store
        while len(found) < _MANY:
            await asyncio.sleep(0)
            claims = await claim_some(store, worker=f"worker-{number}", lanes=4)
            found.extend(id_ for claim in claims for id_ in ids(claim))
            await finish_all(store, claims)

    await asyncio.gather(*(work(number) for number in range(8)))
    require(sorted(found) == sorted(map(str, range(_MANY))), f"{_MANY} timers arrived {len(found)} times")


async def wait_ends_when_a_timer_is_due(subject: StoreUnderTest) -> None:
    """Waiting for work ends when a timer or a retry is due, without anything being stored."""
    await subject.store.publish([delivery("a", due=timedelta(milliseconds=150))])
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(10):
        while not await claim_some(subject.store):
            await subject.store.wait_for_work([HANDLER], timedelta(seconds=60))
    took = loop.time() - started
    require(took < 1, f"a timer of 0.15 s was noticed after {took:.2f} s")


TIMER_CHECKS = checks_of(
    timer_arrives_when_it_is_due,
    timers_arrive_in_order_of_their_times,
    past_timer_arrives_at_once,
    cancelled_timer_never_arrives,
    arrived_timer_is_not_recalled,
    timer_is_set_once,
    timers_arrive_once_among_many_claimers,
    wait_ends_when_a_timer_is_due,
)
