"""What a machine is doubted for: each doubt names its state, and what was meant gives none."""

# ruff: noqa: ARG001, ARG005 - what a function does with its arguments is of no interest here

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest

from arvo.contracts import ServiceError
from arvo.handlers import Emit
from arvo.orchestration import Machine, Result, Signal
from arvo.statecharts import Enqueue
from tests.unit.orchestration.machines import begin, order_machine
from tests.unit.orchestration.orders import (
    CardCharged,
    CardDeclined,
    ChargeCard,
    OrderPlaced,
    OrderState,
    ReserveStock,
    StockReserved,
    charge_v1,
    order_services,
    order_v1,
    reserve_v1,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from arvo.orchestration import ChartMachine, State
    from tests.unit.orchestration.machines import OrderMachine


def ask_all(state: OrderState) -> list[ReserveStock | ChargeCard]:
    return [ReserveStock(sku=state.sku), ChargeCard(amount_cents=state.amount_cents)]


def flawless() -> tuple[OrderMachine, State[Any, Any, Any], State[Any, Any, Any]]:
    """A machine that calls both services and takes all replies, its state, and how it ends."""
    machine = order_machine()
    asking, end = machine.state("asking"), machine.state("end")
    machine.start(at=asking)(begin)
    machine.root.enter(ask_all)
    machine.root.on_any(to=end)
    machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))
    return machine, asking, end


def doubts(machine: ChartMachine[Any, Any, Any, Any, Any]) -> list[tuple[str | int, str]]:
    return [(doubt.path[0], doubt.code) for doubt in machine.doubts]


def messages(machine: ChartMachine[Any, Any, Any, Any, Any]) -> str:
    return "\n".join(map(str, machine.doubts))


def test_a_machine_without_flaws_gives_no_doubt() -> None:
    assert doubts(flawless()[0]) == []


def test_states_and_ends_that_nothing_leads_to_are_doubted() -> None:
    machine, _, _ = flawless()
    machine.state("island").state("hut")
    machine.final(at=machine.state("never"))(lambda state: OrderPlaced(charge_id="c"))
    assert doubts(machine) == [("#order.island", "unreachable_state"), ("#order.never", "unreachable_final")]


def test_a_state_that_nothing_leads_out_of_is_doubted() -> None:
    machine = order_machine()
    asking, stuck, end = machine.state("asking"), machine.state("stuck"), machine.state("end")
    machine.start(at=asking)(begin)
    asking.enter(ask_all)
    asking.on_any(to=end)
    asking.always(to=stuck, when=lambda state: state.sku == "lead")
    machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))
    assert doubts(machine) == [("#order.stuck", "dead_end")]


def test_a_machine_that_cannot_end_is_doubted() -> None:
    machine = order_machine()
    asking = machine.state("asking")
    machine.start(at=asking)(begin)
    asking.enter(ask_all)
    asking.on_any()
    assert doubts(machine) == [("#order", "never_ends")]


def test_a_state_that_is_never_done_is_doubted() -> None:
    machine, asking, end = flawless()
    asking.state("inner")
    asking.on_done(to=end)
    assert doubts(machine) == [("#order.asking", "never_done")]


def test_a_transition_behind_one_without_a_condition_is_doubted() -> None:
    machine, asking, end = flawless()
    asking.on(StockReserved, to=end, when=lambda state: state.sku == "shoe")
    asking.on(StockReserved, to=end)
    asking.on(StockReserved)
    asking.always(to=end, when=lambda state: state.sku == "shoe")
    assert doubts(machine) == [("#order.asking", "never_tried")]
    assert "a transition on evt.stock.reserve.success is never tried" in messages(machine)


def test_a_transition_in_time_that_is_never_tried_is_doubted_in_words() -> None:
    machine, asking, end = flawless()
    asking.after(timedelta(hours=1))
    asking.after(timedelta(hours=1), to=end)
    assert doubts(machine) == [("#order.asking", "never_tried")]
    assert "a transition on after 1:00:00 is never tried" in messages(machine)


def test_time_leads_out_of_a_state_and_to_an_end() -> None:
    machine = Machine(order_v1, state=OrderState)
    sleeping, end = machine.state("sleeping"), machine.state("end")
    machine.start(at=sleeping)(begin)
    sleeping.after(timedelta(hours=1), to=end)
    machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))
    assert doubts(machine) == []


