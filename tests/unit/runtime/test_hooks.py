"""Middleware, which steers, and observers and `on_unhandled`, which watch."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import ConfigViolation, ContractViolation, DefinitionError
from arvo.runtime import App, DeadLetterReason, Observation, Park, Retry, RetryPolicy
from tests.unit.runtime.scene import OUTSIDE, FunctionHandler, SimulatedClock, answer, handler, request, sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.events import Event
    from arvo.runtime import Execute


@handler("com.a.a")
async def echo(event: Event[Any]) -> Event[Any]:
    return answer("com.a.a", event)


async def test_middleware_runs_around_each_other_and_the_handler_in_the_given_order() -> None:
    steps: list[str] = []

    async def outer(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        steps.append("outer before")
        outputs = await call_next(event)
        steps.append("outer after")
        return outputs

    async def inner(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        steps.append("inner before")
        try:
            return await call_next(event)
        finally:
            steps.append("inner after")

    @handler("com.a.a")
    async def noting(event: Event[Any]) -> Event[Any]:
        steps.append("handler")
        return answer("com.a.a", event)

    await App([noting], middleware=[outer, inner]).resolve(request("com.a.a"))
    assert steps == ["outer before", "inner before", "handler", "inner after", "outer after"]


async def test_middleware_can_change_the_event_and_the_outputs_or_answer_itself() -> None:
    async def tagging(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        outputs = await call_next(event.replace(extensions={"tag": "in"}))
        return [output.replace(extensions={**output.extensions, "out": True}) for output in outputs]

    async def cached(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        if event.id == "known":
            return [answer("com.a.a", event, id="from cache")]
        return await call_next(event)

    @handler("com.a.a")
    async def tag_seen(event: Event[Any]) -> Event[Any]:
        return answer("com.a.a", event, extensions={"seen": event.extensions["tag"]})

    app = App([tag_seen], middleware=[cached, tagging])
    assert (await app.resolve(request("com.a.a"))).extensions == {"seen": "in", "out": True}
    assert (await app.resolve(request("com.a.a", id="known"))).id == "from cache"


async def test_an_error_in_middleware_is_handled_like_one_of_the_handler() -> None:
    async def refusing(_: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        del call_next
        raise ContractViolation("no token")

    async with App([echo], middleware=[refusing]) as app:
        await app.publish(request("com.a.a"))
    (letter,) = app.dead_letters
    assert (letter.reason, letter.handler) == (DeadLetterReason.POISON, "com.a.a")


async def test_middleware_that_forgets_to_return_the_outputs_is_found_out() -> None:
    async def forgetful(event: Event[Any], call_next: Execute) -> Any:
        await call_next(event)

    async with App([echo], middleware=[forgetful]) as app:
        await app.publish(request("com.a.a"))
    (letter,) = app.dead_letters
    assert "must return a list or tuple of events, not None" in str(letter.error)


async def test_middleware_runs_again_for_each_attempt_and_not_for_sinks() -> None:
    runs: list[str] = []
    attempts: list[str] = []

    async def counting(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        runs.append(event.type)
        return await call_next(event)

    @handler("com.a.a")
    async def second_time(event: Event[Any]) -> Event[Any]:
        attempts.append(event.id)
        if len(attempts) == 1:
            raise TimeoutError
        return sent("com.a.a", event, to="com.b.b", domain="some.domain")

    app = App(
        [second_time], middleware=[counting], retry=RetryPolicy(retry_on=(TimeoutError,), jitter=1, random=lambda: 1)
    )

    @app.sink("some.domain")
    async def sink(_: Event[Any]) -> None: ...

    async with app:
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    assert len(runs) == 2


async def test_an_observer_sees_every_attempt_with_its_duration_outputs_error_and_consequence() -> None:
    clock = SimulatedClock()
    attempts: list[str] = []
    error = TimeoutError("slow")
    seen: list[Observation] = []

    @handler("com.a.a")
    async def second_time(event: Event[Any]) -> Event[Any]:
        attempts.append(event.id)
        await clock.sleep(0.25)
        if len(attempts) == 1:
            raise error
        return answer("com.a.a", event)

    policy = RetryPolicy(retry_on=(TimeoutError,), jitter=0)
    app = App([second_time], retry=policy, clock=clock)
    app.on_event(seen.append)
    event = request("com.a.a")
    async with app:
        resolving = asyncio.create_task(app.resolve(event))
        await clock.advance(policy.max_delay)
        answered = await resolving
    assert seen == [
        Observation(
            event=event,
            handler="com.a.a",
            attempt=1,
            duration_seconds=0.25,
            error=error,
            decision=Retry(policy.initial_delay),
        ),
        Observation(event=event, handler="com.a.a", attempt=2, duration_seconds=0.25, outputs=(answered,)),
    ]


async def test_an_observer_sees_sinks_and_dead_letters() -> None:
    seen: list[tuple[str, Any]] = []

    async def to_domain(event: Event[Any]) -> Event[Any]:
        return sent("com.b.b", event, to="com.c.c", domain="some.domain")

    async def broken(_: Event[Any]) -> None:
        raise KeyError("x")

    app = App([FunctionHandler("com.a.a", broken), FunctionHandler("com.b.b", to_domain)])

    @app.on_event
    def note(observation: Observation) -> None:
        seen.append((observation.handler, observation.decision))

    @app.sink("some.domain")
    async def sink(_: Event[Any]) -> None: ...

    async with app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.b.b"))
    assert seen == [("com.a.a", Park(DeadLetterReason.UNEXPECTED)), ("com.b.b", None), ("sink of some.domain", None)]


async def test_a_failing_observer_is_logged_and_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Observation] = []
    app = App([echo])

    @app.on_event
    def broken(_: Observation) -> None:
        raise ValueError("terminal is gone")

    app.on_event(seen.append)
    assert (await app.resolve(request("com.a.a"))).source == "com.a.a"
    assert len(seen) == 1
    assert "terminal is gone" in caplog.text


async def test_on_unhandled_gets_answers_to_published_events_and_unknown_addresses() -> None:
    taken: list[str | None] = []

    @handler("com.a.a")
    async def several(event: Event[Any]) -> list[Event[Any]]:
        return [answer("com.a.a", event), sent("com.a.a", event, to="com.other.process")]

    app = App([several])

    @app.on_unhandled
    async def forward(event: Event[Any]) -> None:
        taken.append(event.to)

    async with app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.third.one"))
    assert sorted(map(str, taken)) == ["com.other.process", OUTSIDE, "com.third.one"]
    assert app.dead_letters == ()


async def test_a_failing_on_unhandled_leaves_a_dead_letter() -> None:
    app = App([echo])

    @app.on_unhandled
    async def broken(_: Event[Any]) -> None:
        raise ValueError("no network")

    async with app:
        await app.publish(request("com.a.a"))
    (letter,) = app.dead_letters
    assert (letter.handler, letter.event.to) == ("on_unhandled", OUTSIDE)


async def test_without_on_unhandled_an_answer_that_nobody_waits_for_is_no_dead_letter() -> None:
    async with App([echo]) as app:
        await app.publish(request("com.a.a"))
    assert app.dead_letters == ()


async def test_a_published_event_to_nobody_is_refused_even_when_it_names_its_own_source() -> None:
    async with App([echo]) as app:
        with pytest.raises(ConfigViolation, match=r"No handler of this app answers to 'com\.x\.x'"):
            await app.publish(request("com.x.x", source="com.x.x"))


async def test_context_variables_of_one_event_do_not_show_in_another() -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="none")
    seen: list[str] = []

    @handler("com.a.a")
    async def setting(event: Event[Any]) -> Event[Any] | None:
        seen.append(tenant.get())
        tenant.set(event.id)
        return sent("com.a.a", event, to="com.a.a", id="last") if event.id == "first" else None

    async with App([setting]) as app:
        await app.publish(request("com.a.a", id="first"))
        await app.publish(request("com.a.a", id="second"))
    assert seen == ["none", "none", "none"]


async def test_functions_that_cannot_be_awaited_are_refused_where_they_are_registered() -> None:
    app = App([echo])

    def in_line(*_: Any) -> Any: ...

    for register in (app.sink("a.domain"), app.on_unhandled, app.on_dead_letter):
        with pytest.raises(DefinitionError, match="is not an async function"):
            register(in_line)
    with pytest.raises(DefinitionError, match=r"Middleware: .*in_line is not an async function"):
        App([echo], middleware=[in_line])


async def test_nothing_can_be_registered_while_the_app_runs() -> None:
    app = App([echo])

    async def take(_: Any) -> None: ...

    async with app:
        for register in (app.sink("a.domain"), app.on_unhandled, app.on_dead_letter, app.on_event):
            with pytest.raises(DefinitionError, match="too late to register"):
                register(take)
    app.on_unhandled(take)
    with pytest.raises(DefinitionError, match="registered already"):
        app.on_unhandled(take)
