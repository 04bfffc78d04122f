"""Takes messages of several addresses over one channel; what the server pushes is bounded for each address."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from arvo.backends.rabbitmq.diagnosis import FAILURES
from arvo.backends.rabbitmq.headers import attempt_of, plain_headers
from arvo.errors import BackendError
from arvo.ports.broker import ReceivedMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType

    from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

    from arvo.backends.rabbitmq.link import Link
    from arvo.backends.rabbitmq.topology import Topology

__all__ = ["RabbitConsumer", "Received", "Settling"]

_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Received(ReceivedMessage):
    """A message with what it is acknowledged by."""

    origin: AbstractIncomingMessage


@dataclass(frozen=True, slots=True)
class Settling:
    """How the broker puts messages elsewhere before they are acknowledged."""

    later: Callable[[Received, timedelta], Awaitable[None]]
    bury: Callable[[Received, str, str], Awaitable[None]]


class RabbitConsumer:
    """Made by `RabbitBroker.consumer`."""

    def __init__(
        self,
        addresses: Mapping[str, int],
        link: Link,
        topology: Topology,
        settling: Settling,
        siblings: set[RabbitConsumer],
    ) -> None:
        self._addresses = dict(addresses)
        self._link = link
        self._topology = topology
        self._settling = settling
        self._siblings = siblings
        self._channel: AbstractChannel | None = None
        self._arrived: deque[Received] = deque()
        self._held: set[Received] = set()
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def hold(self) -> timedelta | None:
        """As long as the connection lives, unless the server's consumer_timeout is over."""
        return None

    async def __aenter__(self) -> Self:
        await self._ready()
        self._siblings.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channel, upon which the server takes back what is not settled."""
        self._closed = True
        self._siblings.discard(self)
        self._changed.set()
        await self._drop()

    async def receive(self, at_most: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        """What has arrived, or does within `wait`."""
        until = time.monotonic() + wait.total_seconds()
        while True:
            self._changed.clear()
            trouble: BackendError | None = None
            try:
                await self._ready()
            except BackendError as error:
                trouble = error
            if self._arrived:
                taken = [self._arrived.popleft() for _ in range(min(at_most, len(self._arrived)))]
                self._held.update(taken)
                return taken
            left = until - time.monotonic()
            if left <= 0 or self._closed:
                if trouble is not None:
                    raise trouble
                return ()
            try:
                async with asyncio.timeout(left if trouble is None else min(left, _PAUSE_SECONDS)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def ack(self, messages: Sequence[ReceivedMessage]) -> None:
        """Acknowledge."""
        self._check_open()
        async with self._link.guarded():
            for message in messages:
                if (held := self._still_held(message)) is not None:
                    self._held.discard(held)
                    await held.origin.ack()

    async def retry(self, message: ReceivedMessage, delay: timedelta) -> None:
        """Put it where it waits, and acknowledge it then."""
        self._check_open()
        if (held := self._still_held(message)) is not None:
            await self._settling.later(held, delay)
            await self.ack([held])

    async def dead(self, message: ReceivedMessage, reason: str, detail: str) -> None:
        """Put it among the dead letters, and acknowledge it then."""
        self._check_open()
        if (held := self._still_held(message)) is not None:
            await self._settling.bury(held, reason, detail)
            await self.ack([held])

    async def extend(self, messages: Sequence[ReceivedMessage]) -> None:  # noqa: ARG002 - the port's
        """Nothing has to be done: messages are held as long as the connection lives."""
        self._check_open()

    async def _ready(self) -> None:
        """Have a channel that consumes all addresses."""
        self._check_open()
        if self._channel is not None and not self._channel.is_closed:
            return
        await self._drop()
        for address in self._addresses:
            await self._link.declare(self._topology.queue(address))
        channel = self._channel = await self._link.channel()
        channel.close_callbacks.add(self._on_close)
        try:
            async with self._link.guarded():
                for address, limit in self._addresses.items():
                    name = self._topology.queue(address).name
                    await channel.set_qos(prefetch_count=limit)
                    queue = await channel.get_queue(name, ensure=False)
                    await queue.consume(partial(self._on_message, channel, address))
        except BaseException:
            # The queue may be gone, and half of a consumer is none.
            for address in self._addresses:
                self._link.forget(self._topology.queue(address).name)
            await self._drop()
            raise

    async def _on_message(self, channel: AbstractChannel, address: str, origin: AbstractIncomingMessage) -> None:
        if channel is self._channel:
            self._arrived.append(
                Received(
                    address=address,
                    body=origin.body,
                    content_type=origin.content_type,
                    headers=plain_headers(origin.headers),
                    attempt=attempt_of(origin.headers),
                    origin=origin,
                )
            )
            self._changed.set()

    def _on_close(self, channel: Any, error: BaseException | None) -> None:  # noqa: ARG002 - the driver's signature
        self._changed.set()

    def _still_held(self, message: ReceivedMessage) -> Received | None:
        """The message if it is held on the present channel: the server has taken back what came over others."""
        if self._channel is None or self._channel.is_closed:
            self._held.clear()
        return message if isinstance(message, Received) and message in self._held else None

    async def _drop(self) -> None:
        channel, self._channel = self._channel, None
        self._arrived.clear()
        self._held.clear()
        if channel is not None and not channel.is_closed:
            try:
                await channel.close()
            except FAILURES:
                return

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError("The consumer is closed. Make a new one.")
