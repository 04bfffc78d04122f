"""The harness runs whole systems in a test, with time in the test's hands."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from arvo import App, Handler, HandlerContext
from arvo.errors import ConfigViolation, DefinitionError
from arvo.ports import WorkflowStatus
from arvo.testing import Harness, NoAnswerError, RecordedEvents, StuckError
from tests.unit.testing.harness.shop import (
    Approved,
    Ask,
    Bought,
    Buy,
    Charge,
    Charged,
    NotBought,
    approval_v1,
    charge,
    charge_v1,
    make_app,
    shop_v1,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from arvo import Event

START = datetime(2030, 1, 1, tzinfo=UTC)


def request() -> Event[Buy]:
    return shop_v1.request(Buy(cents=5), source="com.web.shop")


async def test_a_workflow_goes_on_once_a_human_has_answered() -> None:
    async with Harness(make_app()) as system:
        order = request()
        await system.publish(order)
        (question,) = await system.waiting("human")
        await system.publish(approval_v1.reply(Approved(by="ada"), to=question))
        (answer,) = await system.answers(order)

        assert shop_v1.parse_emitted(answer).data == Bought(charge_id="ch_5")
        assert await system.waiting("human") == []
        assert await system.timers() == []
        system.events.assert_order(Buy, Ask, Approved, Charge, Charged, Bought)
        system.events.assert_lineage(system.events.assert_emitted(Charged, times=1), Charge, Approved, Ask, Buy)
        workflow = await system.workflow(order.subject)
        assert workflow is not None
        assert workflow.status is WorkflowStatus.DONE


async def test_timers_elapse_when_time_was_advanced_so_far_and_not_before() -> None:
    async with Harness(make_app(), start=START) as system:
        order = request()
        await system.publish(order)
        (timer,) = await system.timers()
        assert timer.due_at == START + timedelta(days=3)

        await system.advance("2 days 23 h 59 min 59 s")
        system.events.assert_not_emitted(NotBought)
        await system.advance(timedelta(seconds=1))

        (answer,) = await system.answers(order)
        assert shop_v1.parse_emitted(answer).data == NotBought(reason="nobody answered")
        assert system.clock.now() == START + timedelta(days=3)


async def test_retries_need_no_waiting() -> None:
    async with Harness(make_app(failures=2), start=START) as system:
        answer = await system.resolve(charge_v1.request(Charge(cents=7), source="com.web.shop"), expect=charge_v1)
        assert answer.data == Charged(charge_id="ch_7")
        assert system.clock.now() >= START + timedelta(milliseconds=300)
        assert "attempt 3" in system.timeline()


async def test_what_is_given_up_is_a_dead_letter() -> None:
    async with Harness(make_app(failures=3)) as system:
        with pytest.raises(NoAnswerError, match=r"Dead letter: 'com\.card\.charge' gave up"):
            await system.resolve(charge_v1.request(Charge(cents=7), source="com.web.shop"))
        (letter,) = system.dead_letters
        assert letter.attempts == 3


async def test_a_missing_answer_comes_with_the_whole_story() -> None:
    async with Harness(make_app()) as system:
        with pytest.raises(NoAnswerError) as caught:
            await system.resolve(request())
    assert isinstance(caught.value, AssertionError)
    for part in ("published to arvo.orc.shop", "into human", "Waiting in human", "Still to come at 3 days"):
        assert part in str(caught.value)


async def test_events_can_be_published_for_later() -> None:
    async with Harness(make_app()) as system:
        asked = charge_v1.request(Charge(cents=1), source="com.web.shop")
        await system.publish(asked, deliver_at="1 week")
        assert await system.answers(asked) == []
        await system.advance("8 days")
        assert len(await system.answers(asked)) == 1


async def test_what_nobody_takes_is_refused() -> None:
    async with Harness(make_app()) as system:
        with pytest.raises(ConfigViolation, match=r"'com\.card\.charg'"):
            await system.publish(charge_v1.request(Charge(cents=1), source="com.web.shop").replace(to="com.card.charg"))


async def test_a_handler_that_does_not_end_is_named() -> None:
    hanging = Handler(charge)

    @hanging.on(charge_v1)
    async def hang(_event: Event[Charge], _ctx: HandlerContext) -> Charged:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits so long")

    async with Harness(App(handlers=[hanging]), patience=timedelta(milliseconds=50)) as system:
        with pytest.raises(StuckError, match=r"'com\.card\.charge' did not come to an end"):
            await system.publish(charge_v1.request(Charge(cents=1), source="com.web.shop"))


async def test_one_app_can_be_used_by_one_test_after_another() -> None:
    app = make_app()
    for _ in range(2):
        async with Harness(app) as system:
            await system.resolve(charge_v1.request(Charge(cents=1), source="com.web.shop"))
            assert len(system.events.of(Charged)) == 1
    assert app.hooks.observers == []
    assert app.hooks.on_dead_letter == []


BROKEN: list[tuple[Callable[[RecordedEvents], object], str]] = [
    (lambda events: events.assert_emitted(Bought), "Bought was to be emitted at least once"),
    (lambda events: events.assert_emitted(Charged, times=2), "2 times, but it was emitted 1 times"),
    (lambda events: events.assert_emitted(Charged, where=lambda charged: charged.data.charge_id == "x"), "condition"),
    (lambda events: events.assert_not_emitted("evt.card.charge.success"), "was not to be emitted, but was"),
    (lambda events: events.assert_order(Charged, Charge), "Charge was to come after Charged, but did not"),
    (lambda events: events.assert_lineage(events.of(Charged)[0], Buy), "was to come of Buy, but did not"),
]


@pytest.mark.parametrize(("assertion", "says"), BROKEN)
async def test_assertions_say_what_there_was_instead(assertion: Callable[[RecordedEvents], object], says: str) -> None:
    async with Harness(make_app()) as system:
        await system.resolve(charge_v1.request(Charge(cents=1), source="com.web.shop"))
        with pytest.raises(AssertionError, match=says) as caught:
            assertion(system.events)
    assert "evt.card.charge.success" in str(caught.value) or "com.card.charge" in str(caught.value)


@pytest.mark.parametrize("time", ["", "3", "3 fortnights", "-1 s", "1 h and more", timedelta(seconds=-1)])
async def test_what_is_no_length_of_time_is_refused(time: str | timedelta) -> None:
    async with Harness(make_app()) as system:
        with pytest.raises(DefinitionError, match=r"Give a time|Write a number"):
            await system.advance(time)
