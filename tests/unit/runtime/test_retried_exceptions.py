"""Exceptions of user code that are expected to pass: tried again first, and answered when the last attempt fails."""

# ruff: noqa: ARG001 - the functions of handlers take what handlers give them, needed or not

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryStore
from arvo.contracts import OrchestratorContract, Payload, ServiceError
from arvo.errors import ExecutionViolation
from arvo.handlers import MultiHandler
from arvo.orchestration import Done, Resumable, Turn
from arvo.ports import WorkflowStatus
from arvo.runtime import App, Observation, Retry, RetryPolicy, Subscription, Worker, enqueue
from tests.unit.handlers.card_service import CLIENT, CardCharged, ChargeCard, handled_by, request
from tests.unit.runtime.scene import FunctionHandler
from tests.unit.runtime.scene import request as plain_request
from tests.unit.runtime.worker.workplace import worked_off

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.events import Event
    from arvo.handlers import Handler, HandlerContext
    from arvo.runtime import Execute
    from arvo.runtime.subscription import Servable

PATIENT = RetryPolicy(attempts=3, initial_delay=timedelta(0), retry_exceptions=(ConnectionError, TimeoutError))
DOWN = ConnectionError("the bank is down")


class Tried:
    """Raises its errors, one for each attempt, and goes on when there are none left."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.attempts = 0

    def __call__(self) -> None:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)


def charging(tried: Tried) -> Handler:
    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged:
        tried()
        return CardCharged(charge_id="c-1")

    return handled_by(function)


async def resolved(
    handler: Servable, event: Event[Any] | None = None, *, retry: RetryPolicy = PATIENT
) -> tuple[App, Event[Any]]:
    app = App([handler], retry=retry)
    async with app:
        return app, await app.resolve(request() if event is None else event)


@pytest.mark.parametrize(
    "error", [DOWN, TimeoutError(), ExceptionGroup("both", [KeyError("k"), ExceptionGroup("in", [DOWN])])], ids=repr
)
async def test_a_handler_is_tried_again_until_it_answers(error: Exception) -> None:
    tried = Tried(error, error)
    _, answer = await resolved(charging(tried))
    assert (answer.type, tried.attempts) == ("evt.card.charge.success", 3)


async def test_when_the_last_attempt_fails_its_exception_is_answered() -> None:
    tried = Tried(DOWN, DOWN, TimeoutError("the last"), DOWN)
    app, answer = await resolved(charging(tried))
    assert isinstance(answer.data, ServiceError)
    assert (answer.data.error_name, answer.data.error_message) == ("TimeoutError", "the last")
    assert tried.attempts == 3
    assert app.dead_letters == ()


async def test_other_exceptions_are_answered_at_once() -> None:
    tried = Tried(KeyError("bug"))
    _, answer = await resolved(charging(tried))
    assert (answer.type, tried.attempts) == ("sys.com.card.charge.error", 1)


async def test_by_default_no_exception_is_tried_again() -> None:
    tried = Tried(DOWN)
    _, answer = await resolved(charging(tried), retry=RetryPolicy())
    assert (answer.type, tried.attempts) == ("sys.com.card.charge.error", 1)


async def test_a_violation_beside_it_in_a_group_speaks_for_the_group() -> None:
    violation = ExecutionViolation("never")
    tried = Tried(ExceptionGroup("both", [DOWN, violation]))
    policy = RetryPolicy(retry_on=(), retry_exceptions=(ConnectionError,))
    app = App([charging(tried)], retry=policy)
    async with app:
        await app.publish(request())
        await app.wait_idle()
    assert [letter.error for letter in app.dead_letters] == [violation]
    assert tried.attempts == 1


async def test_those_who_watch_see_the_exception_itself_and_middleware_a_violation() -> None:
    seen: list[Exception | None] = []

    async def middleware(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        try:
            return await call_next(event)
        except ExecutionViolation as violation:
            seen.append(violation.__cause__ if isinstance(violation.__cause__, Exception) else None)
            raise

    observations: list[Observation] = []
    app = App([charging(Tried(DOWN))], retry=PATIENT, middleware=[middleware])
    app.on_event(observations.append)
    async with app:
        await app.resolve(request())
    assert seen == [DOWN]
    assert [observation.error for observation in observations] == [DOWN, None]
    assert isinstance(observations[0].decision, Retry)


async def test_a_multi_handler_is_tried_again() -> None:
    tried = Tried(DOWN)

    async def function(event: Event[Any], ctx: HandlerContext) -> None:
        tried()

    multi = MultiHandler("com.many.things")
    multi.handle(function)
    app = App([multi], retry=PATIENT)
    async with app:
        await app.publish(plain_request("com.many.things"))
        await app.wait_idle()
    assert tried.attempts == 2


async def test_a_sink_is_tried_again_and_its_event_given_up_in_the_end() -> None:
    tried = Tried(DOWN, DOWN, DOWN)
    app = App([charging(Tried())], retry=PATIENT)

    @app.sink("human")
    async def show(event: Event[Any]) -> None:
        tried()

    async with app:
        await app.publish(plain_request("com.a.person", domain="human"))
        await app.wait_idle()
    assert [(letter.error, letter.attempts) for letter in app.dead_letters] == [(DOWN, 3)]


class Order(Payload):
    item: str


class Placed(Payload):
    number: int


order = OrchestratorContract("order.place", uri="#/orchestrators/order.place")
order_v1 = order.version("1.0.0", accepts=Order, emits=Placed)


def placing(tried: Tried) -> Servable:
    workflow = Resumable(order)

    class State(Payload):
        pass

    @workflow.on(order_v1, state=State)
    async def place(turn: Turn[Order, State]) -> Done[Placed]:
        tried()
        return Done(Placed(number=1))

    return workflow


def order_request() -> Event[Any]:
    return order_v1.request(Order(item="book"), source=CLIENT)


async def test_a_workflow_goes_on_from_where_it_was() -> None:
    tried = Tried(DOWN, DOWN)
    _, answer = await resolved(placing(tried), order_request())
    assert (answer.type, tried.attempts) == ("arvo.orc.order.place.done", 3)


async def test_a_workflow_fails_when_its_last_attempt_does() -> None:
    tried = Tried(DOWN, DOWN, DOWN)
    _, answer = await resolved(placing(tried), order_request())
    assert (answer.type, tried.attempts) == ("sys.arvo.orc.order.place.error", 3)


async def test_a_worker_tries_handlers_and_workflows_again_and_stores_the_last_failure() -> None:
    passing, failing = Tried(DOWN), Tried(DOWN, DOWN, DOWN)
    app = App([charging(passing), placing(failing)], retry=PATIENT)
    started = order_request()
    async with InMemoryStore() as store:
        worker = Worker(app, store)
        await enqueue(app, store, request())
        await enqueue(app, store, started)
        await worked_off(store, worker, besides=[CLIENT])

        (answer,) = [one.event() for one in await store.collect(CLIENT, "order/1")]
        (workflow,) = await store.workflows()
    assert (answer.type, passing.attempts, failing.attempts) == ("evt.card.charge.success", 2, 3)
    assert workflow.status is WorkflowStatus.FAILED
    failed_on = workflow.failed_event()
    assert failed_on is not None
    assert failed_on.id == started.id
    assert (worker.report.retries, worker.report.dead_letters) == (3, 0)


async def test_what_a_handler_runs_in_its_own_context_has_a_policy_of_its_own() -> None:
    inner = App([charging(Tried(DOWN))])
    answers: list[Event[Any]] = []

    async def outer(event: Event[Any]) -> None:
        async with inner:
            answers.append(await inner.resolve(request()))

    app = App([Subscription(FunctionHandler("com.outer.one", outer), retry=PATIENT)])
    async with app:
        await app.publish(plain_request("com.outer.one"))
        await app.wait_idle()
    assert [answer.type for answer in answers] == ["sys.com.card.charge.error"]


async def test_attempts_that_run_together_do_not_share_their_policies() -> None:
    begun = asyncio.Barrier(2)

    async def waits_and_fails(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged:
        await begun.wait()
        raise DOWN

    patient = App([handled_by(waits_and_fails)], retry=RetryPolicy(attempts=1, retry_exceptions=(ConnectionError,)))
    hasty = App([handled_by(waits_and_fails)])
    async with patient, hasty:
        found = await asyncio.gather(patient.resolve(request()), hasty.resolve(request()))
    assert [answer.type for answer in found] == ["sys.com.card.charge.error"] * 2
