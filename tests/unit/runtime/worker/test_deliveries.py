"""What becomes of events that a worker finds in its store: they are handled once, in order, and lead to others."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.contracts import Contract, Payload
from arvo.runtime import App, Subscription, Worker, enqueue
from tests.unit.runtime.scene import OUTSIDE, answer, handler, request, sent
from tests.unit.runtime.worker.store_in_front import StoreInFront
from tests.unit.runtime.worker.workplace import answers, worked_off

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from arvo.events import Event
    from arvo.ports import Store

ONE, TWO = "com.one.handler", "com.two.handler"


async def test_what_comes_of_an_event_goes_on_to_the_next_handler_and_back_to_the_caller(store: Store) -> None:
    @handler(ONE)
    async def first(event: Event[Any]) -> Event[Any]:
        return sent(ONE, event, to=TWO)

    @handler(TWO)
    async def second(event: Event[Any]) -> Event[Any]:
        return sent(TWO, event, to=OUTSIDE)

    app = App([first, second])
    await enqueue(app, store, request(ONE))
    worker = Worker(app, store)
    await worked_off(store, worker)

    assert [event.source for event in await answers(store)] == [TWO]
    assert worker.report.deliveries == 2
    assert str(worker.report) == "2 deliveries"


async def test_events_of_one_subject_are_taken_one_at_a_time_and_in_order(store: Store) -> None:
    running: list[str] = []
    done: list[tuple[str, str]] = []

    @handler(ONE)
    async def slow(event: Event[Any]) -> None:
        assert event.subject not in running
        running.append(event.subject)
        await asyncio.sleep(0.003)
        running.remove(event.subject)
        done.append((event.subject, event.id))

    app = App([slow])
    for number in range(30):
        await enqueue(app, store, request(ONE, subject=f"process/{number % 3}", id=f"{number:02}"))
    await worked_off(store, Worker(app, store), Worker(app, store), Worker(app, store))

    assert len(done) == 30
    for subject in {subject for subject, _ in done}:
        ids = [id_ for of, id_ in done if of == subject]
        assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("own", "overall", "most"), [(2, 64, 2), (None, 3, 3), (None, 64, 10)], ids=["handler", "worker", "free"]
)
async def test_no_more_runs_at_once_than_is_allowed(store: Store, own: int | None, overall: int, most: int) -> None:
    running = highest = 0

    @handler(ONE)
    async def counting(_: Event[Any]) -> None:
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        await asyncio.sleep(0.02)
        running -= 1

    app = App([Subscription(counting, concurrency=own)])
    for number in range(10):
        await enqueue(app, store, request(ONE, subject=f"process/{number}"))
    await worked_off(store, Worker(app, store, concurrency=overall))

    assert highest == most


async def test_a_full_handler_does_not_keep_others_from_running(store: Store) -> None:
    free = asyncio.Event()

    @handler(ONE)
    async def stuck_until_the_other_ran(_: Event[Any]) -> None:
        await free.wait()

    @handler(TWO)
    async def other(_: Event[Any]) -> None:
        free.set()

    app = App([Subscription(stuck_until_the_other_ran, concurrency=1), other])
    for number in range(5):
        await enqueue(app, store, request(ONE, subject=f"process/{number}"))
    await enqueue(app, store, request(TWO))
    await worked_off(store, Worker(app, store, concurrency=2))


async def test_several_events_of_one_subject_are_stored_together(store: Store) -> None:
    @handler(ONE)
    async def quick(event: Event[Any]) -> Event[Any]:
        return answer(ONE, event)

    app = App([quick])
    for _ in range(10):
        await enqueue(app, store, request(ONE))
    front = StoreInFront(store)
    await worked_off(store, Worker(app, front.as_store()))

    assert front.calls["finish"] == 1
    assert [queue.deliveries for queue in await store.queues()] == [10]


async def test_what_slow_events_of_one_subject_lead_to_is_not_held_back(store: Store) -> None:
    @handler(ONE)
    async def slow(_: Event[Any]) -> None:
        await asyncio.sleep(0.06)

    app = App([slow])
    for _ in range(3):
        await enqueue(app, store, request(ONE))
    front = StoreInFront(store)
    await worked_off(store, Worker(app, front.as_store()))

    assert front.calls["finish"] == 3


async def test_middleware_runs_around_every_delivery(store: Store) -> None:
    seen: list[str] = []

    @handler(ONE)
    async def inner(_: Event[Any]) -> None:
        seen.append("handler")

    async def around(
        event: Event[Any], call_next: Callable[[Event[Any]], Awaitable[Sequence[Event[Any]]]]
    ) -> Sequence[Event[Any]]:
        seen.append("before")
        outputs = await call_next(event)
        seen.append("after")
        return outputs

    app = App([inner], middleware=[around])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))

    assert seen == ["before", "handler", "after"]


async def test_an_event_for_a_handler_elsewhere_waits_for_the_worker_that_has_it(store: Store) -> None:
    @handler(ONE)
    async def here(event: Event[Any]) -> Event[Any]:
        return sent(ONE, event, to=TWO)

    @handler(TWO)
    async def elsewhere(event: Event[Any]) -> Event[Any]:
        return sent(TWO, event, to=OUTSIDE)

    app = App([here])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store), besides=(TWO,))
    assert [event.source for event in await answers(store, TWO)] == [ONE]

    await worked_off(store, Worker(App([elsewhere]), store))
    assert [event.source for event in await answers(store)] == [TWO]


async def test_a_worker_serves_only_the_sources_it_was_given(store: Store) -> None:
    @handler(ONE)
    async def first(_: Event[Any]) -> None: ...

    @handler(TWO)
    async def second(_: Event[Any]) -> None: ...

    app = App([first, second])
    await enqueue(app, store, request(ONE))
    await enqueue(app, store, request(TWO))
    await worked_off(store, Worker(app, store, sources=[TWO]), besides=(ONE,))

    assert [(queue.handler, queue.deliveries) for queue in await store.queues()] == [(ONE, 1)]


async def test_an_event_that_arrives_later_is_handled_then(store: Store) -> None:
    @handler(ONE)
    async def late(event: Event[Any]) -> Event[Any]:
        return answer(ONE, event)

    app = App([late])
    soon = asyncio.get_running_loop().time() + 0.15
    await enqueue(app, store, request(ONE), deliver_at=timedelta(seconds=0.15))
    await worked_off(store, Worker(app, store))

    assert asyncio.get_running_loop().time() >= soon
    assert len(await answers(store)) == 1


class Ask(Payload):
    question: str


class Answered(Payload, event_type="evt.oracle.ask.success"):
    answer: str


async def test_contracts_of_other_processes_are_addresses_too(store: Store) -> None:
    oracle = Contract(uri="#/oracle", type="com.oracle.ask")
    oracle.version("1.0.0", accepts=Ask, emits=Answered)

    @handler(ONE)
    async def here(_: Event[Any]) -> None: ...

    app = App([here], external=[oracle])
    assert await enqueue(app, store, request("com.oracle.ask"))
    assert len(await answers(store, "com.oracle.ask")) == 1
