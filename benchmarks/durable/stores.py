"""The store behind an address, with its tables made."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from arvo.backends.postgres import PostgresStore
from arvo.backends.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from arvo.ports import Store

__all__ = ["open_store"]


@asynccontextmanager
async def open_store(url: str) -> AsyncGenerator[Store]:
    """A store for the time of the block."""
    store: Store = PostgresStore(url) if url.startswith("postgresql:") else SqliteStore(url)
    await store.upgrade()
    async with store:
        yield store
