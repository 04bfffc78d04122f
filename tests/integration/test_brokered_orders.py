"""One system of orders as two apps with a broker between them, whose server is killed in the middle."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryBroker, InMemoryMachineMemory
from arvo.backends.nats import NatsBroker
from arvo.backends.sqlite import SqliteStore
from arvo.runtime import App, enqueue
from arvo.runtime.brokered import BrokerWorker
from arvo.runtime.brokered.outbox import message_of
from tests.integration.order_system import (
    SHOP,
    an_order,
    card,
    charge_card,
    place_order,
    reserve_stock,
    ship_order,
    stock,
)
from tests.support.nats import running_nats

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from pathlib import Path

    from arvo.events import Event
    from arvo.ports import Store

ORDERS = 120


def workflows() -> App:
    return App(handlers=[place_order, ship_order], external=[stock, card])


def services() -> App:
    return App(handlers=[reserve_stock, charge_card])


async def test_every_order_ends_once_although_the_server_is_killed(tmp_path: Path) -> None:
    orders = [an_order(amount_cents=100 + number) for number in range(ORDERS)]
    with running_nats() as server:
        async with AsyncExitStack() as exits:
            ours = await exits.enter_async_context(SqliteStore(tmp_path / "ours.db"))
            theirs = await exits.enter_async_context(SqliteStore(tmp_path / "theirs.db"))
            one, other = [
                await exits.enter_async_context(NatsBroker(server.url(), hold=timedelta(seconds=2))) for _ in range(2)
            ]
            workers = [
                BrokerWorker(workflows(), one, store=ours, callers=[SHOP]),
                BrokerWorker(services(), other, store=theirs),
            ]
            async with running(workers):
                for number, order in enumerate(orders):
                    await enqueue(workflows(), ours, order)
                    if number % 40 == 20:
                        await asyncio.to_thread(server.crash)
                        await asyncio.sleep(0.1)
                        await asyncio.to_thread(server.start)
                await until(lambda: answers(ours, ORDERS))
            await must_have_ended_once(ours, orders)
            assert await theirs.dead_letters() == []
            assert await one.dead_letters() == []
            assert {queue.handler for queue in await theirs.queues()} <= set()
            assert workers[1].inbox_report.new == 2 * ORDERS


async def test_workflows_and_services_work_without_a_store() -> None:
    orders = [an_order(amount_cents=100 + number) for number in range(ORDERS)]
    done: list[Event[Any]] = []
    app = App(handlers=[place_order, ship_order], external=[stock, card], memory=InMemoryMachineMemory())

    @app.on_unhandled
    async def note(event: Event[Any]) -> None:
        done.append(event)

    async def all_done() -> bool:
        return len(done) >= ORDERS

    async with InMemoryBroker() as broker:
        workers = [BrokerWorker(app, broker, callers=[SHOP]), BrokerWorker(services(), broker)]
        async with running(workers):
            await broker.publish([message_of(order) for order in orders])
            await until(all_done)
        assert not await broker.dead_letters()
    assert {event.type for event in done} == {"arvo.orc.order.done"}
    assert sorted(event.parentid or "" for event in done) == sorted(order.id for order in orders)
    assert workers[1].report.deliveries == 2 * ORDERS


async def must_have_ended_once(store: Store, orders: Sequence[Event[Any]]) -> None:
    lanes = [lane.event() for lane in await store.lanes(SHOP, limit=10 * ORDERS)]
    assert sorted(event.subject for event in lanes) == sorted(order.subject for order in orders)
    assert {event.type for event in lanes} == {"arvo.orc.order.done"}
    assert {queue.handler: queue.deliveries for queue in await store.queues()} == {SHOP: len(orders)}
    assert await store.dead_letters() == []


async def answers(store: Store, count: int) -> bool:
    return {queue.handler: queue.deliveries for queue in await store.queues()} == {SHOP: count}


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await met():  # noqa: ASYNC110 - a store has no event to wait for
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running(workers: Sequence[BrokerWorker]) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(worker.run())
        yield
        for worker in workers:
            worker.stop()