def test_a_service_called_in_time_is_called() -> None:
    machine, asking, _ = flawless()
    machine.root.drafted.blueprint.entry = ()
    machine.root.on_any(of=charge_v1)
    asking.after(timedelta(hours=1))(ask_all)
    assert doubts(machine) == []


def test_a_service_that_no_reachable_state_calls_is_doubted() -> None:
    machine = order_machine()
    asking, end = machine.state("asking"), machine.state("end")
    unreached = machine.state("unreached")
    machine.start(at=asking)(begin)
    machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))

    @asking.enter
    def ask_for_stock(state: OrderState) -> ReserveStock:
        return ReserveStock(sku=state.sku)

    @unreached.enter
    def ask_for_money(state: OrderState) -> ChargeCard:
        return ChargeCard(amount_cents=state.amount_cents)

    asking.on(StockReserved, to=end)
    asking.on(ServiceError, to=end)
    assert doubts(machine) == [("#order.unreached", "unreachable_state"), ("#order", "never_called")]
    assert "#/services/card.charge/1.0.0 is among its services, but no state that can be reached" in messages(machine)


def test_replies_of_a_called_service_that_nobody_takes_are_doubted_where_it_is_called() -> None:
    machine = order_machine()
    asking, end = machine.state("asking"), machine.state("end")
    machine.start(at=asking)(begin)
    machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))
    asking.enter(ask_all)
    asking.on(StockReserved, to=end)
    asking.on(CardCharged, to=end)
    asking.on(ServiceError, of=charge_v1, to=end)
    assert doubts(machine) == [("#order.asking", "never_taken"), ("#order.asking", "never_taken")]
    text = messages(machine)
    assert "takes the system error (sys.com.stock.reserve.error), a reply of #/services/stock.reserve/1.0.0" in text
    assert "takes CardDeclined (evt.card.charge.declined), a reply of #/services/card.charge/1.0.0, which is" in text


def test_a_reply_taken_only_in_a_state_that_cannot_be_reached_is_taken_by_nobody() -> None:
    machine = order_machine()
    asking, end, island = machine.state("asking"), machine.state("end"), machine.state("island")
    machine.start(at=asking)(begin)
    machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))
    asking.enter(ask_all)
    asking.on_any(of=reserve_v1, to=end)
    island.on_any(of=charge_v1, to=end)
    assert doubts(machine) == [("#order.island", "unreachable_state"), *[("#order.asking", "never_taken")] * 3]


def either(state: OrderState) -> Result[OrderState, ReserveStock | ChargeCard]:
    return state


ANNOTATED: list[tuple[object, bool]] = [
    (ChargeCard | ReserveStock | None, True),
    (Sequence[ChargeCard | ReserveStock | OrderState], True),
    (tuple[OrderState, ChargeCard, ReserveStock], True),
    (tuple[ChargeCard | ReserveStock, ...], True),
    (Emit[ChargeCard] | list[Emit[ReserveStock]] | Signal, True),
    (either.__annotations__["return"], True),
    ("ChargeCard | ReserveStock", True),
    (ChargeCard, False),
    (OrderState | None, False),
    (Emit[ChargeCard], False),
]


@pytest.mark.parametrize(("annotation", "calls_all"), ANNOTATED, ids=[str(each) for each, _ in ANNOTATED])
def test_what_an_action_calls_is_read_from_its_return_annotation(annotation: object, calls_all: bool) -> None:
    assert (("#order", "never_called") in doubts(returning(annotation))) is not calls_all


@pytest.mark.parametrize(
    "annotation", [Any, "NowhereDefined", "not an annotation", list, Emit, StockReserved, int, "list[int", Literal["x"]]
)
def test_where_an_annotation_tells_nothing_nothing_is_claimed_about_calls(annotation: object) -> None:
    assert doubts(returning(annotation)) == []


def returning(annotation: object) -> OrderMachine:
    """A machine whose only action has this return annotation."""
    machine = order_machine()
    asking, end = machine.state("asking"), machine.state("end")
    machine.start(at=asking)(begin)
    machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))
    asking.on_any(to=end)

    def act(state: OrderState) -> Any:
        return state

    act.__annotations__["return"] = annotation
    asking.enter(act)
    return machine


