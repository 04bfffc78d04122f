"""Records of statechart workflows: the layout of the TypeScript system, and what tells a redelivered event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.orchestration import Ignored
from arvo.orchestration.record import MAX_REMEMBERED
from tests.unit.orchestration.documents import ORDER, AnyMachine, document_machine, one_state, orchestrated, returning
from tests.unit.orchestration.orders import (
    OrderPlaced,
    ReserveStock,
    charge_v1,
    charged,
    record_of,
    request,
    reserve_v1,
    reserved,
)

if TYPE_CHECKING:
    from arvo.events import Event


async def test_the_record_of_a_waiting_workflow() -> None:
    workflow, start = orchestrated(), request(sku="boot", amount_cents=250)
    (call,) = await workflow.execute(start)
    record = dict(await record_of(workflow, start))
    assert json.loads(record.pop("machineDefinition")) == ORDER
    assert record == {
        "executionStatus": "normal",
        "status": "active",
        "initEventId": start.id,
        "parentSubject": None,
        "subject": start.subject,
        "value": "reserving",
        "state": {
            "status": "active",
            "value": "reserving",
            "historyValue": {},
            "context": {"sku": "boot", "amount": 250},
            "children": {},
        },
        "events": {"consumed": start.to_dict(), "produced": [call.to_dict()]},
    }


async def test_the_record_of_a_workflow_that_is_done() -> None:
    workflow, start = orchestrated(), request()
    (reserve,) = await workflow.execute(start)
    (charge,) = await workflow.execute(reserved(reserve))
    await workflow.execute(charged(charge, "c7"))
    record = await record_of(workflow, start)
    assert (record["status"], record["value"], record["state"]["status"]) == ("done", "placed", "done")
    assert record["state"]["output"] == {"charge_id": "c7"}


async def test_an_output_in_json_is_kept_as_it_is() -> None:
    output = {"charge_id": "c", "__executionunits": 1}
    workflow, start = (
        orchestrated(document_machine(one_state(type="final"), output=lambda _context, _event: output)),
        request(),
    )
    await workflow.execute(start)
    assert (await record_of(workflow, start))["state"]["output"] == output


async def test_a_record_of_the_typescript_system_is_gone_on_from() -> None:
    start, memory = request(), InMemoryMachineMemory()
    (call,) = await orchestrated().execute(start)
    recorded: dict[str, Any] = {
        "executionStatus": "normal",
        "initEventId": start.id,
        "subject": start.subject,
        "parentSubject": None,
        "status": "active",
        "value": "reserving",
        "state": {
            "status": "active",
            "value": "reserving",
            "historyValue": {},
            "context": {"sku": "boot", "amount": 250, "arvo$$": {}},
            "children": {},
        },
        "events": {"consumed": start.to_dict(), "produced": [call.to_dict()]},
        "machineDefinition": "{}",
    }
    await memory.write(start.subject, recorded, None)
    workflow = orchestrated(memory=memory)
    assert (await workflow.run(start)).ignored is Ignored.DUPLICATE
    (charge,) = await workflow.execute(reserved(call))
    assert charge.data.amount_cents == 250
    (done,) = await workflow.execute(charged(charge))
    assert done.data == OrderPlaced(charge_id="c1")


async def test_history_survives_the_record() -> None:
    states: dict[str, Any] = {
        "work": {
            "initial": "first",
            "states": {
                "first": {"on": {"evt.stock.reserve.success": "second"}},
                "second": {},
                "back": {"type": "history"},
            },
            "on": {"sys.com.stock.reserve.error": "away"},
        },
        "away": {"on": {"sys.com.card.charge.error": "work.back"}},
    }
    document = {"id": "m", "initial": "work", "states": states, "entry": ["askForStock", "askForMoney"]}
    workflow, start = orchestrated(document_machine(document)), request()
    reserve, charge = await workflow.execute(start)
    values: list[Any] = []
    for event in (
        reserved(reserve),
        reserve_v1.system_error(RuntimeError("x"), to=reserve, id="second answer"),
        charge_v1.system_error(RuntimeError("x"), to=charge),
    ):
        await workflow.execute(event)
        values.append((await record_of(workflow, start))["value"])
    assert values == [{"work": "second"}, "away", {"work": "second"}]


def counting() -> AnyMachine:
    """Counts replies, and asks again after each."""
    return document_machine(
        one_state("ask", on={"evt.stock.reserve.success": {"actions": ["count", "ask"]}}),
        context=lambda _: {"count": 0},
        calls={"ask": returning(ReserveStock(sku="x"))},
        actions={"count": _count},
    )


def _count(context: dict[str, Any], *_: Any) -> dict[str, Any]:
    return {"count": context["count"] + 1}


async def test_a_redelivered_event_is_ignored_however_many_came_after_it() -> None:
    workflow, start = orchestrated(counting()), request()
    (call,) = await workflow.execute(start)
    taken: list[Event[Any]] = []
    for _ in range(3):
        reply = reserved(call)
        taken.append(reply)
        (call,) = await workflow.execute(reply)
    for event in (start, *taken):
        assert (await workflow.run(event)).ignored is Ignored.DUPLICATE
    record = await record_of(workflow, start)
    assert record["state"]["context"] == {"count": 3}
    assert record["events"]["consumedBefore"] == {"com.stock.reserve": [taken[0].id, taken[1].id]}


async def test_equal_ids_of_different_sources_are_different_events() -> None:
    workflow = orchestrated(counting())
    (call,) = await workflow.execute(request())
    reply = reserved(call).replace(id="1")
    for source in ("com.stock.north", "com.stock.south", "com.stock.west"):
        assert (await workflow.run(reply.replace(source=source))).ignored is None
    assert (await record_of(workflow, call))["state"]["context"] == {"count": 3}


async def test_the_events_that_are_remembered_are_bounded() -> None:
    """A workflow that goes on for ever must not drag all of its past along."""
    workflow, start = orchestrated(counting()), request()
    (call,) = await workflow.execute(start)
    reply = reserved(call)
    await workflow.execute(reply)
    full = await record_of(workflow, call)
    ids = [str(number) for number in range(MAX_REMEMBERED)]
    events = {**full["events"], "consumedBefore": {"com.stock.reserve": ids}}
    await workflow.memory.write(start.subject, {**full, "events": events}, full)
    await workflow.execute(reply.replace(id="next"))
    remembered = (await record_of(workflow, call))["events"]["consumedBefore"]["com.stock.reserve"]
    assert remembered == [*ids[1:], reply.id]


@pytest.mark.parametrize("broken", [{"events": {"consumedBefore": []}}, {"events": {"consumed": {"id": 5}}}])
async def test_a_record_in_another_layout_is_left_alone(broken: dict[str, Any]) -> None:
    workflow = orchestrated()
    (call,) = await workflow.execute(request())
    good = await record_of(workflow, call)
    await workflow.memory.write(call.subject, {**good, **broken}, good)
    with pytest.raises(Exception, match="is not that of a workflow"):
        await workflow.execute(reserved(call))
    assert await record_of(workflow, call) == {**good, **broken}
