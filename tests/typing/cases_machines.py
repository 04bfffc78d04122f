"""Right and wrong uses of machines written in Python, checked by mypy and pyright, never run.

A wrong use carries ignores for both checkers; a checker that does not report it reports the needless ignore instead
(`pyrightconfig.json` in this folder sees to that).
"""

# ruff: noqa: ARG001, ARG005 - what a function does with its arguments is of no interest here

from __future__ import annotations

from datetime import timedelta
from typing import Any, Never, assert_type

from pydantic import BaseModel

from arvo.contracts import Contract, OrchestratorContract, Payload, ServiceError, SimpleContract, one_of, services
from arvo.handlers import Emit
from arvo.orchestration import (
    ChartMachine,
    Guard,
    Machine,
    Orchestrator,
    Result,
    Signal,
    State,
    Target,
    all_of,
    any_of,
    not_,
)


class ChargeCard(Payload):
    amount_cents: int


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class CardDeclined(Payload, event_type="evt.card.charge.declined"):
    reason: str


class ReserveStock(Payload):
    sku: str


class StockReserved(Payload, event_type="evt.stock.reserve.success"):
    hold_id: str


class SendMail(Payload):
    to: str


class MailSent(Payload):
    pass


class PlaceOrder(Payload):
    sku: str


class OrderPlaced(Payload):
    charge_id: str


class OrderFailed(Payload, event_type="arvo.orc.order.failed"):
    reason: str


class OrderState(BaseModel):
    sku: str
    hold_id: str | None = None


class OtherState(BaseModel):
    count: int = 0


charge_v1 = Contract(uri="#/services/card.charge", type="com.card.charge").version(
    "1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined)
)
reserve_v1 = Contract(uri="#/services/stock.reserve", type="com.stock.reserve").version(
    "1.0.0", accepts=ReserveStock, emits=StockReserved
)
mail_v1 = SimpleContract("mail.send", uri="#/services/mail.send").version("1.0.0", accepts=SendMail, emits=MailSent)
order = OrchestratorContract("order", uri="#/orchestrators/order")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=one_of(OrderPlaced, OrderFailed))

# --- the machine and its states

machine = Machine(order_v1, state=OrderState, services=services(reserve_v1, charge_v1))
assert_type(
    machine,
    Machine[
        PlaceOrder,
        OrderPlaced | OrderFailed,
        OrderState,
        ReserveStock | ChargeCard,
        StockReserved | CardCharged | CardDeclined,
    ],
)
reserving = machine.state("reserving", tags=["busy"])
assert_type(
    reserving,
    State[OrderState, ReserveStock | ChargeCard, StockReserved | CardCharged | CardDeclined | ServiceError],
)
charging = machine.state("charging")
shipping = machine.parallel("shipping")
packing = shipping.state("packing")
packed = packing.state("packed", final=True)
placed = machine.state("placed")
back = shipping.history(deep=True, default=packing)
assert_type(back, Target[OrderState])
restock = machine.signal("restock")
assert_type(restock, Signal)
restocked: Target[OrderState] = reserving

lonely = Machine(order_v1, state=OrderState)
assert_type(lonely, Machine[PlaceOrder, OrderPlaced | OrderFailed, OrderState, Never, Never])
alone = lonely.state("alone")
assert_type(alone, State[OrderState, Never, ServiceError])
other = Machine(order_v1, state=OtherState, services=services(reserve_v1, charge_v1))
elsewhere = other.state("elsewhere")

grouped = Orchestrator(order, [machine, lonely])
of_a_document: ChartMachine[Any, Any, Any, Any, Any] = Machine.from_xstate(order_v1, "{}", services=services())

# --- functions


@machine.start(at=reserving)
def begin(request: PlaceOrder) -> OrderState:
    return OrderState(sku=request.sku)


@reserving.enter
def ask_for_stock(state: OrderState) -> ReserveStock:
    return ReserveStock(sku=state.sku)


@reserving.exit
def notes_nothing(state: OrderState) -> None: ...


@packing.enter
@charging.enter
def asks_for_several(state: OrderState) -> list[ReserveStock | ChargeCard]:
    return [ReserveStock(sku=state.sku), ChargeCard(amount_cents=1)]


