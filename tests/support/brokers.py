"""Every message broker of this package as the conformance kit and other tests want it: with nothing in it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.backends.memory import InMemoryBroker
from arvo.testing import ShiftableClock
from arvo.testing.broker import BrokerUnderTest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

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
