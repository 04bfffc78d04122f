"""What the worker's tests have in common: workers that run beside the test, and waiting until they are through."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.runtime import RetryPolicy, Worker
from tests.unit.runtime.scene import OUTSIDE, answer, handler

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection

    from arvo.events import Event
    from arvo.ports import Store
    from tests.unit.runtime.scene import FunctionHandler

ONE = "com.one.handler"

QUICK = RetryPolicy(attempts=3, initial_delay=timedelta(milliseconds=5), jitter=0)
"""Retries that tests need not wait for."""


class Gate:
    """A handler that begins, and ends when it is let through."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self.runs = 0
        self.cancelled = 0

    def handler(self) -> FunctionHandler:
        @handler(ONE)
        async def gate(event: Event[Any]) -> Event[Any]:
            self.runs += 1
            self.begun.set()
            try:
                await self.open.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            return answer(ONE, event)

        return gate


@asynccontextmanager
async def working(*workers: Worker) -> AsyncGenerator[None]:
    """Have the workers run while the body does, and stop afterwards."""
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(worker.run())
        try:
            yield
        finally:
            for worker in workers:
                worker.stop()


async def worked_off(store: Store, *workers: Worker, besides: Collection[str] = (OUTSIDE,)) -> None:
    """Have the workers run until nothing waits for any handler `besides` those."""
    async with working(*workers):
        await until_idle(store, besides=besides)


async def until_idle(store: Store, *, besides: Collection[str] = (OUTSIDE,)) -> None:
    """Return when nothing waits for any handler `besides` those."""

    async def idle() -> bool:
        return not [queue for queue in await store.queues() if queue.handler not in besides]

    await until(idle)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Return when the condition holds; fail when it does not in good time."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - a store is asked, nothing tells
            await asyncio.sleep(0.005)


async def answers(store: Store, address: str = OUTSIDE) -> list[Event[Any]]:
    """The first event of each lane in which something waits for `address`."""
    return [lane.event() for lane in await store.lanes(address)]
