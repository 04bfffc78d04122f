"""Right and wrong uses of `arvo.orchestration`, checked by mypy and pyright, never run.

A wrong use carries ignores for both checkers; a checker that does not report it reports the needless ignore instead
(`pyrightconfig.json` in this folder sees to that).
"""

# ruff: noqa: ARG001, B018 - what functions do with their arguments is of no interest here

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, assert_never, assert_type

from pydantic import BaseModel

from arvo.contracts import Contract, OrchestratorContract, Payload, ServiceError, one_of, services
from arvo.events import Event, Subject
from arvo.handlers import Emit, EventHandler
from arvo.orchestration import (
    BoundWorkflow,
    Done,
    Outcome,
    Resumable,
    Timeout,
    Turn,
    Wait,
    run_with_memory,
    wanted_timers,
)

if TYPE_CHECKING:
    from arvo.ports import MachineMemory
    from arvo.runtime.subscription import WorkflowDefinition


class ReserveStock(Payload):
    sku: str


class StockReserved(Payload, event_type="evt.stock.reserve.success"):
    hold_id: str


class ChargeCard(Payload):
    amount_cents: int


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class CardDeclined(Payload, event_type="evt.card.charge.declined"):
    reason: str


class PlaceOrder(Payload):
    sku: str
    amount_cents: int


class OrderPlaced(Payload):
    charge_id: str


class OrderFailed(Payload, event_type="arvo.orc.order.failed"):
    reason: str


class OrderState(BaseModel):
    sku: str
    hold_id: str | None = None


class OtherState(BaseModel):
    pass


charge = Contract(uri="#/services/card.charge", type="com.card.charge")
charge_v1 = charge.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))
reserve_v1 = Contract(uri="#/services/stock", type="com.stock.reserve").version(
    "1.0.0", accepts=ReserveStock, emits=StockReserved
)
order = OrchestratorContract("order", uri="#/orchestrators/order")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=one_of(OrderPlaced, OrderFailed))
workflow = Resumable(order)
used = services(reserve_v1, charge_v1)


# Right uses.


@workflow.on(order_v1, state=OrderState, services=services(reserve_v1, charge_v1))
async def advance(
    turn: Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined | ServiceError, OrderState],
) -> Wait[OrderState, ReserveStock | ChargeCard] | Done[OrderPlaced | OrderFailed]:
    data = turn.event.data
    if isinstance(data, PlaceOrder):
        return Wait(OrderState(sku=data.sku), [ReserveStock(sku=data.sku)])
    assert_type(turn.state, OrderState | None)
    assert turn.state is not None
    assert_type(turn.replies(CardCharged), list[Event[CardCharged]])
    assert_type(turn.replies(CardCharged)[0].data.charge_id, str)
    assert_type(turn.subject, Subject)
    assert_type(turn.init_event_id, str)
    match data:
        case StockReserved(hold_id=hold_id):
            assert_type(hold_id, str)
            return Wait(turn.state.model_copy(update={"hold_id": hold_id}), [ChargeCard(amount_cents=1)])
        case CardCharged():
            return Done(OrderPlaced(charge_id=data.charge_id))
        case CardDeclined():
            return Done(OrderFailed(reason=data.reason))
        case ServiceError():
            return Done(OrderFailed(reason=data.error_message))
        case _:
            assert_never(data)


@workflow.on(order_v1, state=OrderState, services=used)
async def with_directives(
    turn: Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined | ServiceError, OrderState],
) -> Wait[OrderState, ReserveStock | ChargeCard] | Done[OrderPlaced, OrderState, ChargeCard]:
    if turn.state is None:
        return Wait(calls=[Emit(ReserveStock(sku="x"), domain="stock"), ChargeCard(amount_cents=1)])
    if turn.parent_subject is None:
        return Wait()
    if turn.init_event_id:
        return Wait(turn.state)
    return Done(Emit(OrderPlaced(charge_id="c"), to="com.x.y"), turn.state, [ChargeCard(amount_cents=1)])


