"""A machine in Python as a document and as a diagram: how its functions are called, and that both tell the truth."""

# ruff: noqa: ARG001, ARG005 - what a function does with its arguments is of no interest here

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from arvo.orchestration import Signal, any_of, not_
from arvo.statecharts import from_xstate, to_xstate, transition
from tests.unit.orchestration.machines import asking_all, begin, order_machine
from tests.unit.orchestration.orders import (
    CardCharged,
    CardDeclined,
    ChargeCard,
    OrderPlaced,
    OrderState,
    ReserveStock,
    StockReserved,
    order_services,
    request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from arvo.contracts import Payload
    from tests.unit.orchestration.machines import OrderMachine


def is_cheap(state: OrderState) -> bool:
    return state.amount_cents < 100


def test_functions_go_by_their_names_and_those_without_by_their_place() -> None:
    machine = order_machine()
    outer = machine.state("outer")
    inner = outer.state("inner")
    machine.start(at=outer)(begin)

    def ask(state: OrderState) -> ReserveStock:
        return ReserveStock(sku=state.sku)

    def same_name() -> Callable[[OrderState], ChargeCard]:
        def ask(state: OrderState) -> ChargeCard:
            return ChargeCard(amount_cents=state.amount_cents)

        return ask

    inner.enter(ask)
    inner.exit(ask)
    inner.enter(same_name())
    inner.enter(lambda state: None)
    inner.exit(partial(print, file=None))
    inner.on(CardCharged, when=lambda state: True)(lambda state, reply: None)
    inner.on(CardCharged, when=lambda state: False)
    document = machine.to_xstate()["states"]["outer"]["states"]["inner"]
    assert document["entry"] == ["ask", "ask_2", "outer.inner.enter"]
    assert document["exit"] == ["ask", "outer.inner.exit"]
    assert document["on"]["evt.card.charge.success"] == [
        {"guard": "outer.inner.CardCharged", "actions": ["outer.inner.CardCharged"]},
        {"guard": "outer.inner.CardCharged_2"},
    ]


def test_a_guard_named_like_a_built_in_one_is_renamed() -> None:
    machine = order_machine()
    only = machine.state("only")
    machine.start(at=only)(begin)

    def stateIn(state: OrderState) -> bool:  # noqa: N802 - XState's name
        return True

    only.always(when=stateIn)
    assert machine.to_xstate()["states"]["only"]["always"] == [{"guard": "stateIn_2"}]


def shopping() -> OrderMachine:
    """A machine with something of everything."""
    machine = asking_all(order_machine())
    work, pause, end = machine.state("work", tags=["busy"]), machine.state("pause"), machine.state("end")
    both = work.parallel("both")
    stock, money = both.state("stock"), both.state("money")
    asked, held = stock.state("asked"), stock.state("held", final=True)
    unpaid, paid = money.state("unpaid"), money.state("paid", final=True)
    rung = machine.signal("rung")
    machine.start(at=work)(begin)

    @asked.on(StockReserved, to=held, when=not_(pause.active))
    def keep_hold(state: OrderState, reply: StockReserved) -> tuple[OrderState, Signal]:
        return state.model_copy(update={"hold_id": reply.hold_id}), rung

    unpaid.on_signal(rung)(lambda state: ChargeCard(amount_cents=1))
    unpaid.on(CardCharged, to=paid, when=any_of(is_cheap, held.active))
    work.on(CardDeclined, to=pause)
    pause.on_any(to=work.history(deep=True))
    both.on_done(to=end)
    machine.final(at=end)(lambda state: OrderPlaced(charge_id=state.hold_id or ""))
    return machine


REPLIES: list[Payload] = [StockReserved(hold_id="h"), CardCharged(charge_id="c"), CardDeclined(reason="r")]


@given(st.lists(st.sampled_from(REPLIES)), st.integers(0, 200))
def test_a_machine_and_its_document_take_the_same_steps_and_change_nothing_that_was_before(
    replies: list[Payload], amount_cents: int
) -> None:
    written = shopping().definition
    read = from_xstate(
        to_xstate(written),
        guards=written.guards,
        actions=written.effects,
        context=written.context if callable(written.context) else None,
    )
    assert to_xstate(read) == to_xstate(written)
    started = request(amount_cents=amount_cents)
    steps = [transition(chart, None, started) for chart in (written, read)]
    for reply in replies:
        service = next(version for version in order_services.versions if type(reply) in version.emits)
        event = service.reply(reply, to=started)
        before = deepcopy(steps[0].snapshot)
        following = [
            transition(chart, step.snapshot, event) for chart, step in zip((written, read), steps, strict=True)
        ]
        assert steps[0].snapshot == before
        steps = following
        assert steps[0].emitted == steps[1].emitted
        assert [steps[0].snapshot[key] for key in ("value", "status", "context", "historyValue")] == [
            steps[1].snapshot[key] for key in ("value", "status", "context", "historyValue")
        ]


def test_a_diagram_names_functions_and_marks_what_is_active() -> None:
    machine = shopping()
    drawn = machine.to_mermaid({"value": "pause"})
    assert "evt.stock.reserve.success [not in #order.pause] / keep_hold" in drawn.replace("#35;", "#")
    assert "evt.card.charge.success [is_cheap or in #order.work.both.stock.held]" in drawn.replace("#35;", "#")
    assert f"class s{machine.definition.find('pause').index} active" in drawn
