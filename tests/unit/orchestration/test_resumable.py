"""A workflow from its request to its output: what the function sees, what goes out and where to."""

from __future__ import annotations

from typing import Any

from arvo.events import Subject
from arvo.handlers import Emit
from arvo.orchestration import Done, Ignored, Outcome, Wait
from tests.unit.orchestration.orders import (
    CardDeclined,
    ChargeCard,
    OrderAnswer,
    OrderFailed,
    OrderPlaced,
    OrderState,
    OrderTurn,
    PlaceOrder,
    ReserveStock,
    advance,
    bound,
    charge_v1,
    charged,
    order,
    record_of,
    request,
    reserve_v1,
    reserved,
)


async def test_a_workflow_runs_from_request_to_output() -> None:
    workflow = bound()
    (reserve,) = await workflow.execute(request(sku="shoe", amount_cents=500))
    assert reserve.data == ReserveStock(sku="shoe")
    (charge,) = await workflow.execute(reserved(reserve))
    assert charge.data == ChargeCard(amount_cents=500)
    (done,) = await workflow.execute(charged(charge, "c-7"))
    assert done.data == OrderPlaced(charge_id="c-7")
    assert done.type == "arvo.orc.order.done"


async def test_a_workflow_may_end_with_any_declared_output() -> None:
    workflow = bound()
    (reserve,) = await workflow.execute(request())
    (charge,) = await workflow.execute(reserved(reserve))
    (failed,) = await workflow.execute(charge_v1.reply(CardDeclined(reason="limit"), to=charge))
    assert (failed.type, failed.data) == ("arvo.orc.order.failed", OrderFailed(reason="limit"))


async def test_a_system_error_of_a_service_reaches_the_function() -> None:
    workflow = bound()
    (reserve,) = await workflow.execute(request())
    (failed,) = await workflow.execute(reserve_v1.system_error(OSError("no shelf"), to=reserve))
    assert failed.data == OrderFailed(reason="no shelf")


async def test_a_call_asks_the_service_to_answer_to_the_workflow() -> None:
    start = request(accesscontrol="role:shopper")
    (call,) = await bound(execution_units=3).execute(start)
    assert (call.type, call.to, call.dataschema) == (
        "com.stock.reserve",
        "com.stock.reserve",
        "#/services/stock.reserve/1.0.0",
    )
    assert (call.source, call.redirectto) == ("arvo.orc.order", "arvo.orc.order")
    assert (call.subject, call.parentid) == (start.subject, start.id)
    assert (call.accesscontrol, call.executionunits, call.domain) == ("role:shopper", 3, None)


async def test_a_later_call_descends_from_the_reply_that_led_to_it() -> None:
    workflow = bound()
    (reserve,) = await workflow.execute(request())
    reply = reserved(reserve)
    (charge,) = await workflow.execute(reply)
    assert charge.parentid == reply.id


async def test_the_output_goes_to_the_initiator_and_descends_from_the_request() -> None:
    workflow = bound()
    start = request(source="com.web.shop")
    (reserve,) = await workflow.execute(start)
    (charge,) = await workflow.execute(reserved(reserve))
    (done,) = await workflow.execute(charged(charge))
    assert (done.to, done.subject, done.parentid) == ("com.web.shop", start.subject, start.id)
    assert (done.redirectto, done.dataschema) == (None, "#/orchestrators/order/1.0.0")


async def test_the_output_goes_where_the_request_redirected_it() -> None:
    workflow = bound(_done_at_once)
    (done,) = await workflow.execute(request(redirectto="com.audit.log"))
    assert done.to == "com.audit.log"


async def test_an_emit_directs_a_call_and_the_output() -> None:
    async def function(turn: OrderTurn) -> OrderAnswer:
        if isinstance(turn.event.data, PlaceOrder):
            return Wait(calls=[Emit(ReserveStock(sku="x"), to="com.other.stock", execution_units=9, id="call-1")])
        return Done(Emit(OrderPlaced(charge_id="c"), to="com.third.party", extensions={"tag": "t"}, domain="audit"))

    workflow = bound(function)
    (call,) = await workflow.execute(request())
    assert (call.id, call.to, call.executionunits) == ("call-1", "com.other.stock", 9)
    (done,) = await workflow.execute(reserved(call))
    assert (done.to, done.domain, dict(done.extensions)) == ("com.third.party", "audit", {"tag": "t"})


