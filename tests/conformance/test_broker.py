"""Every message broker keeps every promise of the port."""

from __future__ import annotations

from functools import partial

import pytest

from arvo.testing.broker import CHECKS, Check, MakeBroker
from tests.support.brokers import memory_broker, nats_broker, rabbit_broker
from tests.support.nats import NatsServer, nats
from tests.support.rabbitmq import RabbitServer, rabbitmq

__all__ = ["nats", "rabbitmq"]


@pytest.fixture(params=["memory", "nats", "rabbitmq"])
def make(request: pytest.FixtureRequest) -> MakeBroker:
    if request.param == "memory":
        return memory_broker
    if request.param == "rabbitmq":
        rabbit: RabbitServer = request.getfixturevalue("rabbitmq")
        return partial(rabbit_broker, rabbit)
    server: NatsServer = request.getfixturevalue("nats")
    return partial(nats_broker, server)


@pytest.mark.parametrize("check", CHECKS, ids=str)
async def test_keeps_its_promise(check: Check, make: MakeBroker) -> None:
    await check.run(make)
