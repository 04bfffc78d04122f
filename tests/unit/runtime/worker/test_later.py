"""Over a store: events that arrive later, timers of workflows, and what of it belongs to the same completion."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from arvo.backends.memory import InMemoryStore
from arvo.errors import InvalidEvent
from arvo.events import delayed
from arvo.orchestration import wanted_timers
from arvo.ports import Claim, Delivery, NewDelivery, WorkflowStatus
from arvo.ports.store import lane_id
from arvo.runtime import App, Worker, enqueue
from arvo.runtime.worker.held_record import timers_in
from arvo.runtime.worker.lane_run import LaneRun, Surroundings
from arvo.runtime.worker.posts import posts_of
from arvo.runtime.worker.routes import LATE, Routes
from tests.unit.orchestration.orders import StockReserved, reserve_v1
from tests.unit.runtime.scene import OUTSIDE, SimulatedClock, answer, handler, request, sent
from tests.unit.runtime.timer_script import Call, Play, Step, scripts
from tests.unit.runtime.worker.workplace import ONE, answers, until, until_idle, worked_off, working

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.events import Event
    from arvo.ports import Completion, Store
    from tests.unit.runtime.scene import FunctionHandler

SOON = timedelta(seconds=0.1)
HOUR = timedelta(hours=1)
ORDER = "arvo.orc.order"


async def completion_of(app: App, events: Sequence[Event[Any]], *, record: bytes | None = None) -> Completion:
    """What a worker of `app` would store after taking these events of one lane in one claim."""
    clock = SimulatedClock()
    address = events[0].to or events[0].type
    lane = lane_id(address, events[0].subject)
    claim = Claim(
        lane=lane,
        handler=address,
        token=1,
        priority=0,
        attempts=1,
        leased_until=clock.now(),
        deliveries=tuple(
            Delivery(number=number, key=lane, event_json=event.to_json(), arrived_at=clock.now())
            for number, event in enumerate(events)
        ),
        record_json=record,
        revision=0 if record is None else 1,
    )
    run = LaneRun(claim, posts_of(app, None)[address], Surroundings(app, Routes(app), clock))
    return (await run.run(lambda: True)).completion


def timers(produced: Sequence[NewDelivery]) -> list[str]:
    return [delivery.event.id for delivery in produced if delivery.event.type == "arvo.timer.elapsed"]


def emitting(**envelope: Any) -> FunctionHandler:
    @handler(ONE)
    async def emit(event: Event[Any]) -> Event[Any]:
        return delayed(sent(ONE, event, **envelope), SOON)

    return emit


async def test_an_emitted_event_is_a_timer_of_the_store_without_its_delay(store: Store) -> None:
    app = App([emitting(to=OUTSIDE, id="later")])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store), besides=(OUTSIDE,))
    (timer,) = await store.timers()
    assert (timer.handler, timer.event().id, dict(timer.event().extensions)) == (OUTSIDE, "later", {})


async def test_a_handler_publishes_for_later(store: Store) -> None:
    times: list[float] = []

    @handler(ONE)
    async def publishes(event: Event[Any]) -> None:
        times.append(asyncio.get_running_loop().time())
        if event.id != "later":
            await app.publish(request(ONE, id="later"), deliver_at=SOON)

    app = App([publishes])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))
    assert times[1] - times[0] >= SOON.total_seconds()


async def test_an_event_says_itself_that_it_is_to_be_enqueued_for_later(store: Store) -> None:
    app = App([emitting(to=OUTSIDE)])
    await enqueue(app, store, delayed(request(ONE, id="a"), HOUR))
    await enqueue(app, store, delayed(request(ONE, id="b"), HOUR), deliver_at=2 * HOUR)
    first, second = await store.timers()
    assert [first.event().id, second.event().id] == ["a", "b"]
    assert second.due_at - first.due_at > 0.9 * HOUR
    with pytest.raises(InvalidEvent):
        await enqueue(app, store, request(ONE), deliver_at=-HOUR)


async def test_a_delay_that_cannot_be_makes_a_dead_letter_and_nothing_is_emitted(store: Store) -> None:
    @handler(ONE)
    async def emit(event: Event[Any]) -> list[Event[Any]]:
        return [answer(ONE, event), answer(ONE, event, extensions={"deliverafter": "soon"})]

    app = App([emit])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))
    (letter,) = await store.dead_letters()
    assert letter.letter.reason == "poison"
    assert "'soon' is not a number of milliseconds" in letter.letter.error
    assert await answers(store) == []


async def test_without_a_sink_an_event_waits_for_its_domain_from_when_it_is_due(store: Store) -> None:
    app = App([emitting(to="com.human.ask", domain="human", id="question")])
    await enqueue(app, store, request(ONE))
    worker = Worker(app, store, sources=[ONE])
    async with working(worker):
        await until_idle(store, besides=(LATE,))
        assert await store.waiting() == []
        await until_idle(store)
    assert [waiting.event_id for waiting in await store.waiting(domain="human")] == ["question"]


async def test_what_comes_of_an_event_is_as_urgent_as_the_event(store: Store) -> None:
    @handler(ONE)
    async def both(event: Event[Any]) -> Event[Any]:
        await app.publish(delayed(request(ONE, subject="other"), HOUR))
        return answer(ONE, event)

    app = App([both])
    await enqueue(app, store, request(ONE), priority=7)

    async def answered() -> bool:
        return bool(await store.lanes(OUTSIDE))

    async with working(Worker(app, store)):
        await until(answered)
    assert [lane.priority for lane in await store.lanes(OUTSIDE)] == [7]
    assert [timer.priority for timer in await store.timers()] == [7]


async def test_an_answer_published_in_a_handler_ends_the_wait_of_its_question(store: Store) -> None:
    @handler(ONE)
    async def asks_and_answers(event: Event[Any]) -> Event[Any]:
        if event.type == "com.some.request":
            return sent(ONE, event, to="com.human.ask", domain="human", id="question")
        return sent(ONE, event, to=OUTSIDE)

    @handler("com.bot.bot")
    async def bot(_: Event[Any]) -> None:
        (question,) = await store.waiting()
        await app.publish(answer("com.human.ask", question.event()))

    app = App([asks_and_answers, bot])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))
    await enqueue(app, store, request("com.bot.bot", subject="another"))
    await worked_off(store, Worker(app, store))
    assert await store.waiting() == []
    assert len(await answers(store)) == 1


# Timers of workflows.


@given(scripts)
@settings(deadline=None, max_examples=15)
async def test_over_a_store_no_unwanted_timer_reaches_the_function(script: Sequence[Step]) -> None:
    """By the order of things alone: how long things take on a busy machine is nobody's promise."""
    async with InMemoryStore() as store:
        play = Play(script, asyncio.get_running_loop().time, unit=0.02)
        app, asked = play.app(), play.request()
        await enqueue(app, store, asked)
        await worked_off(store, Worker(app, store), besides=("com.web.shop",))
        play.check_order()
        workflow = await store.workflow(ORDER, asked.subject)
        assert workflow is not None
        if play.ended_at is not None:
            assert workflow.status is WorkflowStatus.DONE
        assert wanted_timers(workflow.record()) == frozenset()
        assert await store.dead_letters() == []


