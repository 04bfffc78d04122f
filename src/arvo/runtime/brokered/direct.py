"""Takes messages of a broker and has them worked on, with no store between: one at a time of each subject."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from arvo.errors import BackendError, Violation
from arvo.runtime.brokered.holding import Holding
from arvo.runtime.brokered.inbox import reason_of
from arvo.runtime.deadline import deadline
from arvo.runtime.worker.grave import described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.events import Event
    from arvo.ports import Clock
    from arvo.ports.broker import MessageBroker, MessageConsumer, ReceivedMessage
    from arvo.runtime.brokered.arrival import Arrivals
    from arvo.runtime.brokered.message_run import MessageRuns
    from arvo.runtime.worker.posts import Post

__all__ = ["Direct"]

logger = logging.getLogger("arvo.runtime")

_AT_ONCE: Final = 256
_WAIT: Final = timedelta(seconds=1)
_PAUSE_SECONDS: Final = 0.2
_AS_GOOD_AS_NOW: Final = timedelta(milliseconds=5)


class Direct:
    """One for each worker. `addresses` says how many messages of each may be at hand."""

    def __init__(
        self,
        broker: MessageBroker,
        addresses: Mapping[str, int],
        posts: Mapping[str, Post],
        arrivals: Arrivals,
        runs: MessageRuns,
        *,
        concurrency: int,
        drain_timeout: timedelta,
        clock: Clock,
    ) -> None:
        self._broker = broker
        self._addresses = addresses
        self._posts = posts
        self._arrivals = arrivals
        self._runs = runs
        self._drain_timeout = drain_timeout
        self._clock = clock
        self._free = asyncio.Semaphore(concurrency)
        self._free_at = {lane: asyncio.Semaphore(post.settings.concurrency) for lane, post in posts.items()}
        self._lanes: dict[tuple[str, str], deque[tuple[ReceivedMessage, Event[Any]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set, finish what runs, and hand back the rest."""
        while not stopping.is_set():
            try:
                async with self._broker.consumer(self._addresses) as consumer:
                    await self._work_with(consumer, stopping)
            except BackendError as error:
                logger.warning("The broker gives no messages; the worker asks again. %s", error.message)
                await self._clock.sleep(_PAUSE_SECONDS)

    async def _work_with(self, consumer: MessageConsumer, stopping: asyncio.Event) -> None:
        holding = Holding(consumer, self._clock)
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(holding.run())
            receiving = group.create_task(self._receive(consumer, holding, stopping, group))
            await stopping.wait()
            receiving.cancel()
            with suppress(TimeoutError):
                async with deadline(self._clock, self._drain_timeout, group):
                    while self._tasks:
                        await asyncio.wait(self._tasks)
            for task in self._tasks:
                task.cancel()
            keeping.cancel()

    async def _receive(
        self, consumer: MessageConsumer, holding: Holding, stopping: asyncio.Event, group: asyncio.TaskGroup
    ) -> None:
        while True:
            try:
                messages = await consumer.receive(_AT_ONCE, _WAIT)
            except BackendError as error:
                logger.warning("The broker gives no messages; the worker asks again. %s", error.message)
                await self._clock.sleep(_PAUSE_SECONDS)
                continue
            holding.messages.update(messages)
            for message in messages:
                try:
                    await self._take(consumer, message, holding, stopping, group)
                except BackendError as error:
                    logger.warning("A message for %r comes again. %s", message.address, error.message)

    async def _take(
        self,
        consumer: MessageConsumer,
        message: ReceivedMessage,
        holding: Holding,
        stopping: asyncio.Event,
        group: asyncio.TaskGroup,
    ) -> None:
        try:
            event, lane, delay = self._arrivals.read(message)
        except Violation as error:
            logger.error("Dead letter: a message for %r cannot be taken. %s", message.address, described(error))
            holding.messages.discard(message)
            await consumer.dead(message, reason_of(error).value, described(error))
            return
        left = timedelta(0) if delay is None else datetime.fromisoformat(event.time) + delay - self._clock.now()
        if left > _AS_GOOD_AS_NOW:
            holding.messages.discard(message)
            await consumer.retry(message, left)
            return
        key = (lane, event.subject)
        if (waiting := self._lanes.get(key)) is not None:
            waiting.append((message, event))
            return
        self._lanes[key] = deque([(message, event)])
        task = group.create_task(self._work_on(key, consumer, holding, stopping))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_on(
        self, key: tuple[str, str], consumer: MessageConsumer, holding: Holding, stopping: asyncio.Event
    ) -> None:
        """Work on the messages of one subject, one after the other."""
        lane, waiting = key[0], self._lanes[key]
        post = self._posts[lane]
        try:
            while waiting:
                async with self._free_at[lane], self._free:
                    while not stopping.is_set() and not post.may_begin(self._clock.monotonic()):
                        assert post.bucket is not None  # noqa: S101 - what else would hold it back
                        await self._clock.sleep(post.bucket.wait(self._clock.monotonic()))
                    if stopping.is_set():
                        return
                    message, event = waiting.popleft()
                    try:
                        await self._runs.run(consumer, message, lane, event)
                    except BackendError as error:
                        logger.warning("A message for %r is not settled and comes again. %s", lane, error.message)
                    finally:
                        holding.messages.discard(message)
        finally:
            del self._lanes[key]
