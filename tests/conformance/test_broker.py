"""Every message broker keeps every promise of the port."""

from __future__ import annotations

from functools import partial

import pytest

from arvo.testing.broker import CHECKS, Check, MakeBroker
from tests.support.brokers import memory_broker, nats_broker
from tests.support.nats import NatsServer, nats

__all__ = ["nats"]


@pytest.fixture(params=["memory", "nats"])
def make(request: pytest.FixtureRequest) -> MakeBroker:
    if request.param == "memory":
        return memory_broker
    server: NatsServer = request.getfixturevalue("nats")
    return partial(nats_broker, server)


@pytest.mark.parametrize("check", CHECKS, ids=str)
async def test_keeps_its_promise(check: Check, make: MakeBroker) -> None:
    await check.run(make)
