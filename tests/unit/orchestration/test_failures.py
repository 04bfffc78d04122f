"""What is left behind when a step goes wrong: nothing after a violation, a failed workflow after anything else."""

from __future__ import annotations

import asyncio
import logging

import pytest

from arvo.contracts import ServiceError
from arvo.errors import BackendError, ContractViolation, ExecutionViolation, TransactionViolation, Violation
from arvo.handlers import Emit
from arvo.orchestration import Done, Ignored, Outcome, Wait
from tests.unit.orchestration.memories import FaultyMemory
from tests.unit.orchestration.orders import (
    ChargeCard,
    OrderAnswer,
    OrderPlaced,
    OrderState,
    OrderTurn,
    PlaceOrder,
    ReserveStock,
    StockReserved,
    advance,
    bound,
    record_of,
    request,
    reserved,
)


class Unavailable(Violation):
    kind = "Unavailable"


async def breaks_on_reply(turn: OrderTurn) -> OrderAnswer:
    if isinstance(turn.event.data, PlaceOrder):
        return await advance(turn)
    raise LookupError("shelf 7")


async def test_an_exception_ends_the_workflow_with_a_system_error_for_its_initiator() -> None:
    workflow = bound(breaks_on_reply, execution_units=2)
    start = request(redirectto="com.audit.log", accesscontrol="role:shopper")
    (call,) = await workflow.execute(start)
    (error,) = await workflow.execute(reserved(call))
    assert (error.type, error.dataschema) == ("sys.arvo.orc.order.error", "#/orchestrators/order/0.0.0")
    assert (error.to, error.subject, error.parentid) == ("com.web.shop", start.subject, start.id)
    assert (error.source, error.redirectto, error.executionunits) == ("arvo.orc.order", None, 2)
    assert error.accesscontrol == "role:shopper"
    assert isinstance(error.data, ServiceError)
    assert (error.data.error_name, error.data.error_message) == ("LookupError", "shelf 7")


async def test_the_record_of_a_failed_workflow_keeps_what_was_known_and_names_the_error() -> None:
    workflow = bound(breaks_on_reply)
    start = request()
    (call,) = await workflow.execute(start)
    before = await record_of(workflow, start)
    await workflow.execute(reserved(call))
    after = dict(await record_of(workflow, start))
    error = after.pop("error")
    assert (error["name"], error["message"]) == ("LookupError", "shelf 7")
    assert "breaks_on_reply" in error["stack"]
    assert after == {**before, "executionStatus": "failure"}


async def test_a_workflow_that_fails_at_once_leaves_its_error() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        raise LookupError("shelf 7")

    workflow = bound(function)
    start = request()
    (error,) = await workflow.execute(start)
    assert error.parentid == start.id
    record = await record_of(workflow, start)
    assert set(record) == {"executionStatus", "subject", "error"}
    assert (record["executionStatus"], record["subject"]) == ("failure", start.subject)


async def test_a_failed_workflow_ignores_all_further_events() -> None:
    workflow = bound(breaks_on_reply)
    start = request()
    (call,) = await workflow.execute(start)
    await workflow.execute(reserved(call))
    assert await workflow.run(reserved(call)) == Outcome(ignored=Ignored.FAILED)
    assert await workflow.run(start) == Outcome(ignored=Ignored.FAILED)


async def test_a_failure_that_cannot_be_saved_is_raised_and_tried_again() -> None:
    memory = FaultyMemory()
    workflow = bound(breaks_on_reply, memory=memory)
    (call,) = await workflow.execute(request())
    memory.broken = {"write"}
    with pytest.raises(TransactionViolation) as caught:
        await workflow.execute(reserved(call))
    assert caught.value.cause == "WRITE_FAILURE"
    assert "LookupError('shelf 7')" in "".join(caught.value.__notes__)
    memory.broken = set()
    (error,) = await workflow.execute(reserved(call))
    assert error.type == "sys.arvo.orc.order.error"


