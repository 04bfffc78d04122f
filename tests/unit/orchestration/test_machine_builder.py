"""A workflow written as a machine in Python: what its functions get, what becomes of what they return."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from arvo.contracts import ServiceError
from arvo.handlers import Emit
from tests.unit.orchestration.machines import Play, asking_all, begin, order_machine
from tests.unit.orchestration.orders import (
    CardCharged,
    CardDeclined,
    ChargeCard,
    OrderFailed,
    OrderPlaced,
    OrderState,
    ReserveStock,
    StockReserved,
    charge_v1,
    order_v1,
    reserve_v1,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.orchestration.machines import OrderMachine


def reserve_then_charge() -> OrderMachine:
    """Reserve, then charge, then done; a decline or a broken service fails the order."""
    machine = order_machine()
    reserving = machine.state("reserving")
    charging = machine.state("charging")
    placed = machine.state("placed")
    failed = machine.state("failed")

    machine.start(at=reserving)(begin)

    @reserving.enter
    def ask_for_stock(state: OrderState) -> ReserveStock:
        return ReserveStock(sku=state.sku)

    @reserving.on(StockReserved, to=charging)
    def keep_hold(state: OrderState, reply: StockReserved) -> OrderState:
        return state.model_copy(update={"hold_id": reply.hold_id})

    @charging.enter
    def ask_for_money(state: OrderState) -> ChargeCard:
        return ChargeCard(amount_cents=state.amount_cents)

    charging.on(CardCharged, to=placed)
    charging.on(CardDeclined, to=failed)
    machine.root.on(ServiceError, to=failed)

    @machine.final(at=placed)
    def report(state: OrderState) -> OrderPlaced:
        return OrderPlaced(charge_id=state.hold_id or "none")

    @machine.final(at=failed)
    def apologise(state: OrderState) -> OrderFailed:
        return OrderFailed(reason=f"no {state.sku}")

    return machine


async def test_a_workflow_runs_from_its_request_to_its_output() -> None:
    play = Play(reserve_then_charge())
    assert await play.start(sku="shoe", amount_cents=700) == [ReserveStock(sku="shoe")]
    assert await play.value() == "reserving"
    assert await play.reply(StockReserved(hold_id="h7")) == [ChargeCard(amount_cents=700)]
    assert await play.value() == "charging"
    assert await play.reply(CardCharged(charge_id="c")) == [OrderPlaced(charge_id="h7")]
    assert (await play.record())["status"] == "done"
    assert play.calls[-1].type == "arvo.orc.order.done"


async def test_each_final_state_reports_its_own_output() -> None:
    play = Play(reserve_then_charge())
    await play.start()
    await play.reply(StockReserved(hold_id="h"))
    assert await play.reply(CardDeclined(reason="poor")) == [OrderFailed(reason="no shoe")]
    assert play.calls[-1].type == "arvo.orc.order.failed"


@pytest.mark.parametrize("after_stock", [False, True], ids=["at once", "later"])
async def test_a_transition_of_the_root_holds_in_every_state(after_stock: bool) -> None:
    play = Play(reserve_then_charge())
    await play.start()
    if after_stock:
        await play.reply(StockReserved(hold_id="h"))
    assert await play.fail(charge_v1 if after_stock else reserve_v1) == [OrderFailed(reason="no shoe")]


async def test_the_record_keeps_the_state_as_plain_json_and_the_chart_as_a_document() -> None:
    machine = reserve_then_charge()
    play = Play(machine)
    await play.start(sku="shoe", amount_cents=700)
    record = await play.record()
    assert record["state"]["context"] == {"sku": "shoe", "amount_cents": 700, "hold_id": None}
    assert json.loads(record["machineDefinition"]) == machine.to_xstate()


async def test_an_action_may_return_state_and_calls_together_in_any_order() -> None:
    machine = order_machine()
    waiting = machine.state("waiting")
    machine.start(at=waiting)(begin)

    @waiting.enter
    def ask(state: OrderState) -> tuple[ReserveStock, OrderState, Emit[ChargeCard]]:
        changed = state.model_copy(update={"hold_id": "early"})
        return ReserveStock(sku=state.sku), changed, Emit(ChargeCard(amount_cents=1), domain="bank")

    play = Play(machine)
    assert await play.start() == [ReserveStock(sku="shoe"), ChargeCard(amount_cents=1)]
    assert [call.domain for call in play.calls] == [None, "bank"]
    assert (await play.state()).hold_id == "early"


async def test_actions_run_on_exit_on_the_way_and_on_entry_each_seeing_the_state_of_the_one_before() -> None:
    machine = order_machine()
    first = machine.state("first")
    second = machine.state("second")
    machine.start(at=first)(begin)

    def tracing(mark: str) -> Callable[..., OrderState]:
        def trace(state: OrderState, *_: object) -> OrderState:
            return state.model_copy(update={"hold_id": f"{state.hold_id or ''}{mark}"})

        return trace

    first.enter(lambda state: ReserveStock(sku=state.sku))
    first.exit(tracing("exit "))
    way = first.on(StockReserved, to=second)
    way(tracing("on "))
    way(tracing("too "))
    second.enter(tracing("enter "))
    second.enter(tracing("again"))

    play = Play(machine)
    await play.start()
    await play.reply(StockReserved(hold_id="h"))
    assert (await play.state()).hold_id == "exit on too enter again"


async def test_a_function_that_returns_nothing_changes_nothing() -> None:
    machine = asking_all(order_machine())
    only = machine.state("only")
    machine.start(at=only)(begin)
    seen: list[str] = []

    @only.on(StockReserved)
    def look(state: OrderState, reply: StockReserved) -> None:
        seen.append(f"{state.sku} {reply.hold_id}")

    play = Play(machine)
    await play.start()
    before = await play.state()
    assert await play.reply(StockReserved(hold_id="h")) == []
    assert await play.state() == before
    assert seen == ["shoe h"]


async def test_decorated_functions_stay_callable_as_they_are() -> None:
    machine = order_machine()
    only = machine.state("only")

    @machine.start(at=only)
    def start(order: Any) -> OrderState:
        return begin(order)

    @only.on(StockReserved)
    def keep(state: OrderState, reply: StockReserved) -> OrderState:
        return state.model_copy(update={"hold_id": reply.hold_id})

    state = start(order_v1.accepts(sku="s", amount_cents=1))
    assert keep(state, StockReserved(hold_id="h")) == OrderState(sku="s", amount_cents=1, hold_id="h")


async def test_a_redelivered_request_gives_the_same_calls_with_the_same_ids() -> None:
    plays = [Play(reserve_then_charge()) for _ in range(2)]
    await plays[0].start()
    plays[1].calls = await plays[1].workflow.execute(plays[0].request)
    assert [call.id for call in plays[0].calls] == [call.id for call in plays[1].calls]
