"""The app that the command line is tested with: copied into a folder of its own for each test, as `shop.py`."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from arvo import (
    App,
    Contract,
    Done,
    Emit,
    Event,
    ExecutionViolation,
    Handler,
    HandlerContext,
    MultiHandler,
    OrchestratorContract,
    Payload,
    Resumable,
    RetryPolicy,
    ServiceError,
    Turn,
    Wait,
    one_of,
    services,
)


class Charge(Payload):
    cents: int
    how: str = "well"


class Charged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class Declined(Payload, event_type="evt.card.charge.declined"):
    reason: str


charge = Contract(uri="#/services/card.charge", type="com.card.charge")
charge_v1 = charge.version("1.0.0", accepts=Charge, emits=one_of(Charged, Declined))
charge_v2 = charge.version("2.0.0", accepts=Charge, emits=one_of(Charged, Declined))

charge_card = Handler(charge)
attempts: dict[str, int] = {}


@charge_card.on(charge_v1)
async def charge_at_once(event: Event[Charge], _: HandlerContext) -> Charged | Declined:
    return Declined(reason="too much") if event.data.cents > 1000 else Charged(charge_id=event.id)


@charge_card.on(charge_v2)
async def charge_as_told(event: Event[Charge], ctx: HandlerContext) -> Charged | Declined:
    match event.data.how:
        case "broken":
            raise KeyError("no such card")
        case "second time":
            attempts[event.id] = attempts.get(event.id, 0) + 1
            if attempts[event.id] == 1:
                raise ExecutionViolation("the bank is busy")
        case "never":
            raise ExecutionViolation("the bank is closed")
        case "slowly":
            started()
            await asyncio.sleep(0.3)
        case "hanging":
            started()
            await asyncio.Event().wait()
        case "blocking":
            started()
            time.sleep(30)  # noqa: ASYNC251 - the mistake that the command has to survive
        case "in a thread":
            started()
            await asyncio.to_thread(threading.Event().wait, 30)
        case "loudly":
            ctx.logger.info("charging")
        case _:
            pass
    return Charged(charge_id=event.id)


def started() -> None:
    """Tell the test that a handler is at work."""
    Path("started").touch()


class Ask(Payload):
    question: str


class Approved(Payload, event_type="evt.human.ask.approved"):
    by: str


ask = Contract(uri="#/people/ask", type="com.human.ask", domain="human")
ask_v1 = ask.version("1.0.0", accepts=Ask, emits=Approved)


class Order(Payload):
    cents: int
    how: str = "well"
    ask: bool = False


class Ordered(Payload):
    charge_id: str


class Progress(BaseModel):
    order: Order


order = OrchestratorContract("order", uri="#/orchestrators/order")
order_v1 = order.version("1.0.0", accepts=Order, emits=Ordered)

place_order = Resumable(order)


@place_order.on(order_v1, state=Progress, services=services(charge_v2, ask_v1))
async def advance(
    turn: Turn[Order | Charged | Declined | Approved | ServiceError, Progress],
) -> Wait[Progress, Charge | Ask] | Done[Ordered]:
    data = turn.event.data
    if isinstance(data, Order) and data.ask:
        return Wait(Progress(order=data), [Emit(Ask(question="really?"), domain="human")])
    if isinstance(data, Order | Approved):
        if isinstance(data, Order):
            state = Progress(order=data)
        else:
            assert turn.state is not None
            state = turn.state
        return Wait(state, [Charge(cents=state.order.cents, how=state.order.how)])
    if isinstance(data, Charged):
        return Done(Ordered(charge_id=data.charge_id))
    raise RuntimeError(f"the order failed on {data}")


class Audited(Payload, event_type="evt.audit.log.done"):
    pass


ship_parcel = MultiHandler("com.parcel.ship")
audit = MultiHandler("com.audit.log")


@ship_parcel.handle
async def ship_and_tell(event: Event[Any], _: HandlerContext) -> list[Emit[Audited] | Emit[Charged]]:
    """Answers first, and has the audit take note of it afterwards."""
    return [Emit(Charged(charge_id=event.id)), Emit(Audited(), to="com.audit.log")]


@audit.handle
async def note(_: Event[Any], ctx: HandlerContext) -> None:
    del ctx
    await asyncio.sleep(0.05)


app = App(
    handlers=[charge_card, place_order, ship_parcel, audit],
    retry=RetryPolicy(attempts=2, initial_delay=timedelta(milliseconds=1)),
    drain_timeout=timedelta(seconds=5),
)

not_an_app = 7
