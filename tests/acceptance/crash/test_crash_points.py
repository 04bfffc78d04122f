"""A worker is killed at every boundary of every delivery of the example workflows, one run for each: nothing differs.

Exhaustive: the quiet run tells how many boundaries there are. Their number is printed when the tests end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from arvo.ports import Completion, Retention
from arvo.runtime import Worker, enqueue
from examples.orders.app import app as resumable_app
from examples.orders.app_machine import app as machine_app
from examples.orders.order import PlaceOrder, order_v1
from examples.orders.patience import REMIND_AFTER, SeekApproval, seek_v1
from examples.orders.patience import app as patience_app
from tests.acceptance.crash.mortal import BOUNDARIES, Life, OneByOne
from tests.support.postgres import PostgresServer, postgres
from tests.support.stores import memory_store, postgres_store, sqlite_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from arvo.events import Event
    from arvo.ports import Store
    from arvo.runtime import App
    from arvo.testing.store import StoreUnderTest
    from tests.support.figures import Figures

__all__ = ["postgres"]

SHOP = "com.web.checkout"
LEASE = timedelta(seconds=30)
SCHEMAS = (f"crash_{number}" for number in itertools.count())


def an_order(**changes: Any) -> Event[PlaceOrder]:
    order = {
        "order_id": "order-1",
        "sku": "lamp",
        "quantity": 1,
        "amount_cents": 4_900,
        "currency": "EUR",
        "card": "4111-1111",
        "country": "DE",
    }
    return order_v1.request(PlaceOrder.model_validate({**order, **changes}), source=SHOP)


ORDERS = {
    "ordinary": an_order(),
    "three parcels": an_order(sku="cable", quantity=25, amount_cents=22_500),
    "approved": an_order(sku="desk", quantity=4, amount_cents=159_600),
    "rejected": an_order(sku="desk", quantity=20, amount_cents=798_000),
    "declined": an_order(card="4000-0000"),
    "out of stock": an_order(sku="cable", quantity=60),
    "carrier broken": an_order(country="AQ"),
}
CASES: dict[str, tuple[App, Event[Any]]] = {
    **{f"resumable, {kind}": (resumable_app, order) for kind, order in ORDERS.items()},
    **{f"machine, {kind}": (machine_app, order) for kind, order in ORDERS.items()},
    "timers": (patience_app, seek_v1.request(SeekApproval(order_id="order-1", amount_cents=1), source=SHOP)),
}
EVERYTHING = Retention(consumed_ids=timedelta(0), ended_workflows=timedelta(0))


@dataclass(frozen=True)
class Ending:
    """All that can be seen of a run when nothing is left to do."""

    workflows: list[Any]
    answers: list[Any]
    queues: dict[str, int]
    """The answer is there, and nothing else."""
    dead_letters: list[Any]
    waiting: list[str]
    produced: Counter[tuple[str, str]]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def under_test(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[StoreUnderTest]:
    """An empty store; opened once for a test, since that takes longer than what is done with it."""
    if request.param == "memory":
        made = memory_store()
    elif request.param == "sqlite":
        made = sqlite_store(tmp_path)
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        made = postgres_store(server.url(), next(SCHEMAS))
    async with made as under_test:
        yield under_test


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("case", "goes_on"),
    # What is produced for later is nothing to go on with.
    [(case, goes_on) for goes_on in (False, True) for case in CASES if not (goes_on and case == "timers")],
)
async def test_wherever_a_worker_dies_the_run_ends_as_if_it_had_not(
    case: str,
    goes_on: bool,
    under_test: StoreUnderTest,
    monkeypatch: pytest.MonkeyPatch,
    figures: Figures,
) -> None:
    play = partial(_play, *CASES[case], under_test, monkeypatch, goes_on=goes_on)
    quiet, boundaries = await play()
    assert set(boundaries) >= {name for name in BOUNDARIES if name != "in the commit"}
    assert set(quiet.produced.values()) == {1}
    assert [answer["to"] for answer in quiet.answers] == [SHOP]
    assert quiet.dead_letters == []
    # Only who asks in vain leaves his question behind.
    assert bool(quiet.waiting) is (case == "timers")

    for number, boundary in enumerate(boundaries):
        ending, _ = await play(dies_at=number)
        assert ending == quiet, f"died {boundary} (boundary {number} of {len(boundaries)})"
    figures.count(f"crash points on {type(under_test.store).__name__}", len(boundaries))


async def _play(
    app: App,
    request: Event[Any],
    under_test: StoreUnderTest,
    monkeypatch: pytest.MonkeyPatch,
    *,
    goes_on: bool,
    dies_at: int | None = None,
) -> tuple[Ending, list[str]]:
    """Take the request in an empty store; with `dies_at` the first worker dies there and a second one takes over.

    Workers with one task claim each delivery; those with two go on at once with what they have produced.
    """
    concurrency = 2 if goes_on else 1
    store = under_test.store
    await enqueue(app, store, request)
    produced: Counter[tuple[str, str]] = Counter()
    if dies_at is not None:
        life = Life(dies_at)
        front = OneByOne(store, life, under_test.fail_commits)
        monkeypatch.setattr(app, "middleware", (life.around_handlers,))
        with pytest.raises(BaseExceptionGroup):
            await _live(app, front, under_test, concurrency)
        assert life.dead
        produced += front.produced
        await under_test.let_time_pass(2 * LEASE)
    life = Life()
    front = OneByOne(store, life, under_test.fail_commits)
    monkeypatch.setattr(app, "middleware", (life.around_handlers,))
    await _live(app, front, under_test, concurrency)
    if dies_at is None:
        assert (front.went_on > 0) is goes_on
    ending = await _ending(store, produced + front.produced)
    await _clear(store)
    return ending, list(life.passed)


async def _live(app: App, front: OneByOne, under_test: StoreUnderTest, concurrency: int) -> None:
    """Work until nothing is left to do, not even later."""
    while True:
        front.idle.clear()
        worker = Worker(app, front.as_store(), concurrency=concurrency, lease=LEASE)
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            await front.idle.wait()
            worker.stop()
        if not await under_test.store.timers():
            return
        await under_test.let_time_pass(REMIND_AFTER)


async def _clear(store: Store) -> None:
    """Take the answer, and forget the rest."""
    for question in await store.waiting():
        await store.answer(question.event_id, [])
    claims = await store.claim("shop", {SHOP: 10}, lanes=10, deliveries_per_lane=10, lease=LEASE)
    await store.finish([Completion(claim=claim, consumed=claim.deliveries) for claim in claims])
    await store.prune(EVERYTHING)
    assert (await store.queues(), await store.workflows()) == ([], [])


async def _ending(store: Store, produced: Counter[tuple[str, str]]) -> Ending:
    workflows = await store.workflows(limit=1000)
    return Ending(
        workflows=sorted(
            (kept.handler, kept.subject, kept.status, kept.revision, json.dumps(_timeless(kept.record())))
            for kept in workflows
        ),
        answers=[_timeless(json.loads(lane.event_json)) for lane in await store.lanes(SHOP)],
        queues={queue.handler: queue.deliveries for queue in await store.queues()},
        dead_letters=[letter.letter for letter in await store.dead_letters()],
        waiting=[waiting.event_id for waiting in await store.waiting()],
        produced=produced,
    )


def _timeless(value: Any) -> Any:
    """JSON without the times at which its events were made."""
    if isinstance(value, dict):
        return {key: _timeless(member) for key, member in value.items() if key != "time"}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_timeless(member) for member in value]  # pyright: ignore[reportUnknownVariableType]
    return value
