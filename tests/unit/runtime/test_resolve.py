"""`resolve`: the event that comes back, whose it is, and what is said when none comes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.contracts import Contract, Payload
from arvo.errors import ConfigViolation, ContractViolation, ExecutionViolation
from arvo.runtime import App, AppClosedError, ResolveTimeoutError, RetryPolicy, UnansweredError
from tests.unit.runtime.scene import (
    OUTSIDE,
    FunctionHandler,
    SimulatedClock,
    answer,
    handler,
    request,
    sent,
    settle,
)

if TYPE_CHECKING:
    from arvo.events import Event

SECOND = timedelta(seconds=1)


@handler("com.a.a")
async def echo(event: Event[Any]) -> Event[Any]:
    return answer("com.a.a", event)


@handler("com.b.b")
async def silent(_: Event[Any]) -> None: ...


def forward(to: str) -> FunctionHandler:
    """A handler that passes on to another one, which is to answer to the original sender."""

    async def run(event: Event[Any]) -> Event[Any]:
        return sent("com.f.f", event, to=to)

    return FunctionHandler("com.f.f", run)


async def test_the_answer_comes_back_from_an_app_that_was_not_opened() -> None:
    event = request("com.a.a")
    answered = await App([echo]).resolve(event)
    assert (answered.to, answered.parentid) == (OUTSIDE, event.id)


async def test_the_answer_may_come_after_several_hops() -> None:
    @handler("com.b.b")
    async def last(event: Event[Any]) -> Event[Any]:
        return sent("com.b.b", event, to=OUTSIDE)

    async with App([forward("com.b.b"), last]) as app:
        assert (await app.resolve(request("com.f.f"))).source == "com.b.b"


async def test_an_app_can_resolve_again_and_again_under_the_same_source() -> None:
    async with App([echo]) as app:
        for number in range(3):
            assert (await app.resolve(request("com.a.a", id=f"n{number}"))).parentid == f"n{number}"


async def test_simultaneous_resolves_with_the_same_source_and_subject_each_get_their_own_answer() -> None:
    @handler("com.a.a")
    async def uneven(event: Event[Any]) -> Event[Any]:
        for _ in range(int(event.id) * 7 % 5):
            await asyncio.sleep(0)
        return answer("com.a.a", event)

    async with App([uneven]) as app:
        events = [request("com.a.a", id=str(number), subject=f"s{number % 3}") for number in range(30)]
        answers = await asyncio.gather(*map(app.resolve, events))
    assert [answered.parentid for answered in answers] == [event.id for event in events]


async def test_the_first_of_several_answers_is_returned_and_the_rest_go_to_on_unhandled() -> None:
    rest: list[str] = []

    @handler("com.a.a")
    async def twice(event: Event[Any]) -> list[Event[Any]]:
        return [answer("com.a.a", event, id="first"), answer("com.a.a", event, id="second")]

    app = App([twice])

    @app.on_unhandled
    async def note(event: Event[Any]) -> None:
        rest.append(event.id)

    async with app:
        assert (await app.resolve(request("com.a.a"))).id == "first"
    assert rest == ["second"]


async def test_the_answer_is_returned_while_the_rest_of_the_chain_still_runs() -> None:
    gate = asyncio.Event()

    @handler("com.b.b")
    async def slow(_: Event[Any]) -> None:
        await gate.wait()

    @handler("com.a.a")
    async def both(event: Event[Any]) -> list[Event[Any]]:
        return [answer("com.a.a", event), sent("com.a.a", event, to="com.b.b")]

    async with App([both, slow]) as app:
        await app.resolve(request("com.a.a"))
        gate.set()


async def test_a_handler_can_resolve_while_it_runs_even_when_the_other_handler_is_full() -> None:
    apps: list[App] = []

    @handler("com.b.b")
    async def asking(event: Event[Any]) -> Event[Any]:
        inner = await apps[0].resolve(request("com.a.a", source="com.b.inner", subject=event.subject))
        return answer("com.b.b", event, id=f"asked {inner.source}")

    apps.append(App([asking, echo], queue_limit=1, concurrency=1))
    async with apps[0] as app, asyncio.timeout(5):
        assert (await app.resolve(request("com.b.b"))).id == "asked com.a.a"


async def test_a_chain_that_ends_without_an_answer_says_who_took_part() -> None:
    event = request("com.f.f")
    with pytest.raises(UnansweredError, match=r"took part \('com\.f\.f', 'com\.b\.b'\)") as caught:
        await App([forward("com.b.b"), silent]).resolve(event)
    assert caught.value.event is event
    assert caught.value.handlers == ("com.f.f", "com.b.b")


async def test_a_dead_letter_in_the_chain_is_the_cause_of_the_error() -> None:
    broken = ContractViolation("amount is missing")

    @handler("com.b.b")
    async def refuse(_: Event[Any]) -> None:
        raise broken

    app = App([forward("com.b.b"), refuse])
    with pytest.raises(UnansweredError, match="amount is missing") as caught:
        await app.resolve(request("com.f.f"))
    assert caught.value.__cause__ is broken
    assert caught.value.dead_letters == app.dead_letters


async def test_an_address_that_nobody_answers_to_is_refused_at_once() -> None:
    with pytest.raises(ConfigViolation, match=r"answers to 'com\.a\.x'.*Did you mean 'com\.a\.a'"):
        await App([echo]).resolve(request("com.a.x"))


async def test_a_source_that_is_a_handler_cannot_be_answered() -> None:
    with pytest.raises(ConfigViolation, match="which is a handler of this app"):
        await App([echo, silent]).resolve(request("com.a.a", source="com.b.b"))


async def test_a_timeout_ends_the_waiting_but_not_the_chain() -> None:
    clock = SimulatedClock()
    finished: list[str] = []
    gate = asyncio.Event()

    @handler("com.a.a")
    async def slow(event: Event[Any]) -> Event[Any]:
        await gate.wait()
        finished.append(event.id)
        return answer("com.a.a", event)

    async with App([slow], clock=clock) as app:
        resolving = asyncio.create_task(app.resolve(request("com.a.a", id="e"), timeout=SECOND))
        await clock.advance(SECOND)
        with pytest.raises(ResolveTimeoutError, match=r"no answer within 0:00:01; its chain is still running"):
            await resolving
        gate.set()
    assert finished == ["e"]


async def test_the_timeout_is_a_timeout_error_and_covers_waiting_for_room() -> None:
    clock = SimulatedClock()
    gate = asyncio.Event()

    @handler("com.a.a")
    async def slow(_: Event[Any]) -> None:
        await gate.wait()

    async with App([slow], clock=clock, queue_limit=1) as app:
        await app.publish(request("com.a.a"))
        resolving = asyncio.create_task(app.resolve(request("com.a.a"), timeout=SECOND))
        await clock.advance(SECOND)
        with pytest.raises(TimeoutError):
            await resolving
        gate.set()


async def test_a_timeout_cancels_an_app_that_was_opened_for_this_event_only() -> None:
    clock = SimulatedClock()
    ended: list[str] = []

    @handler("com.a.a")
    async def slow(_: Event[Any]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    resolving = asyncio.create_task(App([slow], clock=clock).resolve(request("com.a.a"), timeout=SECOND))
    await clock.advance(SECOND)
    with pytest.raises(ResolveTimeoutError):
        await resolving
    assert ended == ["cancelled"]


async def test_an_answer_in_time_leaves_no_timer_behind() -> None:
    before = asyncio.all_tasks()
    async with App([echo], clock=SimulatedClock()) as app:
        await app.resolve(request("com.a.a"), timeout=SECOND)
        await settle()
        assert asyncio.all_tasks() == before


async def test_a_cancelled_caller_stops_waiting_and_the_chain_goes_on() -> None:
    gate = asyncio.Event()
    unhandled: list[Event[Any]] = []

    @handler("com.a.a")
    async def slow(event: Event[Any]) -> Event[Any]:
        await gate.wait()
        return answer("com.a.a", event)

    app = App([slow])

    @app.on_unhandled
    async def note(event: Event[Any]) -> None:
        unhandled.append(event)

    async with app:
        resolving = asyncio.create_task(app.resolve(request("com.a.a")))
        await settle()
        resolving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await resolving
        gate.set()
        await app.wait_idle()
    assert len(unhandled) == 1


async def test_a_cancelled_caller_of_an_app_that_was_not_opened_cancels_the_chain() -> None:
    started = asyncio.Event()
    ended: list[str] = []

    @handler("com.a.a")
    async def slow(_: Event[Any]) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    resolving = asyncio.create_task(App([slow]).resolve(request("com.a.a")))
    await started.wait()
    resolving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await resolving
    assert ended == ["cancelled"]


async def test_resolves_in_progress_are_told_when_the_app_stops() -> None:
    @handler("com.a.a")
    async def stuck(_: Event[Any]) -> None:
        await asyncio.Event().wait()

    async with App([stuck], drain_timeout=timedelta(0)) as app:
        resolving = asyncio.create_task(app.resolve(request("com.a.a")))
        await settle()
    with pytest.raises(AppClosedError, match="stopped before an answer came"):
        await resolving


async def test_retries_belong_to_the_chain() -> None:
    clock = SimulatedClock()
    attempts: list[str] = []

    @handler("com.a.a")
    async def second_time(event: Event[Any]) -> Event[Any]:
        attempts.append(event.id)
        if len(attempts) == 1:
            raise ExecutionViolation("later")
        return answer("com.a.a", event)

    async with App([second_time], clock=clock, retry=RetryPolicy(initial_delay=SECOND)) as app:
        resolving = asyncio.create_task(app.resolve(request("com.a.a")))
        await clock.advance(SECOND)
        assert (await resolving).source == "com.a.a"


class Ask(Payload):
    question: str


class Told(Payload, event_type="evt.oracle.told"):
    answer: int


oracle = Contract(uri="#/oracle", type="com.oracle.ask")
oracle_v1 = oracle.version("1.0.0", accepts=Ask, emits=Told)


async def test_an_expected_answer_is_read_as_what_the_contract_version_emits() -> None:
    @handler("com.oracle.ask")
    async def tell(event: Event[Any]) -> Event[Any]:
        return oracle_v1.reply(Told(answer=42), to=event).from_json(
            oracle_v1.reply(Told(answer=42), to=event).to_json()
        )

    question = oracle_v1.request(Ask(question="?"), source=OUTSIDE)
    told = await App([tell]).resolve(question, expect=oracle_v1)
    assert told.data == Told(answer=42)


async def test_an_answer_that_is_not_the_expected_one_is_a_contract_violation() -> None:
    @handler("com.oracle.ask")
    async def mumble(event: Event[Any]) -> Event[Any]:
        return answer("com.oracle.ask", event)

    question = oracle_v1.request(Ask(question="?"), source=OUTSIDE)
    with pytest.raises(ContractViolation, match=r"evt\.some\.output"):
        await App([mumble]).resolve(question, expect=oracle_v1)
