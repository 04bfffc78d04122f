"""The connection that a broker and its consumers share: opened when needed, and opened anew whenever it was lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import aio_pika
from aio_pika.exceptions import ChannelNotFoundEntity

from arvo.backends.rabbitmq.diagnosis import FAILURES, backend_error
from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aio_pika.abc import AbstractChannel, AbstractConnection

    from arvo.backends.rabbitmq.address import Address
    from arvo.backends.rabbitmq.topology import QueuePlan

__all__ = ["Link"]

_CONNECT_SECONDS: Final = 5.0


class Link:
    """Gives channels. It reconnects when it is next asked; the driver's own way would hide outages from publishers."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connection: AbstractConnection | None = None
        self._opening = asyncio.Lock()
        self._declared: set[str] = set()
        self._closed = False

    async def channel(self) -> AbstractChannel:
        """A new channel with publisher confirms; `BackendError` when there is no connection."""
        async with self.guarded():
            connection = await self._connected()
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await connection.channel(publisher_confirms=True, on_return_raises=True)

    async def declare(self, plan: QueuePlan) -> None:
        """Have the queue there, as it is when it is there already. A failed question costs its channel."""
        if plan.name in self._declared:
            return
        async with self.guarded():
            try:
                async with await self.channel() as channel:
                    if plan.exchange:
                        await channel.declare_exchange(plan.exchange, passive=True)
                    await channel.declare_queue(plan.name, passive=True)
            except ChannelNotFoundEntity:
                async with await self.channel() as channel:
                    queue = await channel.declare_queue(plan.name, durable=True, arguments=plan.arguments)
                    if plan.exchange:
                        exchange = await channel.declare_exchange(
                            plan.exchange, aio_pika.ExchangeType.FANOUT, durable=True
                        )
                        await queue.bind(exchange)
        self._declared.add(plan.name)

    def forget(self, name: str) -> None:
        """Look anew whether the queue is there when it is next needed."""
        self._declared.discard(name)

    @asynccontextmanager
    async def guarded(self) -> AsyncGenerator[None]:
        """Raise what the driver raises as `BackendError`."""
        try:
            yield
        except FAILURES as error:
            raise backend_error(error, self.address) from error
        except asyncio.CancelledError as error:
            # The driver cancels those who wait for an answer when it loses the connection.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise backend_error(ConnectionError("the connection was lost"), self.address) from error

    async def close(self) -> None:
        """Let go of the connection."""
        self._closed = True
        await self._drop()

    async def _connected(self) -> AbstractConnection:
        async with self._opening:
            if self._closed:
                raise BackendError(f"The broker at {self.address} is closed. Open a new one.")
            if self._connection is None or not self._connection.connected.is_set():
                await self._drop()
                self._declared.clear()
                self._connection = await aio_pika.connect(self.address.url, timeout=_CONNECT_SECONDS)
            return self._connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*FAILURES):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await connection.close()
