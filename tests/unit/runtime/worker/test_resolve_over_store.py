"""Asking over a store: the answer comes to who asked, once, and what is known is told when none comes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.contracts import Contract, Payload
from arvo.errors import ConfigViolation, ContractViolation
from arvo.events import Event, delayed
from arvo.handlers import Handler, HandlerContext
from arvo.runtime import App, DeadLetterReason, ResolveTimeoutError, UnansweredError, Worker, enqueue, resolve
from tests.unit.runtime.scene import OUTSIDE, FunctionHandler, answer, handler, request, sent
from tests.unit.runtime.worker.store_in_front import StoreInFront
from tests.unit.runtime.worker.workplace import ONE, answers, worked_off, working

if TYPE_CHECKING:
    from arvo.ports import Store

SHORT = timedelta(seconds=0.1)


class Double(Payload):
    number: int


class Doubled(Payload, event_type="evt.number.double.success"):
    number: int


double = Contract(uri="#/services/number.double", type="com.number.double")
double_v1 = double.version("1.0.0", accepts=Double, emits=Doubled)
double_number = Handler(double)


@double_number.on(double_v1)
async def two_times(event: Event[Double], _: HandlerContext) -> Doubled:
    return Doubled(number=2 * event.data.number)


@handler(ONE)
async def echo(event: Event[Any]) -> Event[Any]:
    return answer(ONE, event, id=f"answer to {event.id}")


def ask_double(number: int) -> Event[Double]:
    return double_v1.request(Double(number=number), source="com.web.calculator")


async def test_many_ask_at_once_under_one_source_and_each_gets_its_own_answer(store: Store) -> None:
    app = App([double_number])

    async def asked(number: int) -> int:
        answered = await resolve(app, store, ask_double(number), expect=double_v1)
        assert isinstance(answered.data, Doubled)
        return answered.data.number

    async with asyncio.timeout(20), working(Worker(app, store)):
        assert await asyncio.gather(*map(asked, range(30))) == [2 * number for number in range(30)]
    assert await store.queues() == []


async def test_the_answer_is_the_first_event_that_comes_back_whoever_sends_it(store: Store) -> None:
    @handler(ONE)
    async def first(event: Event[Any]) -> Event[Any]:
        return delayed(sent(ONE, event, to="com.two.handler"), SHORT)

    @handler("com.two.handler")
    async def second(event: Event[Any]) -> Event[Any]:
        return sent("com.two.handler", event, to=OUTSIDE)

    app = App([first, second])
    async with asyncio.timeout(20), working(Worker(app, store)):
        assert (await resolve(app, store, request(ONE))).source == "com.two.handler"


async def test_whoever_asks_again_gets_the_answer_that_came_meanwhile(store: Store) -> None:
    app = App([echo])
    asked = request(ONE, id="asked")
    await enqueue(app, store, asked)
    await worked_off(store, Worker(app, store))
    assert (await resolve(app, store, asked)).id == "answer to asked"
    with pytest.raises(ResolveTimeoutError, match="an answer that was fetched then does not come again"):
        await resolve(app, store, asked, timeout=SHORT)


async def test_an_answer_to_the_event_itself_goes_before_others_of_its_subject(store: Store) -> None:
    app = App([echo])
    for id_ in ("earlier", "asked"):
        await enqueue(app, store, request(ONE, id=id_))
    await worked_off(store, Worker(app, store))
    assert (await resolve(app, store, request(ONE, id="asked"))).id == "answer to asked"


async def test_answers_that_nobody_fetches_do_not_keep_others_busy(store: Store) -> None:
    app = App([echo])
    await enqueue(app, store, request(ONE, subject="of-another"))
    await worked_off(store, Worker(app, store))
    looked = 0

    class Counted(StoreInFront):
        async def collect(self, handler: str, subject: str) -> Any:
            nonlocal looked
            looked += 1
            return await store.collect(handler, subject)

    with pytest.raises(ResolveTimeoutError):
        await resolve(app, Counted(store).as_store(), request(ONE), timeout=timedelta(seconds=0.3))
    assert 1 < looked < 20
    assert [left.subject for left in await answers(store)] == ["of-another"]


async def test_an_answer_of_another_shape_is_not_taken_for_the_expected_one(store: Store) -> None:
    async def wrong(event: Event[Any]) -> Event[Any]:
        return answer("com.number.double", event)

    app = App([FunctionHandler("com.number.double", wrong)])
    async with working(Worker(app, store)):
        with pytest.raises(ContractViolation):
            await resolve(app, store, ask_double(1), expect=double_v1)


async def test_nobody_can_ask_in_the_name_of_a_handler(store: Store) -> None:
    with pytest.raises(ConfigViolation, match=r"'com.one.handler', which is a handler of this app"):
        await resolve(App([echo]), store, request(ONE, source=ONE))
    assert await store.queues() == []


async def test_a_time_limit_says_that_nobody_works(store: Store) -> None:
    asked = request(ONE)
    with pytest.raises(
        ResolveTimeoutError, match=r"no answer within 0:00:00.1.*no worker runs.*'com.one.handler'"
    ) as raised:
        await resolve(App([echo]), store, asked, timeout=SHORT)
    assert isinstance(raised.value, UnansweredError)
    assert isinstance(raised.value, TimeoutError)
    assert raised.value.event is asked
    assert [(queue.handler, queue.ready) for queue in await store.queues()] == [(ONE, 1)]


async def test_a_time_limit_says_that_it_may_still_come(store: Store) -> None:
    @handler(ONE)
    async def silent(_: Event[Any]) -> None: ...

    app = App([silent])
    async with working(Worker(app, store)):
        with pytest.raises(ResolveTimeoutError, match="nothing of it was given up"):
            await resolve(app, store, request(ONE), timeout=timedelta(seconds=0.3))


async def test_a_time_limit_names_the_dead_letter(store: Store) -> None:
    @handler(ONE)
    async def fails(event: Event[Any]) -> None:
        raise ZeroDivisionError(f"of {event.id}")

    app = App([fails])
    await enqueue(app, store, request(ONE, subject="another", id="another"))
    async with working(Worker(app, store)):
        with pytest.raises(ResolveTimeoutError, match="ZeroDivisionError: of mine") as raised:
            await resolve(app, store, request(ONE, id="mine"), timeout=timedelta(seconds=0.3))
    (letter,) = raised.value.dead_letters
    assert (letter.event.id, letter.handler, letter.reason) == ("mine", ONE, DeadLetterReason.UNEXPECTED)


async def test_a_time_limit_names_the_domain_in_which_an_event_waits(store: Store) -> None:
    @handler(ONE)
    async def ask(event: Event[Any]) -> Event[Any]:
        return sent(ONE, event, to="com.human.ask", domain="human", id=f"question of {event.subject}")

    app = App([ask])
    await enqueue(app, store, request(ONE, subject="another"))
    async with working(Worker(app, store)):
        with pytest.raises(ResolveTimeoutError, match="waits in domain 'human' for somebody to answer it") as raised:
            await resolve(app, store, request(ONE, subject="mine"), timeout=timedelta(seconds=0.3))
    assert [event.id for event in raised.value.waiting] == ["question of mine"]


async def test_all_dead_letters_and_waiting_events_are_looked_through(
    memory_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arvo.runtime.worker.answers._PAGE", 2)

    @handler(ONE)
    async def ask_or_fail(event: Event[Any]) -> Event[Any]:
        if event.id.startswith("fail"):
            raise ZeroDivisionError(event.id)
        return sent(ONE, event, to="com.human.ask", domain="human", id=f"about-{event.id}")

    app = App([ask_or_fail])
    for number in range(5):
        await enqueue(app, memory_store, request(ONE, subject=f"s/{number}", id=f"fail-{number}"))
        await enqueue(app, memory_store, request(ONE, subject=f"s/{number}", id=f"ask-{number}"))
    await worked_off(memory_store, Worker(app, memory_store))
    with pytest.raises(ResolveTimeoutError) as raised:
        await resolve(app, memory_store, request(ONE, subject="s/4", id="ask-4"), timeout=timedelta(0))
    assert [letter.event.id for letter in raised.value.dead_letters] == ["fail-4"]
    assert [event.id for event in raised.value.waiting] == ["about-ask-4"]
