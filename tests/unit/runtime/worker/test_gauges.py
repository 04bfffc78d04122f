"""What a worker gauges for OpenTelemetry: only when somebody collects it, and never more than a little of the time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import BackendError
from arvo.ports import Completion, NewDelivery
from arvo.runtime import App, Worker, enqueue
from arvo.runtime.worker.gauges import Gauges
from arvo.runtime.worker.hands import Hands
from arvo.runtime.worker.posts import posts_of
from arvo.testing import ShiftableClock
from tests.unit.runtime.scene import request
from tests.unit.runtime.worker.store_in_front import CALLS, StoreInFront
from tests.unit.runtime.worker.workplace import ONE, Gate, until, working
from tests.unit.telemetry.test_metrics import collected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from arvo.ports import Clock, Store

SYSTEM = {"messaging.system": "arvo"}
AT_ONE = {**SYSTEM, "messaging.destination.name": ONE}
AT_TWO = {**SYSTEM, "messaging.destination.name": "com.two.handler"}


def gauges_of(store: Store, clock: Clock) -> tuple[Gauges, Hands]:
    hands = Hands({ONE: posts_of(App([Gate().handler()]), [ONE])[ONE]}, 4)
    return Gauges(store, hands, clock), hands


async def test_what_waits_and_what_is_in_hand_is_gauged(memory_store: Store, reader: InMemoryMetricReader) -> None:
    clock = ShiftableClock()
    gauges, hands = gauges_of(memory_store, clock)
    later = NewDelivery(handler="com.two.handler", event=request("com.two.handler"), due=timedelta(days=1))
    await memory_store.publish([later, *(NewDelivery(handler=ONE, event=request(ONE)) for _ in range(3))])
    (claim,) = await memory_store.claim("me", {ONE: 1}, lanes=1, deliveries_per_lane=1, lease=timedelta(days=1))
    hands.take(claim, 0.0)
    asked = [request("com.ask.person", domain="human")]
    await memory_store.finish([Completion(claim=claim, waiting=asked, hold=True)])
    await gauges.observe()

    assert collected(reader) == {
        "arvo.queue.depth": ("{event}", [(AT_ONE, 3), (AT_TWO, 0)]),
        "arvo.queue.timers": ("{event}", [(AT_ONE, 0), (AT_TWO, 1)]),
        "arvo.queue.age": ("s", [(AT_ONE, 0), (AT_TWO, 0)]),
        "arvo.worker.lanes": ("{lane}", [(AT_ONE, 1)]),
        "arvo.store.dead_letters": ("{event}", [(SYSTEM, 0)]),
        "arvo.store.waiting": ("{event}", [({**SYSTEM, "arvo.domain": "human"}, 1)]),
    }


async def test_what_has_become_empty_is_gauged_as_empty(memory_store: Store, reader: InMemoryMetricReader) -> None:
    clock = ShiftableClock()
    gauges, _ = gauges_of(memory_store, clock)
    await memory_store.publish([NewDelivery(handler=ONE, event=request(ONE))])
    (claim,) = await memory_store.claim("me", {ONE: 1}, lanes=1, deliveries_per_lane=1, lease=timedelta(days=1))
    question = request("com.ask.person", domain="human")
    await memory_store.finish([Completion(claim=claim, waiting=[question], hold=True)])
    await gauges.observe()
    await memory_store.finish([Completion(claim=claim, consumed=claim.deliveries, answered=[question.id])])
    await clock.let_pass(timedelta(seconds=10))
    await gauges.observe()

    found = collected(reader)
    assert found["arvo.queue.depth"][1] == [(AT_ONE, 0)]
    assert found["arvo.store.waiting"][1] == [({**SYSTEM, "arvo.domain": "human"}, 0)]


async def test_without_a_meter_the_store_is_not_asked(memory_store: Store) -> None:
    front = StoreInFront(memory_store)
    gauges, _ = gauges_of(front.as_store(), ShiftableClock())
    await gauges.observe()
    assert front.calls == {}


@pytest.mark.usefixtures("reader")
async def test_a_store_that_takes_long_is_asked_seldom(memory_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.runtime.worker.store_in_front.CALLS", (*CALLS, "queues"))
    front, clock = StoreInFront(memory_store), ShiftableClock()

    async def slow(_: str, __: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        await clock.let_pass(timedelta(seconds=2))
        return await call()

    front.around = slow
    gauges, _ = gauges_of(front.as_store(), clock)
    for _ in range(10):
        await gauges.observe()
        await clock.let_pass(timedelta(seconds=5))

    assert front.calls["queues"] == 2


async def test_a_store_that_does_not_answer_is_asked_again(
    memory_store: Store,
    reader: InMemoryMetricReader,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("tests.unit.runtime.worker.store_in_front.CALLS", (*CALLS, "queues"))
    front = StoreInFront(memory_store)

    async def away(_: str, __: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        if front.calls["queues"] == 1:
            raise BackendError("The store is away.")
        return await call()

    front.around = away
    gauges, _ = gauges_of(front.as_store(), ShiftableClock())
    await gauges.observe()
    await gauges.observe()

    assert "The queues could not be gauged. The store is away." in caplog.messages
    assert "arvo.store.dead_letters" in collected(reader)


async def test_a_worker_gauges_while_it_works(store: Store, reader: InMemoryMetricReader) -> None:
    gate = Gate()
    app = App([gate.handler()])
    await enqueue(app, store, request(ONE))
    async with working(Worker(app, store, heartbeat=timedelta(milliseconds=10))):

        async def gauged() -> bool:
            return (AT_ONE, 1) in collected(reader).get("arvo.worker.lanes", ("", []))[1]

        await until(gauged)
        gate.open.set()