@charging.enter
def asks_with_directives(state: OrderState) -> Emit[ChargeCard]:
    return Emit(ChargeCard(amount_cents=1), domain="bank")


@shipping.start(at=packing)
def on_the_way(state: OrderState) -> Signal:
    return restock


@reserving.on(StockReserved, to=charging)
def keep_hold(state: OrderState, reply: StockReserved) -> OrderState:
    return state.model_copy(update={"hold_id": reply.hold_id})


@charging.on(CardCharged, to=[placed], when=lambda state, reply: reply.charge_id != state.sku)
@charging.on(CardCharged, to=back, reenter=True)
def keeps_and_calls(state: OrderState, reply: CardCharged) -> tuple[OrderState, ReserveStock, Signal]:
    return state, ReserveStock(sku=reply.charge_id), restock


@reserving.on(ServiceError, of=charge_v1, to=placed)
def keep_error(state: OrderState, reply: ServiceError) -> OrderState | None:
    return OrderState(sku=reply.error_message)


@machine.root.on_any(of=reserve_v1)
def takes_what_comes(
    state: OrderState, reply: StockReserved | CardCharged | CardDeclined | ServiceError
) -> Result[OrderState, ChargeCard]:
    return state


@reserving.on_signal(restock, to=reserving, reenter=True)
@reserving.always(to=charging, when=lambda state: state.hold_id is not None)
@shipping.on_done(to=placed)
@shipping.after(timedelta(days=1), to=placed, reenter=True)
def without_reply(state: OrderState) -> OrderState:
    return state


def takes_any_payload(state: OrderState, reply: Payload) -> ChargeCard:
    return ChargeCard(amount_cents=1)


# Decorated by one of them, it would be a function of that reply.
reserving.on(StockReserved, to=charging)(takes_any_payload)
charging.on(CardDeclined, to=placed)(takes_any_payload)


@machine.final(at=placed)
def report(state: OrderState) -> OrderPlaced | OrderFailed:
    return OrderPlaced(charge_id="c")


def patience(state: OrderState) -> timedelta:
    return timedelta(days=len(state.sku))


reserving.after(patience, to=back, when=lambda state: state.hold_id is None)
reserving.after(timedelta(hours=1))(lambda state: ReserveStock(sku=state.sku))
machine.root.after(lambda state: timedelta(hours=len(state.sku)), to=[placed])
machine.final(at=placed)(lambda state: Emit(OrderPlaced(charge_id=state.sku), domain="audit"))
reserving.on(CardDeclined)
reserving.enter(lambda state: ReserveStock(sku=state.sku))
reserving.on(StockReserved, to=charging)(lambda state, reply: OrderState(sku=state.sku, hold_id=reply.hold_id))
reserving.on(StockReserved)(lambda state, reply: (state, ChargeCard(amount_cents=len(reply.hold_id))))

# --- conditions


def is_held(state: OrderState) -> bool:
    return state.hold_id is not None


def is_rich(state: OrderState, reply: CardCharged) -> bool:
    return reply.charge_id != ""


assert_type(all_of(is_held, is_rich), Guard[OrderState, CardCharged])
assert_type(not_(is_held), Guard[OrderState, object])
assert_type(any_of(is_held, not_(is_held)), Guard[OrderState, object])
assert_type(reserving.active, Guard[OrderState, object])
charging.on(CardCharged, when=is_held)
charging.on(CardCharged, when=is_rich)
charging.on(CardCharged, when=lambda state: state.sku == "x")
charging.on(CardCharged, when=all_of(is_rich, not_(reserving.active), any_of(is_held, not_(is_rich))))
charging.on(StockReserved, when=all_of(is_held, lambda state, reply: reply.hold_id == state.sku))
charging.always(when=is_held)
charging.always(when=any_of(is_held, not_(reserving.active)))

# --- wrong uses

# 1. a reply that no service sends
reserving.on(MailSent, to=charging)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 2. a reply that no service sends, without going anywhere
reserving.on(OrderPlaced)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 3. a call where a reply belongs
reserving.on(ReserveStock, to=charging)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 4. a reply of a machine that has no services
alone.on(StockReserved)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# 5. an action that takes another reply
@reserving.on(StockReserved, to=charging)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def takes_another_reply(state: OrderState, reply: CardCharged) -> OrderState:
    return state