@pytest.mark.parametrize(
    "violation",
    [ExecutionViolation("later"), ContractViolation("later"), Unavailable("later"), BackendError("later")],
    ids=lambda violation: type(violation).__name__,
)
async def test_a_violation_is_raised_and_leaves_everything_as_it_was(violation: Exception) -> None:
    async def function(turn: OrderTurn) -> OrderAnswer:
        if isinstance(turn.event.data, StockReserved):
            raise violation
        return await advance(turn)

    memory = FaultyMemory()
    workflow = bound(function, memory=memory)
    (call,) = await workflow.execute(request())
    before = await record_of(workflow, call)
    memory.operations.clear()
    with pytest.raises(type(violation)) as caught:
        await workflow.execute(reserved(call))
    assert caught.value is violation
    assert memory.operations == ["lock", "read", "unlock"]
    assert await record_of(workflow, call) == before


async def test_a_violation_within_a_group_speaks_for_the_group() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        raise ExceptionGroup("two things", [ValueError("x"), ExecutionViolation("later")])

    with pytest.raises(ExecutionViolation, match="later"):
        await bound(function).execute(request())


async def test_an_output_that_cannot_be_built_is_a_contract_violation() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Done(OrderPlaced.model_validate({"charge_id": 7}))

    with pytest.raises(ContractViolation) as caught:
        await bound(function).execute(request())
    assert [issue.path for issue in caught.value.issues] == [("charge_id",)]


async def test_a_call_that_cannot_be_built_is_a_contract_violation() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Wait(calls=[ChargeCard.model_validate({"amount_cents": "many"})])

    with pytest.raises(ContractViolation) as caught:
        await bound(function).execute(request())
    assert [issue.path for issue in caught.value.issues] == [("amount_cents",)]


async def test_a_call_of_a_stranger_is_a_contract_violation() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Wait(calls=[OrderPlaced(charge_id="c")])  # type: ignore[list-item]  # pyright: ignore[reportReturnType]

    with pytest.raises(ContractViolation, match=r"called OrderPlaced.*they accept ReserveStock, ChargeCard"):
        await bound(function).execute(request())


async def test_calls_that_are_no_payloads_are_a_contract_violation() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Wait(calls=ReserveStock(sku="x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    with pytest.raises(ContractViolation, match=r"\('sku', 'x'\), which is not a payload"):
        await bound(function).execute(request())


async def test_an_output_of_another_contract_is_a_contract_violation() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Done(ReserveStock(sku="x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    with pytest.raises(ContractViolation, match=r"ended with ReserveStock.*end with OrderPlaced, OrderFailed"):
        await bound(function).execute(request())


async def test_a_function_that_returns_something_else_is_a_contract_violation() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return None  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    with pytest.raises(ContractViolation, match=r"returned None.*Wait\(state, calls\).*Done\(output\)"):
        await bound(function).execute(request())


async def test_a_bad_directive_of_an_emit_is_a_contract_violation() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Wait(calls=[Emit(ReserveStock(sku="x"), domain="NOT A DOMAIN")])

    with pytest.raises(ContractViolation):
        await bound(function).execute(request())


async def test_cancellation_goes_through_and_gives_the_lock_back() -> None:
    entered, memory = asyncio.Event(), FaultyMemory()

    async def function(_: OrderTurn) -> OrderAnswer:
        entered.set()
        await asyncio.sleep(60)
        raise AssertionError("not cancelled")

    task = asyncio.create_task(bound(function, memory=memory).execute(request()))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert memory.operations == ["lock", "read", "unlock"]


async def test_a_failure_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    workflow = bound(breaks_on_reply)
    (call,) = await workflow.execute(request())
    reply = reserved(call)
    with caplog.at_level(logging.WARNING, "arvo.orchestration"):
        await workflow.execute(reply)
    (record,) = caplog.records
    assert reply.id in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


async def test_the_state_of_a_violating_turn_is_not_kept() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Wait(OrderState(sku="new", amount_cents=1), [OrderPlaced(charge_id="c")])  # type: ignore[list-item]  # pyright: ignore[reportReturnType]

    workflow = bound(function)
    start = request()
    with pytest.raises(ContractViolation):
        await workflow.execute(start)
    assert await workflow.memory.read(start.subject) is None
