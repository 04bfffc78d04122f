"""The stores that workers are tested on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arvo.backends.memory import InMemoryStore
from arvo.backends.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from arvo.ports import Store


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    """An empty store."""
    opened: Store = InMemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "store.db")
    async with opened:
        yield opened


@pytest.fixture
async def memory_store() -> AsyncGenerator[Store]:
    """An empty store, where it does not matter which one."""
    async with InMemoryStore() as opened:
        yield opened
