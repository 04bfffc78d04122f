"""The example order system on workers that share a store: two hundred orders, each of which ends exactly once."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.ports import WorkflowStatus
from arvo.runtime import Worker, enqueue
from examples.orders import make_orders
from examples.orders.app import app as resumable_app
from examples.orders.app_machine import app as machine_app
from examples.orders.order import OrderFailed, OrderPlaced, PlaceOrder, order_v1
from tests.support.postgres import PostgresServer, postgres
from tests.support.stores import memory_store, postgres_store, sqlite_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from arvo.events import Event
    from arvo.ports import Store
    from arvo.runtime import App
    from arvo.testing.store import MakeStore

__all__ = ["postgres"]

SHOP = "com.web.checkout"
ORDERS = [
    json.loads(line)
    for line in Path(make_orders.__file__).with_name("orders.jsonl").read_text(encoding="utf-8").splitlines()
]
SCHEMAS = (f"orders_{number}" for number in itertools.count())


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    """An empty store."""
    make: MakeStore = memory_store
    if request.param == "sqlite":
        make = partial(sqlite_store, tmp_path)
    elif request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        make = partial(postgres_store, server.url(), next(SCHEMAS))
    async with make() as under_test:
        yield under_test.store


def requests() -> list[Event[PlaceOrder]]:
    return [order_v1.request(PlaceOrder.model_validate(line["data"]), source=SHOP, id=line["id"]) for line in ORDERS]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("app", [resumable_app, machine_app], ids=["resumable", "machine"])
async def test_every_order_ends_once_and_as_it_does_in_one_process(app: App, store: Store, workers: int) -> None:
    orders = requests()
    for order in orders:
        assert await enqueue(app, store, order)
    for order in orders[::3]:
        assert not await enqueue(app, store, order)

    reports = await _worked_off(store, [Worker(app, store) for _ in range(workers)])

    assert {queue.handler: (queue.ready, queue.deliveries) for queue in await store.queues()} == {SHOP: (200, 200)}
    answered = [lane.event() for lane in await store.lanes(SHOP, limit=1000)]
    assert {event.subject for event in answered} == {order.subject for order in orders}
    assert Counter(map(_kind, answered)) == await _kinds_in_one_process(app)
    assert await store.dead_letters() == []
    assert await store.waiting() == []
    assert await store.workers() == []
    ended = await store.workflows(handler="arvo.orc.order", limit=1000)
    assert len(ended) == 200
    assert {workflow.status for workflow in ended} == {WorkflowStatus.DONE}
    assert all(number > 0 for number in reports)


async def _worked_off(store: Store, workers: list[Worker]) -> list[int]:
    """Have the workers run until only answers are left; how many deliveries each of them took."""
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        running = [group.create_task(worker.run()) for worker in workers]
        async with asyncio.timeout(100):
            while {queue.handler for queue in await store.queues()} != {SHOP}:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        for worker in workers:
            worker.stop()
    return [task.result().deliveries for task in running]


async def _kinds_in_one_process(app: App) -> Counter[Any]:
    app.bind(InMemoryMachineMemory())
    async with app:
        answers = await asyncio.gather(*(app.resolve(order, expect=order_v1) for order in requests()))
    return Counter(map(_kind, answers))


def _kind(answer: Event[Any]) -> Any:
    """How the order ended, without the ids in it."""
    data = order_v1.parse_emitted(answer).data
    if isinstance(data, OrderPlaced):
        return "placed", len(data.tracking)
    assert isinstance(data, OrderFailed)
    return "failed"
