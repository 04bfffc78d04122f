"""Checks of claims: what is taken and in which order, one owner at a time, leases, renewal, release."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.ports.store import Completion, WorkerInfo
from arvo.testing.conformance import require
from arvo.testing.store.scene import (
    HANDLER,
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
    require_nothing,
)

if TYPE_CHECKING:
    from arvo.testing.store.under_test import StoreUnderTest

__all__ = ["CLAIM_CHECKS"]

_CLAIMERS = 32


async def claim_takes_what_was_asked_for(subject: StoreUnderTest) -> None:
    """A claim takes lanes of the named handlers only, no more of each and in all than asked for."""
    for handler in ("com.a", "com.b", "com.c"):
        await subject.store.publish([delivery(f"{n}", f"order-{n}", handler=handler) for n in range(5)])
    claims = await claim_some(subject.store, handlers={"com.a": 2, "com.b": 4}, lanes=5)
    counts = {name: sum(claim.handler == name for claim in claims) for name in ("com.a", "com.b", "com.c")}
    require(counts["com.c"] == 0, "lanes of a handler that was not named were taken")
    require(counts["com.a"] <= 2 and counts["com.b"] <= 4, f"lanes were taken beyond the limits: {counts}")
    require(len(claims) == 5, f"{len(claims)} lanes were taken instead of 5")
    require(not await claim_some(subject.store, handlers={"com.c": 0}), "a lane was taken where none was asked for")
    require(not await claim_some(subject.store, handlers=()), "a lane was taken for no handler")


async def claim_takes_as_many_deliveries_as_asked_for(subject: StoreUnderTest) -> None:
    """A claim comes with the first deliveries of its lane, as many as asked for."""
    await subject.store.publish([delivery(str(number)) for number in range(5)])
    claim = await claim_one(subject.store, deliveries_per_lane=3)
    require_ids(claim, "0", "1", "2")
    await finish_all(subject.store, [claim])
    require_ids(await claim_one(subject.store, deliveries_per_lane=3), "3", "4")


async def higher_priority_comes_first(subject: StoreUnderTest) -> None:
    """Lanes of higher priority are claimed first, among equals those that are due longest, over all handlers."""
    for place, (handler, priority) in enumerate(
        [("com.a", 0), ("com.b", 5), ("com.a", -5), ("com.b", 0), ("com.a", 5)]
    ):
        await subject.store.publish([delivery(str(place), f"order-{place}", handler=handler, priority=priority)])
        await subject.let_time_pass(subject.span * 0.01)
    found: list[str] = []
    for _ in range(5):
        claims = await claim_some(subject.store, handlers=("com.a", "com.b"), lanes=1)
        found += [ids(claim)[0] for claim in claims]
    require(found == ["1", "4", "0", "3", "2"], f"they came in the order {found}")


async def urgent_event_hurries_its_lane(subject: StoreUnderTest) -> None:
    """A lane has the priority of the most urgent event in it, which its claim tells, and the order of arrival."""
    await publish(subject.store, "early", subject="order-early")
    await publish(subject.store, "first")
    await subject.store.publish([delivery("urgent", priority=9)])
    (claim,) = await claim_some(subject.store, lanes=1)
    require_ids(claim, "first", "urgent")
    require(claim.priority == 9, f"the claim told the priority {claim.priority}")


async def leased_lane_is_not_claimed_again(subject: StoreUnderTest) -> None:
    """A lane that is leased is not claimed again, by anyone; what arrives meanwhile waits in it."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    await publish(subject.store, "b")
    await require_nothing(subject.store, "from a leased lane")
    await require_nothing(subject.peer, "from a lane leased by another process")
    await finish_all(subject.store, [claim])
    require_ids(await claim_one(subject.peer), "b")


