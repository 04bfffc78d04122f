"""Every message broker of this package as the conformance kit and other tests want it: with nothing in it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.backends.memory import InMemoryBroker
from arvo.backends.nats import NatsBroker
from arvo.backends.rabbitmq import RabbitBroker
from arvo.testing import ShiftableClock
from arvo.testing.broker import BrokerUnderTest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.nats import NatsServer
    from tests.support.rabbitmq import RabbitServer

SPAN = timedelta(seconds=60)


@asynccontextmanager
async def memory_broker() -> AsyncGenerator[BrokerUnderTest]:
    clock = ShiftableClock()
    async with InMemoryBroker(hold=SPAN, clock=clock) as broker:

        @asynccontextmanager
        async def outage() -> AsyncGenerator[None]:
            broker.away = True
            yield
            broker.away = False

        yield BrokerUnderTest(broker=broker, peer=broker, span=SPAN, let_time_pass=clock.let_pass, outage=outage)


@asynccontextmanager
async def nats_broker(server: NatsServer) -> AsyncGenerator[BrokerUnderTest]:
    @asynccontextmanager
    async def outage() -> AsyncGenerator[None]:
        await asyncio.to_thread(server.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(server.start)

    span, system = timedelta(seconds=1), server.new_system()
    async with (
        NatsBroker(server.url(), system=system, hold=span) as broker,
        NatsBroker(server.url(), system=system, hold=span) as peer,
    ):

        async def vanish() -> None:
            client = peer._link._client  # pyright: ignore[reportPrivateUsage]
            assert client is not None
            await client.close()

        yield BrokerUnderTest(broker=broker, peer=peer, span=span, vanish=vanish, outage=outage)


@asynccontextmanager
async def rabbit_broker(server: RabbitServer) -> AsyncGenerator[BrokerUnderTest]:
    @asynccontextmanager
    async def outage() -> AsyncGenerator[None]:
        await asyncio.to_thread(server.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(server.start)

    system = server.new_system()
    async with (
        RabbitBroker(server.url(), system=system) as broker,
        RabbitBroker(server.url(), system=system) as peer,
    ):

        async def vanish() -> None:
            connection = peer._link._connection  # pyright: ignore[reportPrivateUsage]
            assert connection is not None
            await connection.close(ConnectionResetError("the process was killed"))

        yield BrokerUnderTest(broker=broker, peer=peer, vanish=vanish, outage=outage)