def test_without_annotations_every_service_counts_as_called() -> None:
    machine = order_machine()
    asking, end = machine.state("asking"), machine.state("end")
    machine.start(at=asking)(begin)
    machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))
    asking.enter(lambda state: ReserveStock(sku=state.sku))
    asking.on(StockReserved, to=end)
    asking.on(ServiceError, to=end)
    assert doubts(machine) == [("#order", "never_taken")] * 2
    assert "takes CardCharged" in messages(machine)


def is_shoe(state: OrderState) -> bool:
    return state.sku == "shoe"


def racing(write: Callable[[State[Any, Any, Any], State[Any, Any, Any]], object]) -> OrderMachine:
    """A machine with two regions, written by a function of both."""
    machine, asking, end = flawless()
    both = machine.parallel("both")
    one, two = both.state("one"), both.state("two")
    inner = one.state("inner")
    asking.always(to=both)
    for region in (one, two):
        region.on(CardDeclined, to=region.state("over", final=True), when=is_shoe)
    both.on_done(to=end)
    write(inner, two)
    return machine


def test_regions_that_take_the_same_reply_are_doubted() -> None:
    machine = racing(lambda inner, two: (inner.on(StockReserved), two.on(StockReserved)))
    assert doubts(machine) == [("#order.both", "race")]
    assert (
        "#order.both: its regions race for StockReserved (evt.stock.reserve.success): #order.both.one.inner and "
        "#order.both.two both take it"
    ) in messages(machine)


def test_regions_that_take_any_error_race_for_that_of_each_service() -> None:
    machine = racing(lambda inner, two: (inner.on(ServiceError), two.on(ServiceError)))
    assert doubts(machine) == [("#order.both", "race")] * 2


def test_regions_that_take_errors_of_their_own_services_do_not_race() -> None:
    machine = racing(lambda inner, two: (inner.on(ServiceError, of=reserve_v1), two.on(ServiceError, of=charge_v1)))
    assert doubts(machine) == []


def test_regions_that_tell_a_reply_apart_by_conditions_do_not_race() -> None:
    def write(inner: State[Any, Any, Any], two: State[Any, Any, Any]) -> None:
        inner.on(StockReserved, when=lambda state, reply: reply.hold_id == "one")
        two.on(StockReserved, when=lambda state, reply: reply.hold_id == "two")

    assert doubts(racing(write)) == []


def test_machines_of_documents_are_doubted_too() -> None:
    document: dict[str, Any] = {
        "id": "order",
        "initial": "asking",
        "states": {
            "asking": {
                "entry": [{"type": "enqueueArvoEvent", "params": {"type": "com.stock.reserve", "data": {"sku": "s"}}}],
                "on": {"evt.stock.reserve.success": {"target": "end", "actions": "keep"}},
            },
            "end": {"type": "final", "output": {"charge_id": "c"}},
        },
    }
    machine = Machine.from_xstate(
        order_v1, document, services=order_services, actions={"keep": lambda context, event, params: {"kept": True}}
    )
    assert doubts(machine) == [("#order", "never_called"), ("#order.asking", "never_taken")]


def test_of_what_a_document_chooses_while_it_runs_nothing_is_claimed() -> None:
    document: dict[str, Any] = {"id": "order", "type": "parallel", "entry": "ask", "states": {"one": {"on": {"*": {}}}}}
    choose = Enqueue(lambda context, event, params, queue: queue.emit(ChargeCard(amount_cents=1)))
    machine = Machine.from_xstate(order_v1, document, services=order_services, actions={"ask": choose})
    assert doubts(machine) == []


def test_calls_of_documents_are_seen_by_the_annotations_of_their_functions() -> None:
    def ask(context: dict[str, Any], event: Any, params: Any) -> ChargeCard | ReserveStock:
        return ChargeCard(amount_cents=1)

    document: dict[str, Any] = {
        "id": "order",
        "type": "parallel",
        "entry": "ask",
        "states": {"one": {"on": {"*": {}}}},
    }
    machine = Machine.from_xstate(order_v1, document, services=order_services, calls={"ask": ask})
    assert doubts(machine) == []