async def test_a_timer_is_stored_and_the_next_turn_takes_it_out_of_the_store() -> None:
    play = Play([Step(5, (Call(0.5, 3),)), Step(None)], lambda: 0.0)
    app, asked = play.app(), play.request()
    first = await completion_of(app, [asked])
    assert first.record is not None
    assert not first.cancelled
    started = timers(first.produced)
    assert len(started) == 2
    assert {delivery.due for delivery in first.produced} == {
        None,
        timedelta(minutes=5),
        timedelta(minutes=3),
    }
    (call,) = [delivery.event for delivery in first.produced if delivery.event.type == "com.stock.reserve"]
    reply = reserve_v1.reply(StockReserved(hold_id="h"), to=call)
    second = await completion_of(app, [reply], record=first.record.record_json)
    assert sorted(second.cancelled) == sorted(started)


async def test_a_timer_that_is_taken_is_not_taken_out_of_the_store() -> None:
    play = Play([Step(5), Step(2)], lambda: 0.0)
    app, asked = play.app(), play.request()
    first = await completion_of(app, [asked])
    assert first.record is not None
    (timer,) = [delivery.event for delivery in first.produced]
    second = await completion_of(app, [timer], record=first.record.record_json)
    assert second.cancelled == []
    assert len(timers(second.produced)) == 1


async def test_a_timer_that_the_same_completion_started_and_dropped_is_never_stored() -> None:
    play = Play([Step(5), Step(5), Step(4)], lambda: 0.0)
    app, asked = play.app(), play.request()
    first = await completion_of(app, [asked])
    (timer,) = [delivery.event for delivery in first.produced]
    both = await completion_of(app, [asked, timer])
    (left,) = timers(both.produced)
    assert left != timer.id
    assert both.record is not None
    assert timers_in(both.record.record_json) == {left}
    assert both.cancelled == []
