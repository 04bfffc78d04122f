"""What the functions of a machine written in Python are called in documents and diagrams."""

# ruff: noqa: ARG001, ARG005 - what a function does with its arguments is of no interest here

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.unit.orchestration.machines import begin, order_machine
from tests.unit.orchestration.orders import CardCharged, ChargeCard, OrderState, ReserveStock

if TYPE_CHECKING:
    from collections.abc import Callable


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