async def claim_knows_its_record(subject: StoreUnderTest) -> None:
    """A claim comes with the record of its lane and how often it was written; None and 0 when there is none."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    require((claim.record_json, claim.revision) == (None, 0), f"a new lane came with revision {claim.revision}")
    for revision in (1, 2):
        text = f'{{"step":{revision}}}'
        await subject.store.finish([Completion(claim=claim, record=record(text=text))])
        claim = await claim_one(subject.peer)
        seen = (claim.record_json, claim.revision)
        require(seen == (text.encode(), revision), f"after {revision} writes the claim came with {seen}")


async def one_owner_at_a_time(subject: StoreUnderTest) -> None:
    """Of many claimers at once each lane goes to one, and every event is handed out and consumed exactly once."""
    deliveries = [delivery(f"{lane}-{n}", f"order-{lane}") for n in range(4) for lane in range(20)]
    await subject.store.publish(deliveries)
    working: set[object] = set()
    consumed: list[str] = []

    async def work(number: int) -> None:
        store = subject.peer if number % 2 else subject.store
        while len(consumed) < len(deliveries):
            claims = await claim_some(store, worker=f"worker-{number}", lanes=3, deliveries_per_lane=2)
            for claim in claims:
                require(claim.lane not in working, "a lane was worked on by two claimers at the same time")
                working.add(claim.lane)
            await asyncio.sleep(0)
            for claim in claims:
                working.discard(claim.lane)
                consumed.extend(ids(claim))
            await finish_all(store, claims)

    await asyncio.gather(*(work(number) for number in range(_CLAIMERS)))
    require(sorted(consumed) == sorted(one.event.id for one in deliveries), "events were lost or handed out twice")
    for lane in range(20):
        order = [id_ for id_ in consumed if id_.startswith(f"{lane}-")]
        require(order == [f"{lane}-{n}" for n in range(4)], f"the events of a lane came as {order}")


async def lease_runs_out(subject: StoreUnderTest) -> None:
    """When a lease has run out the lane can be claimed by anyone, and the attempt counts."""
    await publish(subject.store, "a", "b")
    claim = await claim_one(subject.store, lease=subject.span)
    require(claim.attempts == 1, f"the first attempt was number {claim.attempts}")
    await subject.let_time_pass(subject.span * 1.1)
    claim = await claim_one(subject.peer, worker="worker-2", lease=subject.span)
    require(claim.attempts == 2, f"the second attempt was number {claim.attempts}")


async def what_was_begun_before_comes_alone(subject: StoreUnderTest) -> None:
    """A lane whose first delivery was begun before comes with that one alone; once it is done, the rest comes."""
    await publish(subject.store, "a", "b", "c")
    require_ids(await claim_one(subject.store, lease=subject.span), "a", "b", "c")
    await subject.let_time_pass(subject.span * 1.1)
    claim = await claim_one(subject.store)
    require_ids(claim, "a")
    await finish_all(subject.store, [claim])
    claim = await claim_one(subject.store)
    require_ids(claim, "b", "c")
    require(claim.attempts == 1, f"the first attempt at the next delivery was number {claim.attempts}")


async def lease_lives_its_time(subject: StoreUnderTest) -> None:
    """A lease does not run out before its time."""
    await publish(subject.store, "a")
    await claim_one(subject.store, lease=subject.span)
    await subject.let_time_pass(subject.span * 0.4)
    await require_nothing(subject.peer, "after 0.4 of the lease")


async def renewed_lease_runs_anew(subject: StoreUnderTest) -> None:
    """A renewed lease runs from the moment of renewal."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store, lease=subject.span)
    await subject.let_time_pass(subject.span * 0.7)
    lost = await subject.store.renew([claim], subject.span)
    require(not lost, "the claim counted as lost at 0.7 of its lease")
    await subject.let_time_pass(subject.span * 0.4)
    await require_nothing(subject.peer, "0.4 of a lease after its renewal")
    await subject.let_time_pass(subject.span * 0.7)
    require_ids(await claim_one(subject.peer), "a")


