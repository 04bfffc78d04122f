"""How a worker says it is doing: before it begins, while it works, when the store is silent, and when it stops."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.errors import BackendError
from arvo.runtime import App, Worker, enqueue
from arvo.testing import ShiftableClock
from tests.unit.runtime.scene import request
from tests.unit.runtime.worker.store_in_front import StoreInFront
from tests.unit.runtime.worker.workplace import ONE, Gate, until, working

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.ports import Store


async def test_a_worker_that_was_not_begun_is_not_ready(memory_store: Store) -> None:
    worker = Worker(App([Gate().handler()]), memory_store)

    health = worker.health()
    assert (health.started_at, health.last_answer_at, health.silent_for) == (None, None, None)
    assert (health.lanes, health.stopping, health.ready) == (0, False, False)


async def test_a_worker_that_takes_events_is_ready_and_tells_what_it_has_in_hand(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    worker = Worker(app, store)
    await enqueue(app, store, request(ONE))
    async with working(worker):
        await gate.begun.wait()
        health = worker.health()
        gate.open.set()

    assert (health.worker, health.lanes, health.stopping, health.ready) == (worker.id, 1, False, True)
    assert health.started_at is not None
    assert health.last_answer_at is not None
    assert health.started_at <= health.last_answer_at
    assert health.silent_for is not None
    assert health.silent_for < timedelta(seconds=5)


async def test_a_worker_that_stops_is_not_ready(store: Store) -> None:
    gate = Gate()
    app = App([gate.handler()])
    worker = Worker(app, store)
    await enqueue(app, store, request(ONE))
    async with working(worker):
        await gate.begun.wait()
        worker.stop()
        stopping = worker.health()
        gate.open.set()

    assert (stopping.lanes, stopping.stopping, stopping.ready) == (1, True, False)
    assert (worker.health().lanes, worker.health().ready) == (0, False)


async def test_a_worker_whose_store_is_silent_for_too_long_is_not_ready_until_it_answers(memory_store: Store) -> None:
    front, clock = StoreInFront(memory_store), ShiftableClock()
    away = False

    async def perhaps(_: str, __: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        if away:
            raise BackendError("The store is away.")
        return await call()

    front.around = perhaps
    worker = Worker(App([Gate().handler()]), front.as_store(), heartbeat=timedelta(seconds=60), clock=clock)

    async def is_ready() -> bool:
        return worker.health().ready

    async with working(worker):
        await until(is_ready)
        away = True
        await clock.let_pass(timedelta(seconds=120))
        assert worker.health().ready
        await clock.let_pass(timedelta(seconds=120))
        silent = worker.health()
        away = False
        await until(is_ready)

    assert not silent.ready
    assert silent.silent_for is not None
    assert silent.silent_for > timedelta(seconds=180)


async def test_a_worker_that_died_of_a_defect_is_not_ready(memory_store: Store) -> None:
    front = StoreInFront(memory_store)

    async def broken(name: str, _: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        if name == "claim":
            raise RuntimeError("a defect")
        return await call()

    front.around = broken
    worker = Worker(App([Gate().handler()]), front.as_store())
    (defect,) = await asyncio.gather(worker.run(), return_exceptions=True)

    assert isinstance(defect, ExceptionGroup)
    assert not worker.health().ready
