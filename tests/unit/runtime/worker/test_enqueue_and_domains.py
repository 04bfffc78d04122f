"""How events get into a store from outside, and how those leave that are for another world."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import ConfigViolation
from arvo.runtime import App, AppClosedError, Worker, enqueue
from tests.unit.runtime.scene import OUTSIDE, answer, handler, request, sent
from tests.unit.runtime.worker.workplace import QUICK, answers, worked_off

if TYPE_CHECKING:
    from arvo.events import Event
    from arvo.ports import Store
    from tests.unit.runtime.scene import FunctionHandler

ONE, TWO, HUMAN = "com.one.handler", "com.two.handler", "human.inbox"


def asking() -> FunctionHandler:
    """A handler that asks a human, and tells the caller what the human answered."""

    @handler(ONE)
    async def ask(event: Event[Any]) -> Event[Any]:
        if event.type == "com.some.request":
            return sent(ONE, event, to="com.human.ask", domain=HUMAN, id="question")
        return sent(ONE, event, to=OUTSIDE)

    return ask


def reply(to: Event[Any], **envelope: Any) -> Event[Any]:
    return answer("com.human.ask", to, **envelope)


async def test_the_same_event_is_taken_in_once(store: Store) -> None:
    app = App([asking()])
    event = request(ONE)

    assert await enqueue(app, store, event)
    assert not await enqueue(app, store, event)


async def test_an_event_with_an_unknown_address_is_refused_and_not_stored(store: Store) -> None:
    app = App([asking()])

    with pytest.raises(ConfigViolation, match=r"'com.one.handle'.*Did you mean 'com.one.handler'\?") as raised:
        await enqueue(app, store, request("com.one.handle"))
    assert "nothing was stored" in raised.value.message
    assert await store.queues() == []


async def test_an_event_for_a_domain_without_a_sink_is_refused_and_not_stored(store: Store) -> None:
    app = App([asking()])

    with pytest.raises(ConfigViolation, match=r"domain 'human.inbox', which has no sink"):
        await enqueue(app, store, request("com.human.ask", domain=HUMAN))
    assert await store.queues() == []


async def test_what_is_more_urgent_is_taken_first(store: Store) -> None:
    order: list[str] = []

    @handler(ONE)
    async def note(event: Event[Any]) -> None:
        order.append(event.id)

    app = App([note])
    for number, priority in enumerate((0, 5, -5)):
        await enqueue(app, store, request(ONE, id=str(priority), subject=f"process/{number}"), priority=priority)
    await worked_off(store, Worker(app, store, concurrency=1))

    assert order == ["5", "0", "-5"]


async def test_without_a_sink_an_event_waits_in_the_store_until_it_is_answered(store: Store) -> None:
    app = App([asking()])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))
    (waiting,) = await store.waiting(domain=HUMAN)
    assert waiting.event_id == "question"

    assert await enqueue(app, store, reply(waiting.event()))
    assert await store.waiting() == []
    await worked_off(store, Worker(app, store))
    assert [event.source for event in await answers(store)] == [ONE]


async def test_an_answer_given_twice_is_delivered_once(store: Store) -> None:
    app = App([asking()])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))
    (waiting,) = await store.waiting()
    answered = reply(waiting.event(), id="yes")

    assert await enqueue(app, store, answered)
    assert not await enqueue(app, store, answered)


async def test_a_sink_gets_the_events_of_its_domain_and_its_answers_are_stored(store: Store) -> None:
    app = App([asking()], retry=QUICK)
    seen: list[str] = []

    @app.sink(HUMAN)
    async def human(event: Event[Any]) -> None:
        seen.append(event.id)
        if len(seen) == 1:
            raise ConnectionError("the mail server is away")
        await app.publish(reply(event))

    app_of_another_process = App([asking()])
    app_of_another_process.sink(HUMAN)(human)
    await enqueue(app, store, request(ONE))
    worker = Worker(app, store)
    await worked_off(store, worker)

    # An error that is not in the policy parks the event; it can be replayed.
    (letter,) = await store.dead_letters()
    assert letter.letter.handler == "sink of human.inbox"
    await store.replay([letter.number])
    await worked_off(store, Worker(app, store))
    assert seen == ["question", "question"]
    assert [event.source for event in await answers(store)] == [ONE]


async def test_events_for_a_sink_can_be_enqueued(store: Store) -> None:
    app = App([asking()])
    seen: list[str] = []

    @app.sink(HUMAN)
    async def human(event: Event[Any]) -> None:
        seen.append(event.id)

    await enqueue(app, store, request("com.human.ask", domain=HUMAN, id="from outside"))
    await worked_off(store, Worker(app, store))
    assert seen == ["from outside"]


async def test_an_event_published_in_a_handler_may_wait_for_its_domain(store: Store) -> None:
    @handler(ONE)
    async def publishes(_: Event[Any]) -> None:
        await app.publish(request("com.human.ask", domain=HUMAN, id="published"))

    app = App([publishes])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))

    assert [waiting.event_id for waiting in await store.waiting()] == ["published"]


async def test_publishing_to_an_unknown_address_fails_in_the_handler(store: Store) -> None:
    @handler(ONE)
    async def publishes(event: Event[Any]) -> Event[Any]:
        with pytest.raises(ConfigViolation, match=r"No handler of this app answers to 'com.nobody.here'"):
            await app.publish(request("com.nobody.here"))
        return answer(ONE, event)

    app = App([publishes])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))

    assert len(await answers(store)) == 1


async def test_publishing_after_the_handler_returned_is_refused(memory_store: Store) -> None:
    late: list[asyncio.Task[None]] = []

    @handler(ONE)
    async def leaves_a_task_behind(_: Event[Any]) -> None:
        late.append(asyncio.create_task(publish_later()))

    async def publish_later() -> None:
        await asyncio.sleep(0.01)
        await app.publish(request(ONE, id="late"))

    app = App([leaves_a_task_behind])
    await enqueue(app, memory_store, request(ONE))
    await worked_off(memory_store, Worker(app, memory_store))

    with pytest.raises(AppClosedError, match="after the handler had returned"):
        await late[0]


async def test_on_unhandled_gets_what_no_handler_takes(store: Store) -> None:
    @handler(ONE)
    async def answers_the_caller(event: Event[Any]) -> Event[Any]:
        return answer(ONE, event)

    app = App([answers_the_caller])
    taken: list[str | None] = []

    @app.on_unhandled
    async def take(event: Event[Any]) -> None:
        taken.append(event.to)

    await enqueue(app, store, request(ONE))
    await enqueue(app, store, request("com.nobody.here"))
    await worked_off(store, Worker(app, store), besides=())

    assert sorted(map(str, taken)) == ["com.nobody.here", OUTSIDE]


async def test_an_app_that_is_open_as_well_still_publishes_in_this_process(store: Store) -> None:
    handled: list[str] = []

    @handler(ONE)
    async def note(event: Event[Any]) -> None:
        handled.append(event.id)

    app = App([note])
    async with app:
        await app.publish(request(ONE, id="here"))
    assert handled == ["here"]
    await enqueue(app, store, request(ONE, id="stored"), deliver_at=timedelta(0))
    await worked_off(store, Worker(app, store))
    assert handled == ["here", "stored"]
