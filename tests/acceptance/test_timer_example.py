"""The example workflow with timers, on a worker: silence is a no in the end, an answer in time ends the timers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from arvo.runtime import Worker, enqueue
from examples.orders.approval import HUMAN, Approved, Rejected, ask_v1
from examples.orders.patience import REMIND_AFTER, ApprovalSought, SeekApproval, app, seek_v1
from tests.support.stores import memory_store, sqlite_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from arvo.ports import Store
    from arvo.testing.store import StoreUnderTest

SHOP = "com.web.checkout"


@pytest.fixture(params=["memory", "sqlite"])
async def under_test(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[StoreUnderTest]:
    async with memory_store() if request.param == "memory" else sqlite_store(tmp_path) as made:
        yield made


@asynccontextmanager
async def working(store: Store) -> AsyncGenerator[None]:
    worker = Worker(app, store)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        yield
        worker.stop()


async def until_it_sleeps(store: Store) -> None:
    """Return when nothing is left to do now."""
    async with asyncio.timeout(20):
        while any(queue.ready or queue.leased for queue in await store.queues() if queue.handler != SHOP):  # noqa: ASYNC110 - a store is asked
            await asyncio.sleep(0.005)


async def ask(store: Store) -> None:
    await enqueue(app, store, seek_v1.request(SeekApproval(order_id="order-1", amount_cents=1), source=SHOP))
    async with working(store):
        await until_it_sleeps(store)


async def answer(store: Store) -> ApprovalSought:
    (lane,) = await store.lanes(SHOP)
    assert lane.deliveries == 1
    data = seek_v1.parse_emitted(lane.event()).data
    assert isinstance(data, ApprovalSought)
    return data


async def test_a_manager_who_stays_silent_is_reminded_and_then_taken_for_a_no(under_test: StoreUnderTest) -> None:
    store = under_test.store
    await ask(store)
    for _ in range(3):
        (due,) = await store.timers(limit=1)
        # Nobody works meanwhile: timers outlive the worker that set them.
        await under_test.let_time_pass(REMIND_AFTER)
        async with working(store), asyncio.timeout(20):
            while due.key in {timer.key for timer in await store.timers()}:  # noqa: ASYNC110 - a store is asked
                await asyncio.sleep(0.005)
            await until_it_sleeps(store)
    assert await answer(store) == ApprovalSought(approved=False, by="nobody in time", reminders=2)
    assert [queue.handler for queue in await store.queues()] == [SHOP]


@pytest.mark.parametrize(
    ("reply", "approved"), [(Approved(by="mara"), True), (Rejected(by="mara", reason="no"), False)]
)
async def test_an_answer_in_time_ends_the_workflow_and_its_timers(
    under_test: StoreUnderTest, reply: Approved | Rejected, approved: bool
) -> None:
    store = under_test.store
    await ask(store)
    assert len(await store.timers()) == 2
    (question,) = await store.waiting(domain=HUMAN)
    await enqueue(app, store, ask_v1.reply(reply, to=ask_v1.parse_accepted(question.event())))
    async with working(store):
        await until_it_sleeps(store)
    assert await answer(store) == ApprovalSought(approved=approved, by="mara", reminders=0)
    assert (await store.timers(), await store.waiting()) == ([], [])
