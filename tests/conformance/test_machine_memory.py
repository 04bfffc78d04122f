"""Every machine memory keeps every promise of the port."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.testing.machine_memory import CHECKS, Check, MakeMemory, MemoryUnderTest, ShiftableClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

LOCK_TTL = timedelta(seconds=60)


@asynccontextmanager
async def in_memory() -> AsyncGenerator[MemoryUnderTest]:
    clock = ShiftableClock()

    async def let_time_pass(duration: timedelta) -> None:
        clock.advance(duration)

    memory = InMemoryMachineMemory(lock_ttl=LOCK_TTL, clock=clock)
    yield MemoryUnderTest(memory=memory, lock_ttl=LOCK_TTL, let_time_pass=let_time_pass)


@pytest.fixture(params=["memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeMemory:
    del tmp_path
    return {"memory": in_memory}[request.param]


@pytest.mark.parametrize("check", CHECKS, ids=str)
async def test_keeps_its_promise(check: Check, make: MakeMemory) -> None:
    await check.run(make)
