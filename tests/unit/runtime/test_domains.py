"""Events that leave for another domain: sinks, waiting without one, and answers that come back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import ConfigViolation, DefinitionError, ExecutionViolation
from arvo.runtime import App, DeadLetterReason, ResolveTimeoutError, RetryPolicy, UnansweredError
from tests.unit.runtime.scene import OUTSIDE, SimulatedClock, answer, handler, request, sent, settle

if TYPE_CHECKING:
    from arvo.events import Event

SECOND = timedelta(seconds=1)
HUMAN = "human.inbox"


@handler("com.flow.order")
async def order(event: Event[Any]) -> Event[Any]:
    """Asks a human about requests, and answers the request when the human has answered."""
    if event.source == "com.human.approve":
        return sent("com.flow.order", event, to=OUTSIDE)
    return sent("com.flow.order", event, to="com.human.approve", domain=HUMAN)


def approval(of: Event[Any]) -> Event[Any]:
    return answer("com.human.approve", of)


async def test_an_event_for_a_domain_goes_to_its_sink_and_nowhere_else() -> None:
    handled: list[Event[Any]] = []
    seen: list[Event[Any]] = []

    @handler("com.human.approve")
    async def local(event: Event[Any]) -> None:
        handled.append(event)

    app = App([order, local])

    @app.sink(HUMAN)
    async def inbox(event: Event[Any]) -> None:
        seen.append(event)

    async with app:
        await app.publish(request("com.flow.order"))
    assert [event.domain for event in seen] == [HUMAN]
    assert handled == []
    assert app.waiting(HUMAN) == ()


async def test_without_a_sink_events_wait_visibly_until_they_are_answered() -> None:
    app = App([order])
    async with app:
        await app.publish(request("com.flow.order", subject="p/1"))
        await app.publish(request("com.flow.order", subject="p/2"))
        await app.wait_idle()
        first, second = app.waiting(HUMAN)
        assert (first.subject, second.subject) == ("p/1", "p/2")
        assert app.waiting("other.domain") == ()
        await app.publish(approval(first))
        assert app.waiting(HUMAN) == (second,)
    assert app.shutdown_report is not None
    assert app.shutdown_report.waiting == {HUMAN: 1}


async def test_what_waits_survives_the_end_of_a_run() -> None:
    app = App([order])
    async with app:
        await app.publish(request("com.flow.order"))
    async with app:
        (waiting,) = app.waiting(HUMAN)
        await app.publish(approval(waiting))
    assert app.waiting(HUMAN) == ()


async def test_an_event_emitted_again_waits_once() -> None:
    @handler("com.flow.order")
    async def repeat(event: Event[Any]) -> Event[Any]:
        return sent("com.flow.order", event, to="com.human.approve", domain=HUMAN, id="same")

    async with App([repeat], record_limit=1) as app:
        await app.publish(request("com.flow.order"))
        await app.publish(request("com.flow.order"))
        await app.wait_idle()
        assert len(app.waiting(HUMAN)) == 1
        assert app.dead_letters == ()


async def test_when_too_many_wait_the_next_is_a_dead_letter() -> None:
    async with App([order], record_limit=2) as app:
        for number in range(3):
            await app.publish(request("com.flow.order", subject=f"p/{number}"))
        await app.wait_idle()
        assert [event.subject for event in app.waiting(HUMAN)] == ["p/0", "p/1"]
    (letter,) = app.dead_letters
    assert (letter.reason, letter.event.subject) == (DeadLetterReason.OVERFLOW, "p/2")
    assert "2 events wait for domains without a sink already" in str(letter.error)


async def test_a_failing_sink_is_retried_in_the_order_of_the_subject() -> None:
    clock = SimulatedClock()
    seen: list[str] = []
    app = App([order], clock=clock, retry=RetryPolicy(initial_delay=SECOND))

    @app.sink(HUMAN)
    async def flaky(event: Event[Any]) -> None:
        seen.append(str(event.parentid))
        if seen == ["n1"]:
            raise ExecutionViolation("mail server is away")

    async with app:
        await app.publish(request("com.flow.order", id="n1"))
        await app.publish(request("com.flow.order", id="n2"))
        await clock.advance(SECOND)
        await app.wait_idle()
    assert seen == ["n1", "n1", "n2"]


async def test_a_sink_that_keeps_failing_leaves_a_dead_letter() -> None:
    app = App([order])

    @app.sink(HUMAN)
    async def broken(_: Event[Any]) -> None:
        raise ValueError("no such mailbox")

    async with app:
        await app.publish(request("com.flow.order"))
    (letter,) = app.dead_letters
    assert letter.handler == f"sink of {HUMAN}"
    assert letter.event.domain == HUMAN
    assert letter.reason == DeadLetterReason.UNEXPECTED


async def test_a_sink_can_publish_the_answer_itself() -> None:
    app = App([order], queue_limit=1)

    @app.sink(HUMAN)
    async def approve_all(event: Event[Any]) -> None:
        await app.publish(approval(event))

    async with asyncio.timeout(5):
        assert (await app.resolve(request("com.flow.order"))).to == OUTSIDE


async def test_without_a_timeout_resolve_does_not_wait_for_another_domain() -> None:
    app = App([order])
    with pytest.raises(UnansweredError, match=f"waits in domain '{HUMAN}', which has no sink") as caught:
        await app.resolve(request("com.flow.order"))
    assert caught.value.waiting == app.waiting(HUMAN)


async def test_an_event_handed_to_a_sink_is_named_when_no_answer_was_published() -> None:
    app = App([order])

    @app.sink(HUMAN)
    async def never_answers(_: Event[Any]) -> None: ...

    with pytest.raises(UnansweredError, match=f"handed to the sink of domain '{HUMAN}'") as caught:
        await app.resolve(request("com.flow.order"))
    assert [event.domain for event in caught.value.handed_over] == [HUMAN]


async def test_with_a_timeout_resolve_takes_the_answer_that_is_published_meanwhile() -> None:
    async with App([order], clock=SimulatedClock()) as app:
        resolving = [
            asyncio.create_task(app.resolve(request("com.flow.order", subject="p/1", id=f"n{number}"), timeout=SECOND))
            for number in range(2)
        ]
        await settle()
        first, second = app.waiting(HUMAN)
        await app.publish(approval(second))
        await app.publish(approval(first))
        answers = await asyncio.gather(*resolving)
    assert [answered.subject for answered in answers] == ["p/1", "p/1"]


async def test_an_answer_without_a_parent_is_matched_by_its_subject() -> None:
    async with App([order], clock=SimulatedClock()) as app:
        resolving = asyncio.create_task(app.resolve(request("com.flow.order", subject="p/1"), timeout=SECOND))
        await settle()
        await app.publish(request("com.flow.order", source="com.human.approve", subject="p/other"))
        await settle()
        assert not resolving.done()
        await app.publish(request("com.flow.order", source="com.human.approve", subject="p/1"))
        assert (await resolving).subject == "p/1"


async def test_an_answer_may_come_straight_from_the_other_domain() -> None:
    async with App([order], clock=SimulatedClock()) as app:
        resolving = asyncio.create_task(app.resolve(request("com.flow.order"), timeout=SECOND))
        await settle()
        (waiting,) = app.waiting(HUMAN)
        await app.publish(sent("com.human.approve", waiting, to=OUTSIDE))
        assert (await resolving).source == "com.human.approve"


async def test_after_the_timeout_the_error_says_where_the_event_is() -> None:
    clock = SimulatedClock()
    async with App([order], clock=clock) as app:
        resolving = asyncio.create_task(app.resolve(request("com.flow.order"), timeout=SECOND))
        await clock.advance(SECOND)
        with pytest.raises(ResolveTimeoutError, match="within 0:00:01; an event waits in domain"):
            await resolving
        # Nothing waits for the answer any more, so it is an ordinary event.
        await app.publish(approval(app.waiting(HUMAN)[0]))


async def test_an_answer_that_leads_nowhere_does_not_end_the_patience() -> None:
    clock = SimulatedClock()
    async with App([order], clock=clock) as app:
        resolving = asyncio.create_task(app.resolve(request("com.flow.order"), timeout=SECOND))
        await settle()
        (waiting,) = app.waiting(HUMAN)
        await app.publish(answer("com.somebody.else", waiting))  # which makes the workflow ask again
        await settle()
        assert not resolving.done()
        await clock.advance(SECOND)
        with pytest.raises(ResolveTimeoutError):
            await resolving


async def test_the_oldest_of_two_resolves_that_wait_for_the_same_event_gets_its_answer() -> None:
    @handler("com.flow.order")
    async def ask_once(event: Event[Any]) -> Event[Any]:
        if event.source == "com.human.approve":
            return sent("com.flow.order", event, to=OUTSIDE)
        return sent("com.flow.order", event, to="com.human.approve", domain=HUMAN, id="the question")

    clock = SimulatedClock()
    async with App([ask_once], clock=clock) as app:
        first = asyncio.create_task(app.resolve(request("com.flow.order"), timeout=SECOND))
        second = asyncio.create_task(app.resolve(request("com.flow.order"), timeout=SECOND))
        await settle()
        (waiting,) = app.waiting(HUMAN)
        await app.publish(approval(waiting))
        assert (await first).to == OUTSIDE
        await clock.advance(SECOND)
        with pytest.raises(ResolveTimeoutError):
            await second


async def test_an_event_that_leaves_after_its_resolve_has_ended_still_waits_for_its_answer() -> None:
    gate = asyncio.Event()

    @handler("com.flow.order")
    async def slow(event: Event[Any]) -> Event[Any] | None:
        if event.source == "com.human.approve":
            return None
        await gate.wait()
        return sent("com.flow.order", event, to="com.human.approve", domain=HUMAN)

    clock = SimulatedClock()
    async with App([slow], clock=clock) as app:
        resolving = asyncio.create_task(app.resolve(request("com.flow.order"), timeout=SECOND))
        await clock.advance(SECOND)
        with pytest.raises(ResolveTimeoutError):
            await resolving
        gate.set()
        await app.wait_idle()
        (waiting,) = app.waiting(HUMAN)
        await app.publish(approval(waiting))
    assert app.waiting(HUMAN) == ()


async def test_a_published_event_is_handled_here_whatever_its_domain() -> None:
    @handler("com.a.a")
    async def echo(event: Event[Any]) -> Event[Any]:
        return answer("com.a.a", event)

    app = App([echo])

    @app.sink("network.b")
    async def elsewhere(_: Event[Any]) -> None:
        pytest.fail("the event has arrived already")

    assert (await app.resolve(request("com.a.a", domain="network.b"))).source == "com.a.a"


async def test_a_published_event_that_nobody_handles_goes_to_its_domain() -> None:
    app = App([order])
    async with app:
        await app.publish(request("com.human.approve", domain=HUMAN))
        assert len(app.waiting(HUMAN)) == 1


async def test_publishing_into_a_full_waiting_room_is_refused_to_the_publisher() -> None:
    async with App([order], record_limit=1) as app:
        await app.publish(request("com.human.approve", domain=HUMAN))
        with pytest.raises(ConfigViolation, match="has no room"):
            await app.publish(request("com.human.approve", domain=HUMAN))
    assert app.dead_letters == ()


async def test_a_sink_can_hand_over_to_another_app() -> None:
    @handler("com.human.approve")
    async def approve(event: Event[Any]) -> Event[Any]:
        return answer("com.human.approve", event)

    here, there = App([order]), App([approve])

    @here.sink(HUMAN)
    async def bridge(event: Event[Any]) -> None:
        await here.publish(await there.resolve(event))

    async with here, there, asyncio.timeout(5):
        assert (await here.resolve(request("com.flow.order"))).to == OUTSIDE


def test_a_domain_has_one_sink() -> None:
    app = App([order])

    async def inbox(_: Event[Any]) -> None: ...

    app.sink(HUMAN)(inbox)
    with pytest.raises(DefinitionError, match="has a sink already"):
        app.sink(HUMAN)(inbox)
