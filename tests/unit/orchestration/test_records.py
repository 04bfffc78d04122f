"""The record in the layout of the TypeScript system: what is written, and that its records are gone on from here."""

from __future__ import annotations

from typing import Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.errors import ContractViolation
from arvo.orchestration import Done, Ignored, Outcome, Wait
from tests.unit.orchestration.orders import (
    OrderAnswer,
    OrderPlaced,
    OrderTurn,
    PlaceOrder,
    ReserveStock,
    StockReserved,
    bound,
    charged,
    record_of,
    request,
    reserved,
)


async def test_the_record_of_a_waiting_workflow() -> None:
    workflow = bound()
    start = request()
    (call,) = await workflow.execute(start)
    assert await record_of(workflow, start) == {
        "executionStatus": "normal",
        "status": "active",
        "initEventId": start.id,
        "parentSubject": None,
        "subject": start.subject,
        "events": {"consumed": start.to_dict(), "expected": {call.id: []}, "produced": [call.to_dict()]},
        "state$$": {"sku": "shoe", "amount_cents": 500, "hold_id": None},
    }


async def test_replies_are_filed_under_their_call() -> None:
    workflow = bound()
    (reserve,) = await workflow.execute(request())
    reply = reserved(reserve)
    (charge,) = await workflow.execute(reply)
    events = (await record_of(workflow, reserve))["events"]
    assert events["consumed"] == reply.to_dict()
    assert events["expected"] == {reserve.id: [reply.to_dict()], charge.id: []}
    assert events["produced"] == [charge.to_dict()]


async def test_the_record_of_a_workflow_that_is_done() -> None:
    workflow = bound()
    (reserve,) = await workflow.execute(request())
    (charge,) = await workflow.execute(reserved(reserve))
    (done,) = await workflow.execute(charged(charge))
    record = await record_of(workflow, reserve)
    assert (record["executionStatus"], record["status"]) == ("normal", "done")
    assert record["events"]["produced"] == [done.to_dict()]
    assert done.id in record["events"]["expected"]


async def test_events_are_kept_as_they_came() -> None:
    """Also what the contract does not know of: the next reader may be of a newer version."""
    workflow = bound()
    start = request()
    raw = start.with_data({"parentSubject$$": None, "sku": "x", "amount_cents": 1, "gift": True})
    (call,) = await workflow.execute(raw)
    reply = reserved(call).with_data({"hold_id": "h", "shelf": 7})
    await workflow.execute(reply)
    events = (await record_of(workflow, start))["events"]
    assert events["consumed"]["data"] == {"hold_id": "h", "shelf": 7}


async def test_a_record_of_the_typescript_system_is_gone_on_from() -> None:
    start = request()
    memory = InMemoryMachineMemory()
    (call,) = await bound().execute(start)
    recorded: dict[str, Any] = {
        "executionStatus": "normal",
        "status": "active",
        "initEventId": start.id,
        "parentSubject": None,
        "subject": start.subject,
        "events": {"consumed": start.to_dict(), "expected": {call.id: []}, "produced": [call.to_dict()]},
        "state$$": {"sku": "boot", "amount_cents": 250},
    }
    await memory.write(start.subject, recorded, None)
    workflow = bound(memory=memory)
    (charge,) = await workflow.execute(reserved(call))
    assert charge.data.amount_cents == 250
    (done,) = await workflow.execute(charged(charge))
    assert done.data == OrderPlaced(charge_id="c1")


async def test_a_failure_of_the_typescript_system_is_respected() -> None:
    start, memory = request(), InMemoryMachineMemory()
    await memory.write(start.subject, {"executionStatus": "failure", "subject": start.subject, "error": {}}, None)
    assert await bound(memory=memory).run(start) == Outcome(ignored=Ignored.FAILED)


async def test_a_workflow_that_never_called_anybody_expects_nothing() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Wait()

    workflow = bound(function)
    start = request()
    assert await workflow.execute(start) == []
    record = await record_of(workflow, start)
    assert (record["events"]["expected"], record["events"]["produced"], record["state$$"]) == (None, [], None)


async def test_a_collected_reply_that_no_longer_fits_its_contract_is_a_contract_violation() -> None:
    async def function(turn: OrderTurn) -> OrderAnswer:
        if isinstance(turn.event.data, PlaceOrder):
            return Wait(calls=[ReserveStock(sku="a"), ReserveStock(sku="b")])
        return Done(OrderPlaced(charge_id=turn.replies(StockReserved)[0].data.hold_id))

    workflow = bound(function)
    first, second = await workflow.execute(request())
    stored = await record_of(workflow, first)
    expected = {first.id: [reserved(first).with_data({"hold": 1}).to_dict()], second.id: []}
    changed = {**stored, "events": {**stored["events"], "expected": expected}}
    await workflow.memory.write(first.subject, changed, stored)
    with pytest.raises(ContractViolation) as caught:
        await workflow.execute(reserved(second))
    assert [issue.path for issue in caught.value.issues] == [("hold_id",)]
    assert await record_of(workflow, first) == changed