@workflow.on(order_v1, state=OrderState, services=used)
async def waits_without_calls(turn: Turn[Payload, OrderState]) -> Wait[OrderState] | Done[OrderPlaced]:
    return Wait(OrderState(sku="")) if turn.init_event_id else Wait()


@workflow.on(order_v1, state=OrderState, services=used)
async def takes_wider_input(turn: Turn[Payload, OrderState]) -> Done[OrderFailed]:
    return Done(OrderFailed(reason="wider"))


@workflow.on(order_v1, state=OrderState)
async def calls_nobody(turn: Turn[PlaceOrder, OrderState]) -> Done[OrderPlaced]:
    return Done(OrderPlaced(charge_id=turn.event.data.sku))


@workflow.on(order_v1, state=OrderState, services=services(reserve_v1, charge_v1), timeouts=True)
async def takes_its_time(
    turn: Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined | ServiceError | Timeout, OrderState],
) -> Wait[OrderState, ReserveStock | ChargeCard] | Done[OrderFailed]:
    match turn.event.data:
        case PlaceOrder():
            return Wait(None, [Emit(ReserveStock(sku="x"), deadline=timedelta(hours=1))], wake_after=timedelta(days=1))
        case Timeout(call_type=charge_v1.accepted_type, call_id=call_id):
            assert_type(call_id, str | None)
            return Wait(wake_after=timedelta(days=1))
        case Timeout(timer=timer):
            return Done(OrderFailed(reason=timer))
        case StockReserved() | CardCharged() | CardDeclined() | ServiceError():
            return Wait(wake_after=None)
        case _ as never:
            assert_never(never)


@workflow.on(order_v1, state=OrderState, timeouts=True)
async def only_sleeps(turn: Turn[PlaceOrder | Timeout, OrderState]) -> Wait[OrderState] | Done[OrderPlaced]:
    return Wait(wake_after=timedelta(days=1))


# ready for what it never asks for
@workflow.on(order_v1, state=OrderState, timeouts=False)
async def is_over_cautious(turn: Turn[PlaceOrder | Timeout, OrderState]) -> Done[OrderPlaced]:
    return Done(OrderPlaced(charge_id=""))


assert_type(wanted_timers({}), frozenset[str])


async def bound(memory: MachineMemory, event: Event[Any]) -> None:
    handler = workflow.bind(memory, lock=False)
    assert_type(handler, BoundWorkflow)
    assert_type(await handler.execute(event), list[Event[Any]])
    assert_type(await handler.run(event), Outcome)
    assert_type(await run_with_memory(workflow, event, memory, lock=True), Outcome)
    take(handler, workflow)


def take(served: EventHandler, definition: WorkflowDefinition) -> None: ...


# Wrong uses.

Resumable(charge)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
workflow.bind()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
workflow.on(order_v1, state=dict, services=used)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]


# a reply that may arrive is not taken
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def forgets_declined(
    turn: Turn[PlaceOrder | StockReserved | CardCharged | ServiceError, OrderState],
) -> Done[OrderPlaced]:
    return Done(OrderPlaced(charge_id=""))


# that services can break is not considered
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def forgets_errors(
    turn: Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined, OrderState],
) -> Done[OrderPlaced]:
    return Done(OrderPlaced(charge_id=""))


# its own request is not taken
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def forgets_request(
    turn: Turn[StockReserved | CardCharged | CardDeclined | ServiceError, OrderState],
) -> Done[OrderPlaced]:
    return Done(OrderPlaced(charge_id=""))


# takes timeouts, and is not ready for one
@workflow.on(order_v1, state=OrderState, services=used, timeouts=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def forgets_timeouts(
    turn: Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined | ServiceError, OrderState],
) -> Wait[OrderState, ReserveStock]:
    return Wait(wake_after=timedelta(days=1))


