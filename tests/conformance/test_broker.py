"""Every message broker keeps every promise of the port."""

from __future__ import annotations

import pytest

from arvo.testing.broker import CHECKS, Check, MakeBroker
from tests.support.brokers import memory_broker


@pytest.fixture
def make() -> MakeBroker:
    return memory_broker


@pytest.mark.parametrize("check", CHECKS, ids=str)
async def test_keeps_its_promise(check: Check, make: MakeBroker) -> None:
    await check.run(make)
