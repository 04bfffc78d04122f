"""Whole systems in one process: real handlers and workflows, real memories, and everything that goes wrong between."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.backends.sqlite import SqliteMachineMemory
from arvo.errors import BackendError
from arvo.runtime import App, Observation, RetryPolicy, Servable, Subscription, UnansweredError
from tests.integration.order_system import (
    HANDLERS,
    HUMAN,
    SHOP,
    Approved,
    OrderFailed,
    OrderPlaced,
    an_order,
    approve_v1,
    charge_card,
    order_v1,
    place_order,
    reserve_stock,
    ship_order,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from arvo.events import Event
    from arvo.ports import MachineMemory
    from arvo.runtime import Execute

SOON = RetryPolicy(attempts=20, initial_delay=timedelta(milliseconds=1), max_delay=timedelta(milliseconds=5))


def order_app(memory: MachineMemory | None = None, retry: RetryPolicy | None = None) -> App:
    return App(HANDLERS, memory=memory or InMemoryMachineMemory(), retry=retry)


async def test_an_order_is_placed_with_its_services_and_its_child_workflow() -> None:
    handled: list[str] = []
    app = order_app()
    app.on_event(lambda seen: handled.append(seen.handler))
    placed = await app.resolve(an_order(), expect=order_v1)
    assert isinstance(placed.data, OrderPlaced)
    assert placed.data.tracking.startswith("parcel with hold ")
    assert Counter(handled) == {
        "arvo.orc.order": 4,
        "com.stock.reserve": 1,
        "com.card.charge": 1,
        "arvo.orc.shipping": 1,
    }


async def test_an_unexpected_exception_in_a_service_reaches_the_workflow_as_a_system_error() -> None:
    failed = await order_app().resolve(an_order(sku="broken"), expect=order_v1)
    assert isinstance(failed.data, OrderFailed)
    assert "broken" in failed.data.reason


async def test_two_hundred_orders_at_once_each_get_their_own_answer() -> None:
    orders = [an_order(amount_cents=number) for number in range(200)]
    async with order_app() as app:
        answers = await asyncio.gather(*(app.resolve(order, expect=order_v1) for order in orders))
    assert [answer.parentid for answer in answers] == [order.id for order in orders]
    assert {type(answer.data) for answer in answers} == {OrderPlaced}
    assert app.dead_letters == ()


async def test_a_human_answers_through_the_sink_of_a_domain_and_the_workflow_goes_on() -> None:
    app = order_app()
    asked: list[Event[Any]] = []

    @app.sink(HUMAN)
    async def ask(event: Event[Any]) -> None:
        asked.append(event)
        await app.publish(approve_v1.reply(Approved(by="somebody"), to=event))

    answer = await app.resolve(an_order(amount_cents=60_000), expect=order_v1)
    assert isinstance(answer.data, OrderPlaced)
    assert [event.domain for event in asked] == [HUMAN]


async def test_a_human_answers_much_later_what_waits_in_the_app() -> None:
    async with order_app() as app:
        resolving = asyncio.create_task(
            app.resolve(an_order(amount_cents=200_000), expect=order_v1, timeout=timedelta(seconds=30))
        )
        await asyncio.sleep(0)
        await app.wait_idle()
        (request,) = app.waiting(HUMAN)
        await app.publish(approve_v1.reply(Approved(by="somebody"), to=request))
        answer = await resolving
    assert answer.data == OrderFailed(reason="over limit")
    assert app.waiting(HUMAN) == ()


async def test_a_published_order_can_be_resolved_by_watching_what_comes_out() -> None:
    answers: list[Event[Any]] = []
    app = order_app()

    @app.on_unhandled
    async def note(event: Event[Any]) -> None:
        answers.append(event)

    async with app:
        for number in range(10):
            await app.publish(an_order(amount_cents=number))
    assert [answer.to for answer in answers] == [SHOP] * 10


class FlakyMemory(InMemoryMachineMemory):
    """Fails every third call."""

    calls = 0

    def _maybe_fail(self) -> None:
        self.calls += 1
        if self.calls % 3 == 0:
            raise BackendError("the store is away")

    async def read(self, id: str) -> dict[str, Any] | None:
        self._maybe_fail()
        return await super().read(id)

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        self._maybe_fail()
        await super().write(id, data, previous)


async def test_a_store_that_fails_now_and_then_costs_retries_but_no_orders() -> None:
    attempts: list[Observation] = []
    app = order_app(memory=FlakyMemory(), retry=SOON)
    app.on_event(attempts.append)
    async with app:
        answers = await asyncio.gather(*(app.resolve(an_order(amount_cents=n), expect=order_v1) for n in range(20)))
    assert {type(answer.data) for answer in answers} == {OrderPlaced}
    assert any(attempt.error is not None for attempt in attempts)
    assert app.dead_letters == ()


async def test_a_store_that_stays_away_ends_in_a_dead_letter_that_names_it() -> None:
    class AbsentMemory(InMemoryMachineMemory):
        async def read(self, id: str) -> dict[str, Any] | None:
            raise BackendError(f"no store for {id[:5]}")

    app = order_app(memory=AbsentMemory(), retry=RetryPolicy(attempts=2, initial_delay=timedelta(0)))
    with pytest.raises(UnansweredError, match=r"'arvo\.orc\.order' gave up .* after 2 attempts, exhausted"):
        await app.resolve(an_order())


async def test_after_a_stop_in_the_middle_every_order_is_finished_or_reported_and_the_memory_is_intact(
    tmp_path: Path,
) -> None:
    stopping = asyncio.Event()

    async def hold_expensive_charges(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        if event.to == "com.card.charge" and event.data.amount_cents >= 10:
            await asyncio.Event().wait()
        return await call_next(event)

    location = tmp_path / "orders.db"
    orders = [an_order(amount_cents=number) for number in range(20)]
    finished: set[str] = set()
    async with SqliteMachineMemory(location) as memory:
        app = App(HANDLERS, memory=memory, middleware=[hold_expensive_charges])

        @app.on_unhandled
        async def note(event: Event[Any]) -> None:
            finished.add(event.subject)
            if len(finished) == 5:
                stopping.set()

        async with app:
            for order in orders:
                await app.publish(order)
            await stopping.wait()
            report = await app.close(timeout=timedelta(0))

    # A child workflow has a subject of its own and names the order's as its parent.
    reported = {entry.event.subject for entry in report.unfinished} | {
        entry.event.to_dict()["data"].get("parentSubject$$") for entry in report.unfinished
    }
    assert finished
    assert reported
    assert {order.subject for order in orders} <= finished | reported

    async with SqliteMachineMemory(location) as memory:
        for order in orders:
            assert await memory.lock(order.subject, "somebody else")
        answer = await App(HANDLERS, memory=memory).resolve(an_order(), expect=order_v1)
    assert isinstance(answer.data, OrderPlaced)


async def test_a_stop_while_a_lock_is_being_taken_leaves_no_lock_behind() -> None:
    taken = asyncio.Event()

    class SlowToTell(InMemoryMachineMemory):
        async def lock(self, id: str, holder: str) -> bool:
            acquired = await super().lock(id, holder)
            taken.set()
            await asyncio.sleep(3600)
            return acquired

    memory, order = SlowToTell(), an_order()
    async with order_app(memory=memory) as app:
        await app.publish(order)
        await taken.wait()
        await app.close(timeout=timedelta(0))
    assert await InMemoryMachineMemory.lock(memory, order.subject, "somebody else")


async def test_a_stop_while_a_lock_is_being_given_back_leaves_no_lock_behind() -> None:
    giving_back = asyncio.Event()

    class SlowToHear(InMemoryMachineMemory):
        async def unlock(self, id: str, holder: str) -> None:
            if not giving_back.is_set():
                giving_back.set()
                await asyncio.sleep(3600)
            await super().unlock(id, holder)

    memory, order = SlowToHear(), an_order()
    async with order_app(memory=memory) as app:
        await app.publish(order)
        await giving_back.wait()
        await app.close(timeout=timedelta(0))
    assert await memory.lock(order.subject, "somebody else")


async def test_a_handler_can_be_held_back_without_holding_back_the_others() -> None:
    running = Counter[str]()
    most = Counter[str]()

    async def watch(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        address = str(event.to)
        running[address] += 1
        most[address] = max(most[address], running[address])
        await asyncio.sleep(0)
        try:
            return await call_next(event)
        finally:
            running[address] -= 1

    handlers: list[Servable | Subscription] = [
        place_order,
        ship_order,
        reserve_stock,
        Subscription(charge_card, concurrency=1),
    ]
    async with App(handlers, memory=InMemoryMachineMemory(), middleware=[watch], concurrency=8) as app:
        await asyncio.gather(*(app.resolve(an_order(amount_cents=number)) for number in range(50)))
    assert most["com.card.charge"] == 1
    assert most["com.stock.reserve"] > 1
    assert most["arvo.orc.order"] == 8
