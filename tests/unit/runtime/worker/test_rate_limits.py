"""Rate limits in a worker: it begins no more events of a handler than belong into a stretch of time, on any lane."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.runtime import App, RateLimit, Subscription, Worker, enqueue
from tests.unit.runtime.scene import FunctionHandler, request
from tests.unit.runtime.worker.workplace import worked_off, working

if TYPE_CHECKING:
    from arvo.events import Event
    from arvo.ports import Store

LIMITED = "com.limited.handler"
FREE = "com.free.handler"


class Diary:
    """A handler that notes when it was begun."""

    def __init__(self, source: str) -> None:
        self.begun: list[float] = []
        self.any = asyncio.Event()
        self.handler = FunctionHandler(source, self._note)

    async def _note(self, _: Event[Any]) -> None:
        self.begun.append(time.monotonic())
        self.any.set()


@pytest.mark.parametrize("subjects", [1, 40], ids=["one lane", "many lanes"])
async def test_a_handler_is_begun_no_more_often_than_its_limit(store: Store, subjects: int) -> None:
    diary = Diary(LIMITED)
    app = App([Subscription(diary.handler, rate_limit=RateLimit(100, burst=4))])
    for number in range(40):
        await enqueue(app, store, request(LIMITED, subject=f"process/{number % subjects}"))
    await worked_off(store, Worker(app, store))

    assert len(diary.begun) == 40
    for first in range(40):
        for last in range(first, 40):
            belong = (diary.begun[last] - diary.begun[first]) * 100
            # A little more where the clock of the worker and that of the diary were read at different times.
            assert last - first + 1 <= belong + 4 + 2


async def test_the_limit_of_one_handler_does_not_hold_up_another(store: Store) -> None:
    limited, free = Diary(LIMITED), Diary(FREE)
    app = App([Subscription(limited.handler, rate_limit=RateLimit(1, per=timedelta(hours=1))), free.handler])
    for number in range(20):
        await enqueue(app, store, request(LIMITED, subject=f"process/{number}"))
        await enqueue(app, store, request(FREE, subject=f"process/{number}"))
    await worked_off(store, Worker(app, store, concurrency=4), besides=[LIMITED])

    assert (len(limited.begun), len(free.begun)) == (1, 20)


async def test_what_the_limit_holds_up_is_left_to_other_workers(store: Store) -> None:
    limited = Diary(LIMITED)
    slow = App([Subscription(limited.handler, rate_limit=RateLimit(1, per=timedelta(hours=1)))])
    fast = App([limited.handler])
    for number in range(20):
        await enqueue(fast, store, request(LIMITED, subject="process/1", id=str(number)))
    async with working(Worker(slow, store)):
        await limited.any.wait()
        await worked_off(store, Worker(fast, store))

    assert len(limited.begun) == 20


async def test_a_worker_that_waits_for_a_token_stops_at_once(store: Store) -> None:
    limited = Diary(LIMITED)
    app = App([Subscription(limited.handler, rate_limit=RateLimit(1, per=timedelta(hours=1)))])
    for number in range(2):
        await enqueue(app, store, request(LIMITED, subject=f"process/{number}"))
    async with asyncio.timeout(5):
        async with working(Worker(app, store)):
            await limited.any.wait()

    assert len(limited.begun) == 1
    (queue,) = await store.queues()
    assert (queue.ready, queue.leased) == (1, 0)
