"""Leases, stopping, dying and stores that are away: whatever happens to a worker, no event is lost or done twice."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.runtime import App, Worker, enqueue
from tests.unit.runtime.scene import request
from tests.unit.runtime.worker.store_in_front import FailingStore, StoreInFront
from tests.unit.runtime.worker.workplace import ONE, Gate, answers, until, until_idle, worked_off, working

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.ports import Store

BRIEF = timedelta(seconds=0.2)


# Leases.


async def test_a_handler_may_take_longer_than_the_lease(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    workers = Worker(app, store, lease=BRIEF), Worker(app, store, lease=BRIEF)
    async with working(*workers):
        await gate.begun.wait()
        await asyncio.sleep(3 * BRIEF.total_seconds())
        gate.open.set()
        await until_idle(store)

    assert gate.runs == 1
    assert [worker.report.refused for worker in workers] == [0, 0]


async def test_work_whose_claim_was_lost_is_stopped_and_done_by_others(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    loser = Worker(app, store, lease=BRIEF)
    async with working(loser):
        await gate.begun.wait()
        await store.remove_workers([loser.id])
        gate.open.set()
        await until_idle(store)

        async def refused() -> bool:
            return loser.report.refused == 1

        await until(refused)

    assert len(await answers(store)) == 1


async def test_a_lost_claim_is_noticed_while_the_handler_still_runs(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    loser = Worker(app, store, lease=BRIEF, sources=[ONE])
    async with working(loser):
        await gate.begun.wait()
        await store.remove_workers([loser.id])

        async def stopped() -> bool:
            return gate.cancelled == 1

        await until(stopped)
        gate.open.set()
        await until_idle(store)

    assert loser.report.refused == 1
    assert len(await answers(store)) == 1


async def test_what_a_worker_stores_too_late_is_refused(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    zombie = Worker(app, store)
    async with working(zombie):
        await gate.begun.wait()
        await store.remove_workers([zombie.id])
        (successor,) = await store.claim(
            "successor", {ONE: 1}, lanes=1, deliveries_per_lane=1, lease=timedelta(seconds=30)
        )
        gate.open.set()

        async def refused() -> bool:
            return zombie.report.refused == 1

        await until(refused)
        assert await answers(store) == []
        await store.release([successor])
        await until_idle(store)

    assert len(await answers(store)) == 1
    assert "was refused (fenced)" in caplog.text


async def test_lanes_of_a_worker_that_vanished_are_taken_when_their_leases_end(store: Store) -> None:
    app = App([Gate().handler()])
    await enqueue(app, store, request(ONE))
    assert await store.claim("vanished", {ONE: 1}, lanes=1, deliveries_per_lane=1, lease=BRIEF)
    gate = Gate()
    gate.open.set()
    await worked_off(store, Worker(App([gate.handler()]), store))

    assert gate.runs == 1


# Stopping.


async def test_stopping_waits_for_what_runs(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    worker = Worker(app, store)
    async with working(worker):
        await gate.begun.wait()
        worker.stop()
        await asyncio.sleep(0.02)
        gate.open.set()

    assert (worker.report.deliveries, worker.report.released) == (1, 0)
    assert await store.workers() == []


async def test_what_does_not_end_in_time_is_cancelled_and_handed_back_untouched(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    worker = Worker(app, store, drain_timeout=timedelta(seconds=0.02))
    async with working(worker):
        await gate.begun.wait()

    assert gate.cancelled == 1
    assert str(worker.report) == "0 deliveries, 1 lanes handed back"
    (lane,) = await store.lanes(ONE)
    assert (lane.owner, lane.attempts) == (None, 0)


async def test_a_stopping_worker_leaves_the_rest_of_a_lane_to_others(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    for _ in range(3):
        await enqueue(app, store, request(ONE))
    worker = Worker(app, store)
    async with working(worker):
        await gate.begun.wait()
        worker.stop()
        gate.open.set()

    assert worker.report.deliveries == 1
    assert [lane.deliveries for lane in await store.lanes(ONE)] == [2]


async def test_what_was_claimed_while_the_worker_stopped_is_handed_back(memory_store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, memory_store, request(ONE))
    front = StoreInFront(memory_store)
    worker = Worker(app, front.as_store())

    async def stopping(name: str, _: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        if name == "claim":
            worker.stop()
        return await call()

    front.around = stopping
    report = await worker.run()

    assert (gate.runs, report.released) == (0, 1)
    assert [lane.owner for lane in await memory_store.lanes(ONE)] == [None]


async def test_a_worker_that_is_stopped_before_it_runs_does_nothing(store: Store) -> None:
    app = App([Gate().handler()])
    await enqueue(app, store, request(ONE))
    worker = Worker(app, store)
    worker.stop()

    assert str(await worker.run()) == "0 deliveries"


async def test_a_cancelled_worker_frees_its_lanes_at_once(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    running = asyncio.create_task(Worker(app, store).run())
    await gate.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert [lane.owner for lane in await store.lanes(ONE)] == [None]
    assert await store.workers() == []


async def test_a_worker_can_be_stopped_while_its_store_is_away(memory_store: Store) -> None:
    app = App([Gate().handler()])
    front = FailingStore(memory_store, {"claim": 1000, "remove_workers": 1, "heartbeat": 1})
    worker = Worker(app, front.as_store())
    async with working(worker):

        async def asked() -> bool:
            return front.calls["claim"] > 0

        await until(asked)

    assert front.calls["remove_workers"] == 1


# Stores that are away.


@pytest.mark.parametrize("lose_answers", [False, True], ids=["before", "after"])
async def test_a_store_that_is_away_for_a_while_loses_nothing(
    store: Store, lose_answers: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    gate = Gate()
    gate.open.set()
    app = App([gate.handler()])
    for number in range(5):
        await enqueue(app, store, request(ONE, subject=f"process/{number}"))
    failures = {"claim": 2, "finish": 2, "wait_for_work": 2, "heartbeat": 1, "renew": 1}
    front = FailingStore(store, failures, lose_answers=lose_answers)
    await worked_off(store, Worker(app, front.as_store(), lease=timedelta(seconds=0.5)))

    assert len(await answers(store)) == 5
    assert [queue.deliveries for queue in await store.queues()] == [5]
    assert "The store did not store what was done; the worker asks again" in caplog.text


async def test_leases_are_renewed_again_after_the_store_was_away(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    front = FailingStore(store, {"renew": 1})
    async with working(Worker(app, front.as_store(), lease=timedelta(seconds=0.4)), Worker(app, store)):
        await gate.begun.wait()
        await asyncio.sleep(1)
        gate.open.set()
        await until_idle(store)

    assert gate.runs == 1


async def test_a_defect_of_the_store_ends_the_worker_instead_of_leaving_it_hanging(memory_store: Store) -> None:
    front = StoreInFront(memory_store)

    async def broken(name: str, _: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        if name == "claim":
            raise ZeroDivisionError
        return await call()

    front.around = broken
    with pytest.raises(ExceptionGroup) as raised:
        await Worker(App([Gate().handler()]), front.as_store()).run()
    assert raised.group_contains(ZeroDivisionError)


async def test_an_idle_worker_asks_its_store_a_few_times_a_second_at_most(memory_store: Store) -> None:
    front = StoreInFront(memory_store)
    async with working(Worker(App([Gate().handler()]), front.as_store())):
        await asyncio.sleep(0.5)

    assert front.calls["claim"] <= 3


async def test_claims_that_keep_coming_back_empty_do_not_become_a_busy_loop(memory_store: Store) -> None:
    app = App([Gate().handler()])
    await enqueue(app, memory_store, request(ONE))
    front = StoreInFront(memory_store)

    async def always_late(name: str, _: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        return [] if name == "claim" else await call()

    front.around = always_late
    async with working(Worker(app, front.as_store())):
        await asyncio.sleep(0.3)

    assert front.calls["claim"] < 100
