"""Errors of handlers: tried again as the policy says, given up together with the delivery, and nothing else is hurt."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.contracts import Payload
from arvo.errors import ContractViolation, ExecutionViolation
from arvo.runtime import App, DeadLetter, Observation, RetryPolicy, Subscription, Worker, enqueue
from arvo.runtime.worker.lane_run import LOST_ATTEMPTS
from tests.unit.runtime.scene import answer, handler, request
from tests.unit.runtime.worker.store_in_front import StoreInFront
from tests.unit.runtime.worker.workplace import QUICK, answers, until, worked_off, working

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.events import Event
    from arvo.ports import Store

ONE = "com.one.handler"


class Odd(Payload, event_type="evt.some.output"):
    value: Any


async def test_a_failed_attempt_is_followed_by_another(store: Store) -> None:
    attempts: list[int] = []

    @handler(ONE)
    async def fails_twice(event: Event[Any]) -> Event[Any]:
        if len(attempts) < 3:
            raise ExecutionViolation("not yet")
        return answer(ONE, event)

    app = App([fails_twice], retry=QUICK)

    @app.on_event
    def note(observation: Observation) -> None:
        attempts.append(observation.attempt)

    fails_twice_then_works = Worker(app, store)
    attempts.append(0)
    await enqueue(app, store, request(ONE))
    await worked_off(store, fails_twice_then_works)

    assert attempts == [0, 1, 2, 3]
    assert fails_twice_then_works.report.retries == 2
    assert len(await answers(store)) == 1
    assert await store.dead_letters() == []


async def test_an_event_that_always_fails_is_given_up_in_the_end(store: Store) -> None:
    @handler(ONE)
    async def hopeless(_: Event[Any]) -> None:
        raise ExecutionViolation("never\nand no second line")

    app = App([hopeless], retry=QUICK)
    told: list[DeadLetter] = []

    @app.on_dead_letter
    async def tell(letter: DeadLetter) -> None:
        told.append(letter)

    event = request(ONE)
    await enqueue(app, store, event)
    worker = Worker(app, store)
    await worked_off(store, worker)

    (stored,) = await store.dead_letters()
    assert (stored.letter.handler, stored.letter.event_id, stored.letter.attempts) == (ONE, event.id, 3)
    assert (stored.letter.reason, stored.letter.error) == ("exhausted", "ExecutionViolation: never")
    assert "in hopeless" in stored.letter.traceback
    assert stored.event().id == event.id
    assert [(letter.event.id, letter.attempts) for letter in told] == [(event.id, 3)]
    assert worker.report.dead_letters == 1
    assert str(worker.report) == "1 deliveries, 2 retries, 1 dead letters"


async def test_poison_is_given_up_at_once(store: Store) -> None:
    @handler(ONE)
    async def strict(_: Event[Any]) -> None:
        raise ContractViolation("wrong data")

    app = App([strict], retry=QUICK)
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))

    (stored,) = await store.dead_letters()
    assert (stored.letter.reason, stored.letter.attempts) == ("poison", 1)


async def test_what_is_no_event_is_given_up_and_kept_as_it_is(memory_store: Store) -> None:
    @handler(ONE)
    async def never(_: Event[Any]) -> None:
        raise AssertionError("there is no event to handle")

    app = App([never])
    front = StoreInFront(memory_store)

    async def tampering(name: str, _: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        result = await call()
        if name != "claim":
            return result
        return [
            replace(claim, deliveries=tuple(replace(item, event_json=b'{"id": 7}') for item in claim.deliveries))
            for claim in result
        ]

    front.around = tampering
    await enqueue(app, memory_store, request(ONE))
    await worked_off(memory_store, Worker(app, front.as_store()))

    (stored,) = await memory_store.dead_letters()
    assert (stored.letter.reason, stored.letter.event_json) == ("poison", b'{"id": 7}')


async def test_the_events_before_a_failing_one_are_done_and_those_behind_it_wait(store: Store) -> None:
    tries: list[str] = []

    @handler(ONE)
    async def fails_once_at_2(event: Event[Any]) -> Event[Any]:
        tries.append(event.id)
        if event.id == "2" and tries.count("2") == 1:
            raise ExecutionViolation("not yet")
        return answer(ONE, event, id=f"answer to {event.id}")

    app = App([fails_once_at_2], retry=QUICK)
    for number in range(4):
        await enqueue(app, store, request(ONE, id=str(number)))
    await worked_off(store, Worker(app, store))

    assert tries == ["0", "1", "2", "2", "3"]
    assert [queue.deliveries for queue in await store.queues()] == [4]


async def test_attempts_are_counted_anew_for_the_event_behind_one_that_is_done(store: Store) -> None:
    numbers: list[tuple[str, int]] = []

    @handler(ONE)
    async def hopeless(event: Event[Any]) -> None:
        if event.id != "good":
            raise ExecutionViolation("never")

    app = App([hopeless], retry=QUICK)

    @app.on_event
    def note(observation: Observation) -> None:
        numbers.append((observation.event.id, observation.attempt))

    for id_ in ("good", "bad", "worse"):
        await enqueue(app, store, request(ONE, id=id_))
    await worked_off(store, Worker(app, store))

    assert numbers == [("good", 1), ("bad", 1), ("bad", 2), ("bad", 3), ("worse", 1), ("worse", 2), ("worse", 3)]


async def test_nothing_of_a_failed_attempt_is_stored(store: Store) -> None:
    @handler(ONE)
    async def publishes_then_fails_once(event: Event[Any]) -> None:
        await app.publish(request("com.two.handler", id="published by an attempt"))
        if not failed:
            failed.append(event.id)
            raise ExecutionViolation("not yet")

    @handler("com.two.handler")
    async def counts(event: Event[Any]) -> None:
        counted.append(event.id)

    failed: list[str] = []
    counted: list[str] = []
    app = App([publishes_then_fails_once, counts], retry=QUICK)
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))

    assert counted == ["published by an attempt"]


async def test_a_result_that_cannot_be_stored_is_given_up_without_harm_to_others(store: Store) -> None:
    @handler(ONE)
    async def emits(event: Event[Any]) -> Event[Any]:
        return answer(ONE, event).with_data(Odd(value=object() if event.id.startswith("bad") else 1))

    app = App([emits], retry=QUICK)
    for id_ in ("bad 1", "good 1", "good 2", "bad 2"):
        await enqueue(app, store, request(ONE, id=id_))
    await enqueue(app, store, request(ONE, id="good 3", subject="process/2"))
    await worked_off(store, Worker(app, store))

    assert [stored.letter.event_id for stored in await store.dead_letters()] == ["bad 1", "bad 2"]
    assert {stored.letter.reason for stored in await store.dead_letters()} == {"unexpected"}
    assert [queue.deliveries for queue in await store.queues()] == [3]


async def test_a_handler_that_cancels_its_own_task_is_tried_again(memory_store: Store) -> None:
    tries: list[str] = []

    @handler(ONE)
    async def confused(event: Event[Any]) -> None:
        tries.append(event.id)
        task = asyncio.current_task()
        assert task is not None
        if len(tries) == 1:
            task.cancel()
            await asyncio.sleep(0)

    app = App([confused])
    await enqueue(app, memory_store, request(ONE))
    worker = Worker(app, memory_store)
    await worked_off(memory_store, worker)

    assert len(tries) == 2
    assert worker.report.retries == 1


async def test_what_takes_every_worker_down_is_given_up_in_the_end(memory_store: Store) -> None:
    class Down(BaseException):
        pass

    @handler(ONE)
    async def deadly(event: Event[Any]) -> None:
        if event.id == "deadly":
            raise Down

    app = App([Subscription(deadly, retry=RetryPolicy(attempts=1))])
    await enqueue(app, memory_store, request(ONE, id="deadly"))
    await enqueue(app, memory_store, request(ONE, id="harmless"))
    for _ in range(1 + LOST_ATTEMPTS):
        with pytest.raises(BaseExceptionGroup) as raised:
            await Worker(app, memory_store).run()
        assert raised.group_contains(Down)
    await worked_off(memory_store, Worker(app, memory_store))

    (stored,) = await memory_store.dead_letters()
    assert (stored.letter.event_id, stored.letter.reason) == ("deadly", "exhausted")
    assert f"was begun on this event {1 + LOST_ATTEMPTS} times" in stored.letter.error


async def test_a_hook_that_hangs_does_not_keep_the_worker_from_working(memory_store: Store) -> None:
    @handler(ONE)
    async def strict(event: Event[Any]) -> Event[Any]:
        if event.id == "bad":
            raise ContractViolation("wrong data")
        return answer(ONE, event)

    app = App([strict])

    @app.on_dead_letter
    async def hang(_: DeadLetter) -> None:
        await asyncio.Event().wait()

    worker = Worker(app, memory_store, drain_timeout=timedelta(seconds=0.05))
    await enqueue(app, memory_store, request(ONE, id="bad"))
    async with working(worker):

        async def buried() -> bool:
            return len(await memory_store.dead_letters()) == 1

        await until(buried)
        await enqueue(app, memory_store, request(ONE, id="good"))

        async def answered() -> bool:
            return len(await answers(memory_store)) == 1

        await until(answered)


async def test_the_error_is_shown_while_the_lane_waits_for_its_next_attempt(store: Store) -> None:
    @handler(ONE)
    async def fails(_: Event[Any]) -> None:
        raise ExecutionViolation("the printer is out of paper")

    app = App([fails], retry=RetryPolicy(initial_delay=timedelta(seconds=30)))
    await enqueue(app, store, request(ONE))

    async def retrying() -> bool:
        return [queue.retrying for queue in await store.queues()] == [1]

    async with working(Worker(app, store)):
        await until(retrying)

    (lane,) = await store.lanes(ONE)
    assert lane.error == "ExecutionViolation: the printer is out of paper"
    assert json.loads(lane.event_json)["to"] == ONE