# 6. an action that takes no reply
@reserving.on(StockReserved, to=charging)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def takes_no_reply(state: OrderState) -> OrderState:
    return state


# 7. an action that takes a state of another class
@reserving.on(StockReserved, to=charging)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def takes_another_state(state: OtherState, reply: StockReserved) -> None: ...


# 8. an action that returns a state of another class
@reserving.on(StockReserved, to=charging)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def returns_another_state(state: OrderState, reply: StockReserved) -> OtherState:
    return OtherState()


# 9. an action that calls what no service accepts
@charging.enter  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def calls_a_stranger(state: OrderState) -> SendMail:
    return SendMail(to="x")


# 10. one such call among right ones
@charging.enter  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def calls_a_stranger_too(state: OrderState) -> tuple[OrderState, ChargeCard, SendMail]:
    return state, ChargeCard(amount_cents=1), SendMail(to="x")


# 11. one such call with directives
@charging.exit  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def emits_a_stranger(state: OrderState) -> Emit[SendMail]:
    return Emit(SendMail(to="x"))


# 12. an async action
@charging.enter  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def waits(state: OrderState) -> None: ...


# 13. a start from what does not start the workflow
@machine.start(at=reserving)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def begins_with_a_call(request: ReserveStock) -> OrderState:
    return OrderState(sku=request.sku)


# 14. a start that makes another state
@machine.start(at=reserving)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def begins_with_another_state(request: PlaceOrder) -> OtherState:
    return OtherState()


# 15. an output that the workflow does not emit
@machine.final(at=placed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def reports_a_reply(state: OrderState) -> CardCharged:
    return CardCharged(charge_id="c")


# 16. a final state that reports nothing
@machine.final(at=placed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def reports_nothing(state: OrderState) -> None: ...


# 17. a workflow without services that calls one
@alone.enter  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def calls_from_alone(state: OrderState) -> ReserveStock:
    return ReserveStock(sku="s")


# 18. an action without reply that wants one
@charging.always(to=placed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def wants_a_reply(state: OrderState, reply: StockReserved) -> OrderState:
    return state


# 19. a state of another machine
reserving.on(StockReserved, to=elsewhere)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 20. a state by its name
reserving.on(StockReserved, to="charging")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 21. a start in another machine
machine.start(at=elsewhere)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 22. an end in a history state
machine.final(at=back)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 23. a condition on another reply
charging.on(StockReserved, when=is_rich)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 24. a combined condition on another reply
charging.on(StockReserved, when=all_of(is_held, is_rich))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 25. a condition on a reply where there is none
charging.always(when=is_rich)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 26. a condition that answers with something else than yes or no
charging.always(when=lambda state: state.sku)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
# 27. a condition on the state of another machine
charging.always(when=elsewhere.active)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 28. the service of another workflow
reserving.on(ServiceError, of=mail_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 29. a reply where a signal belongs
reserving.on_signal(StockReserved)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 30. a field that the reply does not have
reserving.on(StockReserved)(lambda state, reply: OrderState(sku=reply.charge_id))  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
# 31. a machine whose state is no model
Machine(order_v1, state=dict[str, str], services=services(reserve_v1))  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
# 32. a machine without a state
Machine(order_v1, services=services(reserve_v1))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
# 33. a machine for a contract instead of a version
Machine(order, state=OrderState, services=services(reserve_v1))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
# 34. transitions out of a history state
back.on(StockReserved)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
# 35. contracts among machines
Orchestrator(order, [order_v1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
# 36. a delay that is a number
reserving.after(60, to=placed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 37. a delay that is worked out as a number
reserving.after(lambda state: len(state.sku), to=placed)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
# 38. a delay of another state
reserving.after(lambda state: timedelta(days=state.count), to=placed)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
# 39. an action on time that wants a reply
reserving.after(timedelta(days=1), to=placed)(takes_any_payload)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 40. a condition on a reply, when there is none
reserving.after(timedelta(days=1), when=is_rich)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
# 41. a delay without a time
reserving.after(to=placed)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
# 42. a history state that waits
back.after(timedelta(days=1))  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
