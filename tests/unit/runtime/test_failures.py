"""What becomes of events whose handling fails: another try, a dead letter, and never silence."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import BackendError, ContractViolation, ExecutionViolation, TransactionViolation
from arvo.runtime import App, DeadLetter, DeadLetterReason, RetryPolicy, Subscription
from tests.unit.runtime.scene import FunctionHandler, SimulatedClock, answer, handler, request, sent, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.events import Event

SECOND = timedelta(seconds=1)
STEADY = RetryPolicy(attempts=3, initial_delay=SECOND, factor=2, jitter=0)


class Failing:
    """A handler that raises what it is given, one error for each attempt, and then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.attempts = 0

    async def execute(self, event: Event[Any]) -> Event[Any]:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return answer("com.a.a", event)

    def app(self, clock: SimulatedClock, retry: RetryPolicy = STEADY) -> App:
        return App([FunctionHandler("com.a.a", self.execute)], retry=retry, clock=clock)


def lost_lock() -> TransactionViolation:
    return TransactionViolation("somebody else has the lock", cause="LOCK_UNACQUIRED")


async def test_a_violation_that_passes_is_retried_until_the_answer_comes() -> None:
    clock, failing = SimulatedClock(), Failing(lost_lock(), BackendError("store away"))
    async with failing.app(clock) as app:
        resolving = asyncio.create_task(app.resolve(request("com.a.a")))
        await clock.advance(SECOND * 10)
        assert (await resolving).to == "com.outside.caller"
    assert failing.attempts == 3
    assert clock.naps == [1, 2]
    assert app.dead_letters == ()


async def test_nothing_happens_before_the_delay_is_over() -> None:
    clock, failing = SimulatedClock(), Failing(lost_lock())
    async with failing.app(clock) as app:
        await app.publish(request("com.a.a"))
        await clock.advance(SECOND * 0.999)
        assert failing.attempts == 1
        await clock.advance(SECOND * 0.001)
        assert failing.attempts == 2


async def test_an_event_that_fails_every_time_becomes_a_dead_letter() -> None:
    clock, error = SimulatedClock(), lost_lock()
    failing = Failing(lost_lock(), lost_lock(), error)
    event = request("com.a.a")
    async with failing.app(clock) as app:
        await app.publish(event)
        await clock.advance(SECOND * 3)
        await app.wait_idle()
        assert app.dead_letters == (
            DeadLetter(
                event=event,
                handler="com.a.a",
                reason=DeadLetterReason.EXHAUSTED,
                error=error,
                attempts=3,
                at=clock.now(),
            ),
        )


async def test_poison_is_parked_at_the_first_attempt() -> None:
    failing = Failing(ContractViolation("amount_cents is missing"))
    async with failing.app(SimulatedClock()) as app:
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    assert [(letter.reason, letter.attempts) for letter in app.dead_letters] == [(DeadLetterReason.POISON, 1)]


async def test_an_undeclared_error_is_parked_and_the_handler_goes_on_with_other_events() -> None:
    failing = Failing(KeyError("bug"))
    async with failing.app(SimulatedClock()) as app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    assert [letter.reason for letter in app.dead_letters] == [DeadLetterReason.UNEXPECTED]
    assert failing.attempts == 2


async def test_while_an_event_waits_for_its_retry_its_subject_waits_and_others_do_not() -> None:
    clock = SimulatedClock()
    taken: list[str] = []

    @handler("com.a.a")
    async def first_fails(event: Event[Any]) -> None:
        taken.append(event.id)
        if taken.count("a1") == 1 and event.id == "a1":
            raise lost_lock()

    async with App([first_fails], concurrency=1, retry=STEADY, clock=clock) as app:
        for subject, name in (("a", "a1"), ("a", "a2"), ("b", "b1")):
            await app.publish(request("com.a.a", subject=subject, id=name))
        await settle()
        assert taken == ["a1", "b1"]
        await clock.advance(SECOND)
        assert taken == ["a1", "b1", "a1", "a2"]


async def test_a_handler_can_have_a_policy_of_its_own() -> None:
    failing = Failing(lost_lock(), lost_lock())
    once = Subscription(FunctionHandler("com.a.a", failing.execute), retry=RetryPolicy(attempts=1))
    async with App([once], retry=STEADY) as app:
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    assert failing.attempts == 1


async def test_a_cancelled_error_that_nobody_asked_for_is_a_failure_and_not_the_end_of_the_event() -> None:
    clock = SimulatedClock()
    failing = Failing(asyncio.CancelledError(), asyncio.CancelledError(), asyncio.CancelledError())
    async with failing.app(clock) as app:
        await app.publish(request("com.a.a"))
        await clock.advance(SECOND * 3)
        await app.wait_idle()
    (letter,) = app.dead_letters
    assert letter.reason == DeadLetterReason.EXHAUSTED
    assert isinstance(letter.error, ExecutionViolation)
    assert "let a CancelledError escape" in str(letter.error)


