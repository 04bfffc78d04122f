"""Every store keeps every promise of the port."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

import pytest

from arvo.testing.store import CHECKS, Check, MakeStore
from tests.support.postgres import PostgresServer, postgres
from tests.support.stores import memory_store, postgres_store, sqlite_store

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["postgres"]

SCHEMAS = (f"conformance_{number}" for number in itertools.count())


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    if request.param == "memory":
        return memory_store
    if request.param == "sqlite":
        return partial(sqlite_store, tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return partial(postgres_store, server.url(), next(SCHEMAS))


@pytest.mark.parametrize("check", CHECKS, ids=str)
async def test_keeps_its_promise(check: Check, make: MakeStore) -> None:
    await check.run(make)
