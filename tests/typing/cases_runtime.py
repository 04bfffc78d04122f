"""Right and wrong uses of `arvo.runtime`, checked by mypy and pyright, never run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, assert_type

from pydantic import BaseModel

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import Contract, OrchestratorContract, Payload, ServiceError, one_of
from arvo.errors import BackendError, ConfigViolation
from arvo.events import Event
from arvo.handlers import Handler, MultiHandler, Router
from arvo.orchestration import Resumable
from arvo.runtime import (
    App,
    DeadLetter,
    DeadLetterReason,
    Execute,
    Observation,
    Park,
    RateLimit,
    Retry,
    RetryPolicy,
    ShutdownReport,
    Subscription,
    Worker,
    WorkerHealth,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class ChargeCard(Payload):
    amount_cents: int


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class CardDeclined(Payload, event_type="evt.card.charge.declined"):
    reason: str


class PlaceOrder(Payload):
    order_id: str


class OrderPlaced(Payload):
    charge_id: str


class NotAHandler(BaseModel):
    source: str


charge = Contract(uri="#/services/card.charge", type="com.card.charge")
charge_v1 = charge.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))
order = OrchestratorContract("order", uri="#/order")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=OrderPlaced)
request = charge_v1.request(ChargeCard(amount_cents=999), source="com.web.checkout")
order_request = order_v1.request(PlaceOrder(order_id="o"), source="com.web.checkout")

# --- apps

patient = RetryPolicy(attempts=10, initial_delay=timedelta(seconds=1), retry_on=(BackendError, TimeoutError))
stubborn = RetryPolicy(retry_exceptions=(ConnectionError, TimeoutError))
gentle = RateLimit(100, per=timedelta(minutes=1), burst=5)
app = App(
    handlers=[
        Handler(charge),
        Resumable(order),
        Resumable(order).bind(InMemoryMachineMemory()),
        MultiHandler("com.audit.log"),
        Router("com.all.cards", [Handler(charge)]),
        Subscription(Handler(charge), concurrency=1, retry=patient),
        Subscription(Handler(charge), retry=stubborn, rate_limit=gentle, priority=-5),
    ],
    memory=InMemoryMachineMemory(),
    external=[charge],
    drain_timeout=timedelta(seconds=1),
)
App(handlers=[NotAHandler(source="com.card.charge")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
App(handlers=[charge])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
App(handlers=[], drain_timeout=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
App(handlers=[], external=[charge_v1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
App([], InMemoryMachineMemory())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
RetryPolicy(initial_delay=0.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryPolicy(retry_on=(BackendError(""),))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryPolicy(retry_exceptions=(KeyboardInterrupt,))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryPolicy(retry_exceptions=ConnectionError)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RateLimit(100, timedelta(seconds=1))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
RateLimit(100, per=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Subscription(Handler(charge), rate_limit=100)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Subscription(Handler(charge), priority="high")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Subscription(Handler(charge), 1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# --- resolving and publishing


def tells_health(worker: Worker) -> None:
    health = worker.health()
    assert_type(health, WorkerHealth)
    assert_type(health.ready, bool)
    health.ready = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    WorkerHealth(True)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]


async def resolves() -> None:
    await app.publish(request)
    assert_type(await app.resolve(request), Event[Any])
    charged = await app.resolve(request, expect=charge_v1, timeout=timedelta(seconds=1))
    assert_type(charged, Event[CardCharged | CardDeclined | ServiceError])
    placed = await app.resolve(order_request, expect=order_v1)
    assert_type(placed, Event[OrderPlaced | ServiceError])
    assert_type(await app.close(), ShutdownReport)
    async with app as opened:
        assert_type(opened, App)

    # An answer cannot be expected of a version that never saw the request.
    await app.resolve(order_request, expect=charge_v1)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    await app.resolve(request, expect=charge)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await app.resolve(request, timeout=5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await app.publish(request.data)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    str(charged.data.charge_id)  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    with app:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass


# --- hooks


@app.sink("human.inbox")
async def inbox(event: Event[Any]) -> None: ...


@app.on_event
def watch(observation: Observation) -> None:
    assert_type(observation.outputs, tuple[Event[Any], ...])
    assert_type(observation.decision, Retry | Park | None)


@app.on_dead_letter
async def alarm(letter: DeadLetter) -> None:
    assert_type(letter.reason, DeadLetterReason)
    assert_type(letter.error, Exception)


@app.on_unhandled
async def forward(event: Event[Any]) -> None: ...


app.on_event(lambda observation: observation.duration_seconds + 1)


# a sink that is not async
@app.sink("human.inbox")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def inbox_in_line(event: Event[Any]) -> None: ...


# a dead-letter hook that expects the event
@app.on_dead_letter  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def expects_event(event: Event[Any]) -> None: ...


# an observer that expects more than there is
@app.on_event  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def expects_two(observation: Observation, extra: int) -> None: ...


# --- middleware


async def passing(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
    return await call_next(event)


async def forgetting(event: Event[Any], call_next: Execute) -> None:
    await call_next(event)


App(handlers=[], middleware=[passing])
App(handlers=[], middleware=[forgetting])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
App(handlers=[], middleware=passing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# --- decisions

decision = patient.decide(1, ConfigViolation("x"))
match decision:
    case Retry(delay):
        assert_type(delay, timedelta)
    case Park(reason):
        assert_type(reason, DeadLetterReason)
str(decision.delay)  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
patient.decide(1, "timeout")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
patient.attempts = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