async def renewal_names_what_was_lost(subject: StoreUnderTest) -> None:
    """A renewal returns the claims that were lost, prolongs the others, and does not touch their successors."""
    await publish(subject.store, "a", subject="order-a")
    await publish(subject.store, "b", subject="order-b")
    first = {ids(claim)[0]: claim for claim in await claim_some(subject.store, lease=subject.span)}
    await subject.store.renew([first["b"]], LONG)
    await subject.let_time_pass(subject.span * 1.1)
    successor = await claim_one(subject.peer, worker="worker-2", lease=subject.span)
    lost = await subject.store.renew([first["a"], first["b"]], LONG)
    require([ids(claim) for claim in lost] == [["a"]], f"{[ids(claim) for claim in lost]} counted as lost")
    await subject.let_time_pass(subject.span * 1.1)
    again = await claim_some(subject.store)
    require([ids(claim) for claim in again] == [ids(successor)], "the renewal prolonged the lease of the successor")


async def released_lane_is_free_at_once(subject: StoreUnderTest) -> None:
    """A released lane can be claimed at once, and the attempt does not count."""
    await publish(subject.store, "a", "b")
    for _ in range(3):
        claim = await claim_one(subject.store)
        require_ids(claim, "a", "b")
        require(claim.attempts == 1, f"after a release it was attempt number {claim.attempts}")
        await subject.store.release([claim])


async def release_of_a_lost_claim_does_nothing(subject: StoreUnderTest) -> None:
    """Releasing a claim that was lost does not free the lane of its successor."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store, lease=subject.span)
    await subject.let_time_pass(subject.span * 1.1)
    await claim_one(subject.peer, worker="worker-2")
    await subject.store.release([claim])
    await require_nothing(subject.store, "after a claim was released that had been lost")


async def lanes_of_a_removed_worker_are_free_at_once(subject: StoreUnderTest) -> None:
    """When workers are removed their lanes, and no others, can be claimed at once; the attempt counts."""
    await subject.store.publish([delivery(n, f"order-{n}") for n in "abc"])
    for worker in ("dead-1", "dead-2", "alive"):
        await subject.store.heartbeat(WorkerInfo(id=worker, host="h", pid=1, process_key="k", handlers=(HANDLER,)))
        await claim_some(subject.store, worker=worker, lanes=1)
    freed = await subject.peer.remove_workers(["dead-1", "dead-2", "unknown"])
    require(freed == 2, f"{freed} lanes were reported free instead of 2")
    claims = await claim_some(subject.peer)
    require(len(claims) == 2, f"{len(claims)} lanes could be claimed instead of 2")
    attempts = [claim.attempts for claim in claims]
    require(attempts == [2, 2], f"they came as attempts {attempts}")
    workers = [status.info.id for status in await subject.store.workers()]
    require(workers == ["alive"], f"the list of workers was then {workers}")


async def wait_ends_with_new_work(subject: StoreUnderTest) -> None:
    """Waiting for work ends soon after work was stored, through the same instance or another."""
    for number, store in enumerate((subject.store, subject.peer)):
        waiting = asyncio.ensure_future(_wait_until_claimed(subject))
        await asyncio.sleep(0.05)
        await publish(store, str(number), subject=f"order-{number}")
        async with asyncio.timeout(5):
            await waiting


async def _wait_until_claimed(subject: StoreUnderTest) -> None:
    while not await claim_some(subject.store):
        await subject.store.wait_for_work([HANDLER], timedelta(seconds=60))


async def wait_ends_after_its_time(subject: StoreUnderTest) -> None:
    """Waiting for work ends after the time given, when there is none."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(5):
        await subject.store.wait_for_work([HANDLER], timedelta(milliseconds=100))
    took = loop.time() - started
    require(took < 1, f"it took {took:.1f} s instead of 0.1")


CLAIM_CHECKS = checks_of(
    claim_takes_what_was_asked_for,
    claim_takes_as_many_deliveries_as_asked_for,
    higher_priority_comes_first,
    urgent_event_hurries_its_lane,
    leased_lane_is_not_claimed_again,
    claim_knows_its_record,
    one_owner_at_a_time,
    lease_runs_out,
    what_was_begun_before_comes_alone,
    lease_lives_its_time,
    renewed_lease_runs_anew,
    renewal_names_what_was_lost,
    released_lane_is_free_at_once,
    release_of_a_lost_claim_does_nothing,
    lanes_of_a_removed_worker_are_free_at_once,
    wait_ends_with_new_work,
    wait_ends_after_its_time,
)
