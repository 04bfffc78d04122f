"""States within states, side by side, left and come back to: the structure of a machine written in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arvo.contracts import ServiceError
from arvo.orchestration import Machine
from tests.unit.orchestration.machines import Play, asking_all, begin, order_machine
from tests.unit.orchestration.orders import (
    CardCharged,
    CardDeclined,
    OrderFailed,
    OrderPlaced,
    OrderState,
    StockReserved,
    order_v1,
    reserve_v1,
)

if TYPE_CHECKING:
    from tests.unit.orchestration.machines import OrderMachine


def report(state: OrderState) -> OrderPlaced:
    return OrderPlaced(charge_id=state.hold_id or "none")


def mark(text: str, state: OrderState) -> OrderState:
    return state.model_copy(update={"hold_id": f"{state.hold_id or ''}{text}"})


async def test_a_state_starts_in_its_first_state() -> None:
    machine = asking_all(order_machine())
    outer = machine.state("outer")
    outer.state("first").state("innermost")
    outer.state("second")
    machine.start(at=outer)(begin)
    play = Play(machine)
    await play.start()
    assert await play.value() == {"outer": {"first": "innermost"}}


async def test_a_state_can_start_elsewhere_and_do_something_on_the_way() -> None:
    machine = asking_all(order_machine())
    outer = machine.state("outer")
    first = outer.state("first")
    second = outer.state("second")
    first.enter(lambda state: mark("first", state))
    outer.start(at=second)(lambda state: mark("on the way, ", state))
    second.enter(lambda state: mark("second", state))
    machine.start(at=outer)(begin)
    play = Play(machine)
    await play.start()
    assert await play.value() == {"outer": "second"}
    assert (await play.state()).hold_id == "on the way, second"


def shipped_and_charged() -> OrderMachine:
    """Both services at once; done when both answered well."""
    machine = asking_all(order_machine())
    buying = machine.parallel("buying")
    stock = buying.state("stock")
    held = stock.state("held", final=True)
    stock.start(at=stock.state("asked"))
    money = buying.state("money")
    asked = money.state("asked")
    paid = money.state("paid", final=True)
    placed = machine.state("placed")
    machine.start(at=buying)(begin)
    stock.on(StockReserved, to=held)(lambda state, reply: mark(reply.hold_id, state))
    asked.on(CardCharged, to=paid)(lambda state, reply: mark(reply.charge_id, state))
    buying.on_done(to=placed)(lambda state: mark("!", state))
    machine.final(at=placed)(report)
    return machine


@pytest.mark.parametrize("stock_first", [True, False])
async def test_parallel_states_are_active_together_and_done_when_all_are(stock_first: bool) -> None:
    play = Play(shipped_and_charged())
    await play.start()
    assert await play.value() == {"buying": {"stock": "asked", "money": "asked"}}
    replies = [StockReserved(hold_id="h"), CardCharged(charge_id="c")]
    first, second = replies if stock_first else reversed(replies)
    assert await play.reply(first) == []
    assert await play.reply(second) == [OrderPlaced(charge_id="hc!" if stock_first else "ch!")]


async def test_a_nested_state_is_done_by_its_own_final_state() -> None:
    machine = asking_all(order_machine())
    outer = machine.state("outer")
    inner = outer.state("inner")
    over = outer.state("over", final=True)
    after = machine.state("after")
    machine.start(at=outer)(begin)
    inner.on(StockReserved, to=over)
    outer.on_done(to=after)
    play = Play(machine)
    await play.start()
    await play.reply(StockReserved(hold_id="h"))
    assert await play.value() == "after"


@pytest.mark.parametrize(("deep", "back_in"), [(False, {"work": {"b": "b1"}}), (True, {"work": {"b": "b2"}})])
async def test_history_leads_back_to_where_a_state_was_left(deep: bool, back_in: object) -> None:
    machine = asking_all(order_machine())
    work = machine.state("work")
    a = work.state("a")
    b = work.state("b")
    b.state("b1").on(StockReserved, to=(b2 := b.state("b2")))
    a.on(StockReserved, to=b)
    pause = machine.state("pause")
    work.on(CardDeclined, to=pause)
    pause.on(CardCharged, to=work.history(deep=deep))
    machine.start(at=work)(begin)
    play = Play(machine)
    await play.start()
    await play.reply(StockReserved(hold_id="h"))
    await play.reply(StockReserved(hold_id="h2"))
    assert await play.value() == {"work": {"b": b2.name}}
    await play.reply(CardDeclined(reason="r"))
    assert await play.value() == "pause"
    await play.reply(CardCharged(charge_id="c"))
    assert await play.value() == back_in


async def test_history_of_a_state_that_was_never_left_leads_to_its_default() -> None:
    machine = asking_all(order_machine())
    outside = machine.state("outside")
    work = machine.state("work")
    work.state("usual")
    special = work.state("special")
    outside.on(CardCharged, to=work.history(default=special))
    machine.start(at=outside)(begin)
    play = Play(machine)
    await play.start()
    await play.reply(CardCharged(charge_id="c"))
    assert await play.value() == {"work": "special"}


@pytest.mark.parametrize(("reenter", "trace"), [(False, "in "), (True, "in out in ")])
async def test_a_transition_to_its_own_state_enters_it_again_only_when_told(reenter: bool, trace: str) -> None:
    machine = asking_all(order_machine())
    only = machine.state("only")
    only.enter(lambda state: mark("in ", state))
    only.exit(lambda state: mark("out ", state))
    only.on(StockReserved, to=only, reenter=reenter)
    machine.start(at=only)(begin)
    play = Play(machine)
    await play.start()
    await play.reply(StockReserved(hold_id="h"))
    assert (await play.state()).hold_id == trace


async def test_a_transition_without_a_target_leaves_inner_states_where_they_are() -> None:
    machine = asking_all(order_machine())
    outer = machine.state("outer")
    outer.state("first").on(StockReserved, to=outer.state("second"))
    outer.on(CardCharged)(lambda state, reply: mark(reply.charge_id, state))
    machine.start(at=outer)(begin)
    play = Play(machine)
    await play.start()
    await play.reply(StockReserved(hold_id="h"))
    await play.reply(CardCharged(charge_id="c"))
    assert await play.value() == {"outer": "second"}
    assert (await play.state()).hold_id == "c"


async def test_a_transition_can_lead_into_several_parallel_states() -> None:
    machine = asking_all(order_machine())
    outside = machine.state("outside")
    both = machine.parallel("both")
    left, right = both.state("left"), both.state("right")
    left.state("left first")
    right.state("right first")
    targets = [left.state("left second"), right.state("right second")]
    outside.on(StockReserved, to=targets)
    machine.start(at=outside)(begin)
    play = Play(machine)
    await play.start()
    await play.reply(StockReserved(hold_id="h"))
    assert await play.value() == {"both": {"left": "left second", "right": "right second"}}


async def test_a_machine_without_services_ends_with_the_first_step() -> None:
    machine = Machine(order_v1, state=OrderState)
    choosing = machine.state("choosing")
    cheap = machine.state("cheap")
    dear = machine.state("dear")
    machine.start(at=choosing)(begin)
    choosing.always(to=dear, when=lambda state: state.amount_cents > 1000)
    choosing.always(to=cheap)
    machine.final(at=cheap)(report)
    machine.final(at=dear)(lambda state: OrderFailed(reason=f"{state.amount_cents} is too much"))
    assert await Play(machine).start(amount_cents=1001) == [OrderFailed(reason="1001 is too much")]
    assert await Play(machine).start(amount_cents=1000) == [OrderPlaced(charge_id="none")]


async def test_inner_states_take_a_reply_before_those_around_them() -> None:
    machine = asking_all(order_machine())
    outer = machine.state("outer")
    inner = outer.state("inner")
    outer.on(ServiceError)(lambda state, error: mark(f"outer {error.error_name}", state))
    inner.on(ServiceError)(lambda state, error: mark(f"inner {error.error_name}", state))
    machine.start(at=outer)(begin)
    play = Play(machine)
    await play.start()
    await play.fail(reserve_v1)
    assert (await play.state()).hold_id == "inner RuntimeError"


def test_tags_and_names_are_those_that_were_given() -> None:
    machine = asking_all(order_machine())
    waiting = machine.state("waiting for mara", tags=["slow", "human"])
    machine.start(at=waiting)(begin)
    assert waiting.name == "waiting for mara"
    assert repr(waiting) == "<state 'waiting for mara' of the machine for #/orchestrators/order/1.0.0>"
    assert machine.to_xstate()["states"]["waiting for mara"]["tags"] == ["slow", "human"]
    assert machine.definition.find("waiting for mara").all_tags == {"slow", "human"}


def test_one_tag_needs_no_list() -> None:
    machine = asking_all(order_machine())
    machine.start(at=machine.state("only", tags="slow"))(begin)
    assert machine.to_xstate()["states"]["only"]["tags"] == ["slow"]
