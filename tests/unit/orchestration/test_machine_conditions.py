"""Which transition a machine written in Python takes: by whose reply, in which order, on which condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arvo.contracts import Contract, Payload, ServiceError, services
from arvo.errors import DefinitionError
from arvo.orchestration import Guard, Machine, all_of, any_of, not_
from tests.unit.orchestration.machines import Play, asking_all, begin, order_machine
from tests.unit.orchestration.orders import (
    CardCharged,
    CardDeclined,
    ChargeCard,
    OrderState,
    ReserveStock,
    StockReserved,
    charge_v1,
    order_v1,
    reserve_v1,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from arvo.orchestration import State
    from tests.unit.orchestration.machines import OrderMachine


def with_three_ways() -> tuple[OrderMachine, State[Any, Any, Any], State[Any, Any, Any], State[Any, Any, Any]]:
    machine = asking_all(order_machine())
    here, left, right = machine.state("here"), machine.state("left"), machine.state("right")
    machine.start(at=here)(begin)
    return machine, here, left, right


async def after(machine: OrderMachine, *replies: Payload, **data: Any) -> Any:
    """Where the machine is after these replies."""
    play = Play(machine)
    await play.start(**data)
    for reply in replies:
        await play.reply(reply)
    return await play.value()


async def test_candidates_are_tried_in_the_order_in_which_they_were_written() -> None:
    machine, here, left, right = with_three_ways()
    here.on(StockReserved, to=left, when=lambda state, reply: reply.hold_id == state.sku)
    here.on(StockReserved, to=right)
    assert await after(machine, StockReserved(hold_id="shoe")) == "left"
    assert await after(machine, StockReserved(hold_id="other")) == "right"


async def test_a_reply_that_no_condition_lets_through_is_taken_by_nobody() -> None:
    machine, here, left, _ = with_three_ways()
    here.on(StockReserved, to=left, when=lambda state: state.sku == "hat")
    assert await after(machine, StockReserved(hold_id="h")) == "here"


def is_shoe(state: OrderState) -> bool:
    return state.sku == "shoe"


def is_cheap(state: OrderState) -> bool:
    return state.amount_cents < 100


def is_first_hold(_: OrderState, reply: StockReserved) -> bool:
    return reply.hold_id == "h1"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (all_of(is_shoe, is_first_hold), True),
        (all_of(is_shoe, is_cheap), False),
        (any_of(is_cheap, is_first_hold), True),
        (any_of(is_cheap, not_(is_shoe)), False),
        (not_(is_cheap), True),
        (not_(all_of(is_shoe, any_of(is_cheap, is_first_hold))), False),
    ],
    ids=["and", "and not all", "or", "or none", "not", "nested"],
)
async def test_conditions_combine(condition: Guard[OrderState, StockReserved], holds: bool) -> None:
    machine, here, left, _ = with_three_ways()
    here.on(StockReserved, to=left, when=condition)
    assert await after(machine, StockReserved(hold_id="h1"), amount_cents=500) == ("left" if holds else "here")


async def test_a_condition_can_ask_whether_another_state_is_active() -> None:
    machine = asking_all(order_machine())
    both = machine.parallel("both")
    one, two = both.state("one"), both.state("two")
    asked, held = one.state("asked"), one.state("held")
    waiting, free = two.state("waiting"), two.state("free")
    machine.start(at=both)(begin)
    asked.on(StockReserved, to=held)
    waiting.on(CardCharged, to=free, when=held.active)
    waiting.on(CardDeclined, to=free, when=not_(held.active))
    assert await after(machine, CardCharged(charge_id="c")) == {"both": {"one": "asked", "two": "waiting"}}
    assert await after(machine, StockReserved(hold_id="h"), CardCharged(charge_id="c")) == {
        "both": {"one": "held", "two": "free"}
    }
    assert await after(machine, CardDeclined(reason="r")) == {"both": {"one": "asked", "two": "free"}}


async def test_an_error_can_be_taken_of_one_service_and_of_any() -> None:
    machine, here, left, right = with_three_ways()
    here.on(ServiceError, of=charge_v1, to=left)
    here.on(ServiceError, to=right)
    for service, place in ((charge_v1, "left"), (reserve_v1, "right")):
        play = Play(machine)
        await play.start()
        await play.fail(service)
        assert await play.value() == place


async def test_any_reply_is_taken_where_nothing_else_takes_it_whichever_was_written_first() -> None:
    machine, here, left, right = with_three_ways()

    @here.on_any(to=right)
    def keep_what_it_was(
        state: OrderState, reply: StockReserved | CardCharged | CardDeclined | ServiceError
    ) -> OrderState:
        return state.model_copy(update={"hold_id": type(reply).__name__})

    here.on(StockReserved, to=left)
    here.on(CardDeclined, to=left, when=is_cheap)
    assert await after(machine, StockReserved(hold_id="h")) == "left"
    assert await after(machine, CardCharged(charge_id="c")) == "right"
    assert await after(machine, CardDeclined(reason="r"), amount_cents=5) == "left"
    assert await after(machine, CardDeclined(reason="r"), amount_cents=500) == "right"
    play = Play(machine)
    await play.start()
    await play.fail(reserve_v1)
    assert (await play.state()).hold_id == "ServiceError"


async def test_any_reply_of_one_service_is_no_reply_of_another() -> None:
    machine, here, left, _ = with_three_ways()
    here.on_any(of=charge_v1, to=left, when=lambda state, reply: isinstance(reply, CardDeclined) or is_cheap(state))
    assert await after(machine, StockReserved(hold_id="h"), amount_cents=5) == "here"
    assert await after(machine, CardDeclined(reason="r")) == "left"
    assert await after(machine, CardCharged(charge_id="c")) == "here"


async def test_a_state_that_takes_a_reply_and_does_nothing_keeps_it_from_those_around_it() -> None:
    machine, _, left, _ = with_three_ways()
    outer = machine.state("outer")
    inner = outer.state("inner")
    inner.on(StockReserved)
    outer.on(StockReserved, to=left)
    outer.on(CardCharged, to=left)
    machine.root.drafted.blueprint.initial = "outer"
    assert await after(machine, StockReserved(hold_id="h")) == {"outer": "inner"}
    assert await after(machine, CardCharged(charge_id="c")) == "left"


async def test_a_signal_is_taken_within_the_step_that_raised_it() -> None:
    machine = asking_all(order_machine())
    both = machine.parallel("both")
    stock, mail = both.state("stock"), both.state("mail")
    idle, telling = mail.state("idle"), mail.state("telling")
    restocked = machine.signal("restocked")
    machine.start(at=both)(begin)
    stock.on(StockReserved)(lambda state, reply: (state.model_copy(update={"hold_id": reply.hold_id}), restocked))

    @idle.on_signal(restocked, to=telling, when=lambda state: state.hold_id == "h1")
    def tell(state: OrderState) -> ChargeCard:
        return ChargeCard(amount_cents=len(state.hold_id or ""))

    play = Play(machine)
    await play.start()
    assert await play.reply(StockReserved(hold_id="other")) == []
    assert await play.reply(StockReserved(hold_id="h1")) == [ChargeCard(amount_cents=2)]
    assert await play.value() == {"both": {"stock": {}, "mail": "telling"}}


class Acknowledged(Payload, event_type="evt.any.acknowledged"):
    by: str


class Confirmed(Payload, event_type="evt.any.acknowledged"):
    by: str


class SendMail(Payload):
    pass


def acknowledging(emits: type[Payload]) -> Any:
    """A second service whose answers have the same event type."""
    return Contract(uri="#/services/mail.send", type="com.mail.send").version("1.0.0", accepts=SendMail, emits=emits)


reserve_too = Contract(uri="#/services/stock", type="com.stock.ask").version(
    "1.0.0", accepts=ReserveStock, emits=Acknowledged
)


@pytest.mark.parametrize("second", [Acknowledged, Confirmed], ids=["of one class", "of two classes"])
async def test_replies_of_one_event_type_are_told_apart_by_who_sent_them(
    second: Callable[..., Acknowledged | Confirmed],
) -> None:
    mail_v1 = acknowledging(Acknowledged if second is Acknowledged else Confirmed)
    machine: Machine[Any, Any, OrderState, Any, Any] = Machine(
        order_v1, state=OrderState, services=services(reserve_too, mail_v1)
    )
    here, left, right = machine.state("here"), machine.state("left"), machine.state("right")
    machine.start(at=here)(begin)
    here.enter(lambda state: [ReserveStock(sku=state.sku), SendMail()])
    here.on(Acknowledged, of=reserve_too, to=left, when=lambda _, reply: reply.by == "stock")
    here.on(mail_v1.emits[0], of=mail_v1, to=right)
    for service, reply, place in (
        (reserve_too, Acknowledged(by="stock"), "left"),
        (reserve_too, Acknowledged(by="somebody"), "here"),
        (mail_v1, second(by="stock"), "right"),
    ):
        play = Play(machine)
        await play.start()
        await play.reply(reply, of=service)
        assert await play.value() == place


class Broken(Payload, event_type="sys.com.mail.send.error"):
    why: str


async def test_a_declared_reply_of_the_type_of_a_system_error_is_no_service_error() -> None:
    mail_v1 = acknowledging(Broken)
    machine: Machine[Any, Any, OrderState, Any, Any] = Machine(order_v1, state=OrderState, services=services(mail_v1))
    here, left = machine.state("here"), machine.state("left")
    machine.start(at=here)(begin)
    here.enter(lambda _: SendMail())
    with pytest.raises(DefinitionError, match="it can take Broken"):
        here.on(ServiceError)
    here.on(Broken, to=left)
    play = Play(machine)
    await play.start()
    await play.reply(Broken(why="paper"))
    assert await play.value() == "left"
