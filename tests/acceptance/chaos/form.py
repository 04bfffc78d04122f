"""A chaos run and its verdict, as the short and the full form have it in common."""

from __future__ import annotations

import os
import random
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from arvo.backends.postgres import PostgresStore
from arvo.backends.sqlite import SqliteStore
from tests.acceptance.chaos.app import requests
from tests.acceptance.chaos.faults import planned
from tests.acceptance.chaos.run import Place, chaos_run, quiet_run
from tests.acceptance.chaos.verdict import figures, wrongs
from tests.support.postgres import running_postgres

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncGenerator, Callable

__all__ = ["Form", "Result", "chosen_seed", "survive"]

_STOPPING_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How large a run is. Faults happen for `seconds`, over which the requests are fed."""

    kind: str
    """`sqlite` or `postgres`."""
    workflows: int
    seconds: float
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run. Nothing may be in `wrongs`."""

    wrongs: list[str]
    figures: Counter[str]
    seconds: float


def chosen_seed() -> int:
    """The seed to use: that of ARVO_CHAOS_SEED, or any."""
    return int(os.environ.get("ARVO_CHAOS_SEED") or random.randrange(1_000_000))


async def survive(form: Form, seed: int, tell: Callable[[str], object]) -> Result:
    """Run the requests in peace and in chaos, and compare."""
    with tempfile.TemporaryDirectory(prefix="arvo-chaos-") as name:
        folder = Path(name)
        async with _place(form, folder) as place:
            stopping_at = None if place.restart is None else int(form.workflows * _STOPPING_SHARE)
            asked = requests(form.workflows, seed=seed, stopping_at=stopping_at)
            quiet = await quiet_run(asked, folder / "quiet.log")
            peace = wrongs(quiet, quiet)
            assert peace == [], peace
            faults = planned(seed, seconds=form.seconds, restarts=form.restarts)
            outcome = await chaos_run(place, asked, faults, folder / "log", seconds=form.seconds, tell=tell)
        found = wrongs(outcome, quiet)
        if place.restart is not None and outcome.faults["late commits refused"] != 1:
            found.append("no worker was stopped beyond its lease, or its late commit was not refused")
        return Result(found, figures(outcome), outcome.seconds)


@asynccontextmanager
async def _place(form: Form, folder: Path) -> AsyncGenerator[Place]:
    if form.kind == "sqlite":
        url = f"sqlite:///{folder}/store.db"
        yield Place(url, lambda: SqliteStore(url))
        return
    with running_postgres() as server:

        def restart() -> None:
            server.crash()
            server.start()

        store = PostgresStore(server.url())
        await store.upgrade()
        await store.close()
        yield Place(server.url(), lambda: PostgresStore(server.url()), restart)
