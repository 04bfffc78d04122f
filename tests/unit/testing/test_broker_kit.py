"""The conformance kit for brokers notices what is broken, and says which promise that is."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from arvo.testing import ShiftableClock
from arvo.testing.broker import CHECKS, BrokerUnderTest, PromiseBrokenError, check_broker
from tests.support.brokers import memory_broker
from tests.unit.testing.broken_brokers import BROKEN

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from arvo.backends.memory import InMemoryBroker

SPAN = timedelta(seconds=60)
# Broken brokers may keep a check waiting for a long time.
QUICK_CHECKS = {check.name: replace(check, limit_seconds=3) for check in CHECKS}


@pytest.mark.parametrize(("kind", "name"), BROKEN.items(), ids=lambda value: getattr(value, "__name__", value))
async def test_broken_promise_is_noticed(kind: type[InMemoryBroker], name: str) -> None:
    @asynccontextmanager
    async def make() -> AsyncGenerator[BrokerUnderTest]:
        clock = ShiftableClock()
        broker = kind(hold=SPAN, clock=clock)

        @asynccontextmanager
        async def outage() -> AsyncGenerator[None]:
            broker.away = True
            yield
            broker.away = False

        async with broker:
            yield BrokerUnderTest(broker=broker, peer=broker, span=SPAN, let_time_pass=clock.let_pass, outage=outage)

    with pytest.raises(PromiseBrokenError, match=name):
        await QUICK_CHECKS[name].run(make)


async def test_what_cannot_be_checked_is_reported() -> None:
    @asynccontextmanager
    async def make() -> AsyncGenerator[BrokerUnderTest]:
        async with memory_broker() as whole:
            yield BrokerUnderTest(
                broker=whole.broker, peer=whole.peer, span=whole.span, let_time_pass=whole.let_time_pass
            )

    checks = [check for check in CHECKS if "outage" in check.name or "away" in check.name]
    report = await check_broker(make, checks)
    assert [check.name for check in report.skipped] == [check.name for check in checks]
    assert report.kept == ()