async def test_a_handler_that_exits_is_given_up_and_the_app_goes_on() -> None:
    @handler("com.a.a")
    async def leaves(event: Event[Any]) -> None:
        if event.subject == "process/1":
            sys.exit(3)

    async with App([leaves]) as app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.a.a", subject="process/2"))
        await app.wait_idle()
    (letter,) = app.dead_letters
    assert letter.reason == DeadLetterReason.UNEXPECTED
    assert "called sys.exit(3)" in str(letter.error)


async def test_a_handler_cancelled_by_somebody_else_leaves_a_dead_letter() -> None:
    @handler("com.a.a")
    async def cancels_itself(_: Event[Any]) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    async with App([cancels_itself]) as app, asyncio.timeout(5):
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    (letter,) = app.dead_letters
    assert letter.reason == DeadLetterReason.UNEXPECTED
    assert "was cancelled, not by the app" in str(letter.error)


@pytest.mark.parametrize("junk", ["events", {"to": "x"}, 1, ["event"], [None]], ids=repr)
async def test_a_handler_that_returns_something_else_than_events_emits_nothing(junk: Any) -> None:
    async def careless(_: Event[Any]) -> Any:
        return junk

    async with App([FunctionHandler("com.a.a", careless)]) as app:
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    (letter,) = app.dead_letters
    assert isinstance(letter.error, TypeError)
    assert "must return a list or tuple of events" in str(letter.error)


async def test_an_emitted_event_with_an_unknown_address_is_a_dead_letter_that_says_what_is_known() -> None:
    @handler("com.card.charge")
    async def misaddressed(event: Event[Any]) -> list[Event[Any]]:
        return [sent("com.card.charge", event, to="com.card.chrage"), answer("com.card.charge", event)]

    async with App([misaddressed]) as app:
        assert (await app.resolve(request("com.card.charge"))).to == "com.outside.caller"
        await app.wait_idle()
    (letter,) = app.dead_letters
    assert (letter.reason, letter.handler, letter.attempts) == (DeadLetterReason.UNROUTABLE, None, 0)
    assert "answers to 'com.card.chrage'" in str(letter.error)
    assert "Did you mean 'com.card.charge'?" in str(letter.error)


async def test_hooks_are_told_of_every_dead_letter_before_its_chain_counts_as_finished() -> None:
    told: list[Sequence[DeadLetter]] = []
    app = App([FunctionHandler("com.a.a", Failing(ContractViolation("c")).execute)])

    @app.on_dead_letter
    async def first(letter: DeadLetter) -> None:
        await asyncio.sleep(0)
        told.append([letter])

    @app.on_dead_letter
    async def second(letter: DeadLetter) -> None:
        told.append([letter, letter])

    async with app:
        await app.publish(request("com.a.a"))
        await app.wait_idle()
        (letter,) = app.dead_letters
        assert told == [[letter], [letter, letter]]


async def test_a_failing_hook_is_logged_and_stops_neither_the_other_hooks_nor_the_app(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[DeadLetter] = []
    app = App([FunctionHandler("com.a.a", Failing(ContractViolation("c")).execute)])

    @app.on_dead_letter
    async def broken(_: DeadLetter) -> None:
        raise ValueError("no mail server")

    @app.on_dead_letter
    async def working(letter: DeadLetter) -> None:
        told.append(letter)

    async with app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    assert len(told) == 1
    assert "no mail server" in caplog.text


async def test_a_dead_letter_can_be_published_again_from_its_hook() -> None:
    failing = Failing(ContractViolation("old format"))
    app = App([FunctionHandler("com.a.a", failing.execute)], queue_limit=1)

    @app.on_dead_letter
    async def again(letter: DeadLetter) -> None:
        await app.publish(letter.event)

    async with app, asyncio.timeout(5):
        answered = await app.resolve(request("com.a.a"))
    assert answered.source == "com.a.a"


async def test_only_the_latest_dead_letters_are_kept_and_all_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    @handler("com.a.a")
    async def refuse(_: Event[Any]) -> None:
        raise ContractViolation("no")

    async with App([refuse], record_limit=2) as app:
        for number in range(4):
            await app.publish(request("com.a.a", id=f"n{number}"))
        await app.wait_idle()
    assert [letter.event.id for letter in app.dead_letters] == ["n2", "n3"]
    assert [f"(id n{number})" in caplog.text for number in range(4)] == [True] * 4


def test_a_dead_letter_reads_as_a_sentence() -> None:
    letter = DeadLetter(
        event=request("com.a.a", id="e1"),
        handler="com.a.a",
        reason=DeadLetterReason.EXHAUSTED,
        error=ExecutionViolation("not yet"),
        attempts=3,
        at=SimulatedClock().now(),
    )
    assert str(letter) == (
        "'com.a.a' gave up 'com.some.request' (id e1) after 3 attempts, exhausted: ExecutionViolation: not yet"
    )
