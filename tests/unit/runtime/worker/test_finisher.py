"""Results are stored in groups, but never two of one lane together: the store could not say which goes first."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.ports import Completion, FinishOutcome, SystemClock
from arvo.runtime import App, enqueue
from arvo.runtime.worker.finisher import Finisher
from arvo.runtime.worker.lane_run import Result, Surroundings
from arvo.runtime.worker.patience import Patience
from arvo.runtime.worker.routes import Routes
from tests.unit.runtime.scene import request
from tests.unit.runtime.worker.store_in_front import StoreInFront
from tests.unit.runtime.worker.workplace import ONE, Gate

if TYPE_CHECKING:
    from arvo.ports import Claim, Store


async def test_a_claim_that_was_lost_and_its_successor_on_the_same_lane_are_stored_one_after_the_other(
    memory_store: Store,
) -> None:
    app = App([Gate().handler()])
    for _ in range(2):
        await enqueue(app, memory_store, request(ONE))
    minute = timedelta(minutes=1)
    claims: list[Claim] = []
    for worker in ("lost", "successor"):
        claims += await memory_store.claim(worker, {ONE: 1}, lanes=1, deliveries_per_lane=1, lease=minute)
        await memory_store.remove_workers(["lost"])
    outcomes: list[FinishOutcome] = []
    front = StoreInFront(memory_store)
    clock = SystemClock()
    finisher = Finisher(
        front.as_store(),
        Patience(clock),
        Surroundings(app, Routes(app), clock),
        lambda _, outcome: outcomes.append(outcome),
    )
    for claim in claims:
        finisher.submit(Result(Completion(claim=claim, consumed=claim.deliveries)))

    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await finisher.run()

    assert outcomes == [FinishOutcome.FENCED, FinishOutcome.COMMITTED]
    assert front.calls["finish"] == 2
