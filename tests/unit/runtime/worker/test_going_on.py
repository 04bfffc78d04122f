"""A worker goes on at once with what it has produced itself, in the call that stores it, and leaves room for others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from arvo.runtime import App, RateLimit, Subscription, Worker, enqueue
from tests.unit.runtime.scene import handler, request, sent
from tests.unit.runtime.worker.store_in_front import StoreInFront
from tests.unit.runtime.worker.workplace import ONE, answers, until, until_idle, worked_off, working

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.events import Event
    from arvo.ports import Store
    from tests.unit.runtime.scene import FunctionHandler

TWO = "com.two.handler"


@handler(ONE)
async def first(event: Event[Any]) -> Event[Any]:
    return sent(ONE, event, to=TWO)


@handler(TWO)
async def second(event: Event[Any]) -> Event[Any]:
    return sent(TWO, event, to="com.caller")


def counted(most: list[int], running: list[int]) -> FunctionHandler:
    """The second handler, which notes how many of it ran at once at most."""

    @handler(TWO)
    async def slow(_: Event[Any]) -> list[Event[Any]]:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.001)
        running[0] -= 1
        return []

    return slow


async def test_what_is_produced_for_the_same_worker_needs_no_claim_of_its_own(store: Store) -> None:
    front = StoreInFront(store)
    fruitful: list[int] = []

    async def around(name: str, _: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        result = await call()
        if name == "claim" and result:
            fruitful.append(len(result))
        return result

    front.around = around
    await enqueue(App([first, second]), store, request(ONE))
    await worked_off(store, Worker(App([first, second]), front.as_store()), besides=("com.caller",))

    assert (fruitful, front.calls["finish_and_claim"]) == ([1], 1)
    assert len(await answers(store, "com.caller")) == 1


@pytest.mark.parametrize(
    ("two", "concurrency"),
    [
        pytest.param(Subscription(second, rate_limit=RateLimit(1000)), 8, id="what has a rate to keep to"),
        pytest.param(Subscription(second), 1, id="a worker with one task"),
    ],
)
async def test_some_work_is_always_claimed(store: Store, two: Subscription, concurrency: int) -> None:
    app = App([first, two])
    front = StoreInFront(store)
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, front.as_store(), concurrency=concurrency), besides=("com.caller",))

    assert front.calls["finish_and_claim"] == 0
    assert len(await answers(store, "com.caller")) == 1


async def test_endless_chains_leave_room_for_what_waits(store: Store) -> None:
    through = asyncio.Event()

    @handler(ONE)
    async def chain(event: Event[Any]) -> list[Event[Any]]:
        return [] if through.is_set() else [sent(ONE, event, to=ONE)]

    @handler(TWO)
    async def waits(_: Event[Any]) -> list[Event[Any]]:
        through.set()
        return []

    app = App([chain, waits])
    for number in range(16):
        await enqueue(app, store, request(ONE, subject=f"chain/{number}"))
    async with working(Worker(app, store, concurrency=4)), asyncio.timeout(20):
        await asyncio.sleep(0.05)
        await enqueue(app, store, request(TWO))
        await through.wait()
        await until_idle(store)


async def test_a_handler_keeps_its_own_limit(store: Store) -> None:
    most, running = [0], [0]
    app = App([first, Subscription(counted(most, running), concurrency=2)])
    for number in range(20):
        await enqueue(app, store, request(ONE, subject=f"process/{number}"))
    await worked_off(store, Worker(app, store, concurrency=16))

    assert most == [2]


async def test_a_worker_that_is_to_stop_hands_back_what_it_could_have_gone_on_with(store: Store) -> None:
    app = App([first, second])
    front = StoreInFront(store)
    worker = Worker(app, front.as_store())

    async def around(name: str, _: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        result = await call()
        if name == "finish_and_claim":
            worker.stop()
        return result

    front.around = around
    await enqueue(app, store, request(ONE))
    async with asyncio.timeout(20):
        report = await worker.run()

    (lane,) = await store.lanes(TWO)
    assert (lane.owner, lane.attempts) == (None, 0)
    assert (report.deliveries, report.released) == (1, 1)


async def test_what_others_wait_for_is_told_to_them(store: Store) -> None:
    alone = Worker(App([first]), store, sources=[ONE])
    other = Worker(App([second]), store)
    await enqueue(App([first]), store, request(ONE))

    async def answered() -> bool:
        return len(await answers(store, "com.caller")) == 1

    async with working(alone, other):
        await until(answered)