# only sleeps, and is not ready to be woken up
@workflow.on(order_v1, state=OrderState, timeouts=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def sleeps_for_ever(turn: Turn[PlaceOrder, OrderState]) -> Wait[OrderState]:
    return Wait(wake_after=timedelta(days=1))


# takes timeouts, and forgets that services can break
@workflow.on(order_v1, state=OrderState, services=used, timeouts=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def forgets_errors_in_time(
    turn: Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined | Timeout, OrderState],
) -> Done[OrderPlaced]:
    return Done(OrderPlaced(charge_id=""))


# calls a payload that no service accepts
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def calls_stranger(turn: Turn[Payload, OrderState]) -> Wait[OrderState, CardCharged]:
    return Wait(OrderState(sku=""), [CardCharged(charge_id="")])


# ends with what the contract does not declare
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def ends_wrongly(turn: Turn[Payload, OrderState]) -> Done[CardCharged]:
    return Done(CardCharged(charge_id=""))


# keeps another state than declared
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def keeps_other_state(turn: Turn[Payload, OrderState]) -> Wait[OtherState, ReserveStock]:
    return Wait(OtherState(), [ReserveStock(sku="")])


# reads another state than declared
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def reads_other_state(turn: Turn[Payload, OtherState]) -> Wait[OrderState, ReserveStock]:
    return Wait(OrderState(sku=""))


# leaves another state behind at its end than declared
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def leaves_other_state(turn: Turn[Payload, OrderState]) -> Done[OrderPlaced, OtherState]:
    return Done(OrderPlaced(charge_id=""), OtherState())


# calls a stranger at its end
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def ends_calling_stranger(turn: Turn[Payload, OrderState]) -> Done[OrderPlaced, OrderState, OrderFailed]:
    return Done(OrderPlaced(charge_id=""), calls=[OrderFailed(reason="")])


# calls although it declares no services
@workflow.on(order_v1, state=OrderState)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def calls_undeclared(turn: Turn[PlaceOrder, OrderState]) -> Wait[OrderState, ReserveStock]:
    return Wait(OrderState(sku=""), [ReserveStock(sku="")])


# is not async
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def is_not_async(turn: Turn[Payload, OrderState]) -> Done[OrderPlaced]:
    return Done(OrderPlaced(charge_id=""))


# returns the payload itself
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def returns_bare(turn: Turn[Payload, OrderState]) -> OrderPlaced:
    return OrderPlaced(charge_id="")


# may return nothing
@workflow.on(order_v1, state=OrderState, services=used)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def may_return_nothing(turn: Turn[Payload, OrderState]) -> Done[OrderPlaced] | None:
    return None


# times are timedeltas
Wait(OrderState(sku=""), wake_after=60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Emit(ReserveStock(sku=""), deadline=60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Emit(ReserveStock(sku=""), deliver_after="1h")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# the end does not wait
Done(OrderPlaced(charge_id=""), wake_after=timedelta(days=1))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def inside(turn: Turn[PlaceOrder | CardCharged, OrderState]) -> Wait[OrderState, ReserveStock]:
    turn.event.data.charge_id  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    turn.state.sku  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    turn.replies(OrderState)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    turn.replies(CardCharged)[0].data.reason  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    turn.state = None  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    if turn.init_event_id:
        return Wait(OrderState(sku=""), [ChargeCard(amount_cents=1)])  # type: ignore[list-item]  # pyright: ignore[reportReturnType]
    if turn.parent_subject:
        return Wait(OrderState(sku=""), ReserveStock(sku=""))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return Done(OrderPlaced(charge_id=""))  # type: ignore[return-value]  # pyright: ignore[reportReturnType, reportUnknownVariableType]


def forgets_what_time_does(turn: Turn[StockReserved | Timeout, OrderState]) -> int:
    data = turn.event.data
    match data:
        case StockReserved() | Timeout(call_type=None):
            return 1
        case _:
            assert_never(data)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def incomplete(turn: Turn[StockReserved | CardCharged, OrderState]) -> int:
    data = turn.event.data
    match data:
        case StockReserved():
            return 1
        case _:
            assert_never(data)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