async def test_one_call_may_go_to_several_domains() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Wait(calls=[Emit(ReserveStock(sku="x"), domain=(None, "mirror")), ChargeCard(amount_cents=1)])

    events = await bound(function).execute(request())
    assert [(event.type, event.domain) for event in events] == [
        ("com.stock.reserve", None),
        ("com.stock.reserve", "mirror"),
        ("com.card.charge", None),
    ]
    assert len({event.id for event in events}) == 3


async def test_default_domains_are_the_definitions() -> None:
    async def function(turn: OrderTurn) -> OrderAnswer:
        if isinstance(turn.event.data, PlaceOrder) and turn.event.data.sku == "break":
            raise RuntimeError("broken")
        return Done(OrderPlaced(charge_id="c"), calls=[ReserveStock(sku="x")])

    settings: dict[str, Any] = {"call_domains": "stock", "domains": ("orders", None), "error_domains": "alerts"}
    events = await bound(function, **settings).execute(request())
    assert [(event.type, event.domain) for event in events] == [
        ("com.stock.reserve", "stock"),
        ("arvo.orc.order.done", "orders"),
        ("arvo.orc.order.done", None),
    ]
    (error,) = await bound(function, **settings).execute(request(sku="break"))
    assert (error.type, error.domain) == ("sys.arvo.orc.order.error", "alerts")


async def test_the_function_sees_the_execution_it_works_for() -> None:
    turns: list[OrderTurn] = []

    async def function(turn: OrderTurn) -> OrderAnswer:
        turns.append(turn)
        return await advance(turn)

    workflow = bound(function)
    start = request()
    (reserve,) = await workflow.execute(start)
    reply = reserved(reserve)
    await workflow.execute(reply)
    first, second = turns
    assert (first.state, first.init_event_id, first.parent_subject) == (None, start.id, None)
    assert (first.source, first.version, first.idempotency_key) == ("arvo.orc.order", "1.0.0", start.id)
    assert first.subject == Subject.parse(start.subject)
    assert second.state == OrderState(sku="shoe", amount_cents=500)
    assert (second.init_event_id, second.event.id) == (start.id, reply.id)


async def test_waiting_without_a_state_keeps_the_state() -> None:
    async def function(turn: OrderTurn) -> OrderAnswer:
        if turn.state is None:
            return Wait(OrderState(sku="kept", amount_cents=1), [ReserveStock(sku="x")])
        return Wait()

    workflow = bound(function)
    start = request()
    (call,) = await workflow.execute(start)
    assert await workflow.execute(reserved(call)) == []
    assert (await record_of(workflow, start))["state$$"] == {"sku": "kept", "amount_cents": 1, "hold_id": None}


async def test_the_end_may_keep_a_state_and_send_calls_that_nobody_waits_for() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Done(
            OrderPlaced(charge_id="c"),
            OrderState(sku="last", amount_cents=2),
            [ReserveStock(sku="a"), ReserveStock(sku="b")],
        )

    workflow = bound(function)
    start = request()
    events = await workflow.execute(start)
    assert [event.type for event in events] == ["com.stock.reserve", "com.stock.reserve", "arvo.orc.order.done"]
    record = await record_of(workflow, start)
    assert (record["status"], record["state$$"]["sku"]) == ("done", "last")
    assert await workflow.run(reserved(events[0])) == Outcome(ignored=Ignored.ENDED)


async def test_executions_do_not_share_state() -> None:
    workflow = bound()
    (first,) = await workflow.execute(request(sku="a", amount_cents=1))
    (second,) = await workflow.execute(request(sku="b", amount_cents=2))
    (charge_second,) = await workflow.execute(reserved(second))
    (charge_first,) = await workflow.execute(reserved(first))
    assert [charge_first.data, charge_second.data] == [ChargeCard(amount_cents=1), ChargeCard(amount_cents=2)]


def test_a_bound_workflow_tells_what_an_app_needs_to_know() -> None:
    workflow = bound()
    assert workflow.source == "arvo.orc.order"
    assert workflow.domain is None
    assert [version.dataschema for version in workflow.implements] == ["#/orchestrators/order/1.0.0"]
    assert workflow.calls == (reserve_v1, charge_v1)
    assert workflow.workflow.contract is order
    assert repr(workflow) == "Resumable for 'arvo.orc.order', bound to InMemoryMachineMemory"
    workflow.check()


async def test_the_function_can_be_called_without_a_workflow() -> None:
    turn: OrderTurn = OrderTurn(event=request(), source="arvo.orc.order")
    assert await advance(turn) == Wait(OrderState(sku="shoe", amount_cents=500), [ReserveStock(sku="shoe")])
    assert turn.replies(CardDeclined) == []


async def _done_at_once(_: OrderTurn) -> OrderAnswer:
    return Done(OrderPlaced(charge_id="c"))
