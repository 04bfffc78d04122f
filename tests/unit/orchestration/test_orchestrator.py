"""Workflows as statecharts: how events go in and out, what the functions of a document see, and how it all ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import OrchestratorContract, Payload, services
from arvo.errors import ConfigViolation
from arvo.events import Subject, parse_managed_event_id
from arvo.handlers import Emit
from arvo.orchestration import BoundWorkflow, Ignored, Machine, Orchestrator, Outcome
from arvo.statecharts import EmitEvent, Enqueue
from tests.unit.orchestration.documents import (
    ORDER,
    ORDER_ACTIONS,
    document_machine,
    one_state,
    orchestrated,
    returning,
)
from tests.unit.orchestration.memories import FaultyMemory
from tests.unit.orchestration.orders import (
    CardDeclined,
    ChargeCard,
    OrderFailed,
    OrderPlaced,
    PlaceOrder,
    ReserveStock,
    StockReserved,
    charge_v1,
    charged,
    order_v1,
    record_of,
    request,
    reserve_v1,
    reserved,
)

if TYPE_CHECKING:
    from arvo.events import Event
    from arvo.statecharts import ActionQueue


async def to_charge(workflow: BoundWorkflow, start: Event[Any]) -> Event[Any]:
    """The second call of an order."""
    (reserve,) = await workflow.execute(start)
    (charge,) = await workflow.execute(reserved(reserve))
    return charge


async def test_a_workflow_runs_from_its_request_to_its_output() -> None:
    workflow, start = orchestrated(), request(sku="boot", amount_cents=250)
    (reserve,) = await workflow.execute(start)
    assert (reserve.type, reserve.data) == ("com.stock.reserve", ReserveStock(sku="boot"))
    (charge,) = await workflow.execute(reserved(reserve))
    assert (charge.type, charge.data) == ("com.card.charge", ChargeCard(amount_cents=250))
    (done,) = await workflow.execute(charged(charge, "c7"))
    assert (done.type, done.data) == ("arvo.orc.order.done", OrderPlaced(charge_id="c7"))


async def test_a_workflow_may_end_with_any_declared_output() -> None:
    workflow = orchestrated()
    charge = await to_charge(workflow, request())
    (failed,) = await workflow.execute(charge_v1.reply(CardDeclined(reason="limit"), to=charge))
    assert (failed.type, failed.data) == ("arvo.orc.order.failed", OrderFailed(reason="limit"))


async def test_a_system_error_of_a_service_is_an_event_like_any_other() -> None:
    workflow = orchestrated()
    (reserve,) = await workflow.execute(request())
    (failed,) = await workflow.execute(reserve_v1.system_error(RuntimeError("no shelf"), to=reserve))
    assert failed.data == OrderFailed(reason="no shelf")


async def test_functions_get_events_whose_data_are_payloads_without_what_the_contract_does_not_know() -> None:
    seen: list[object] = []

    def context(event: Event[Any]) -> dict[str, Any]:
        seen.append(event.data)
        return {"sku": event.data.sku, "amount": 1}

    def keep_hold(_context: Any, event: Event[Any], _params: Any) -> dict[str, Any]:
        seen.append(event.data)
        return {}

    workflow = orchestrated(
        document_machine(
            context=context,
            actions={**ORDER_ACTIONS, "keepHold": keep_hold},
        )
    )
    start = request(sku="boot", amount_cents=250)
    (reserve,) = await workflow.execute(
        start.with_data({"parentSubject$$": None, "sku": "boot", "amount_cents": 250, "gift": True})
    )
    await workflow.execute(reserved(reserve).with_data({"hold_id": "h", "shelf": 7}))
    placed, hold = seen
    assert isinstance(placed, PlaceOrder)
    assert (placed.sku, hasattr(placed, "gift")) == ("boot", False)
    assert hold == StockReserved(hold_id="h")


async def test_a_call_asks_the_service_to_answer_to_the_workflow() -> None:
    workflow, start = orchestrated(execution_units=2), request(accesscontrol="role:buyer")
    (reserve,) = await workflow.execute(start)
    assert (reserve.source, reserve.to, reserve.redirectto) == ("arvo.orc.order", "com.stock.reserve", "arvo.orc.order")
    assert (reserve.subject, reserve.parentid, reserve.executionunits) == (start.subject, start.id, 2)
    assert (reserve.accesscontrol, reserve.domain, reserve.dataschema) == ("role:buyer", None, reserve_v1.dataschema)
    reply = reserved(reserve)
    (charge,) = await workflow.execute(reply)
    assert charge.parentid == reply.id


@pytest.mark.parametrize(("redirectto", "address"), [(None, "com.web.shop"), ("com.web.desk", "com.web.desk")])
async def test_the_output_goes_to_the_initiator_or_where_the_request_redirected_it(
    redirectto: str | None, address: str
) -> None:
    workflow, start = orchestrated(), request(redirectto=redirectto)
    (done,) = await workflow.execute(charged(await to_charge(workflow, start)))
    assert (done.to, done.redirectto, done.parentid, done.subject) == (address, None, start.id, start.subject)


async def test_calls_go_out_in_the_order_in_which_the_chart_made_them() -> None:
    """The original sends what was enqueued after all else."""

    def enqueue(_context: Any, _event: Any, _params: Any, queue: ActionQueue) -> None:
        queue.emit(ReserveStock(sku="3"))
        queue.run("ask", {"sku": "4"})

    document = one_state(
        {"type": "enqueueArvoEvent", "params": {"type": "com.stock.reserve", "data": {"sku": "1"}}},
        {"type": "ask", "params": {"sku": "2"}},
        "more",
        {"type": "enqueueArvoEvent", "params": {"type": "com.stock.reserve", "data": {"sku": "5"}}},
    )
    machine = document_machine(
        document,
        calls={"ask": lambda _context, _event, params: ReserveStock(sku=params["sku"])},
        actions={"more": Enqueue(enqueue)},
    )
    calls = await orchestrated(machine).execute(request())
    assert [call.data.sku for call in calls] == ["1", "2", "3", "4", "5"]
    assert len({call.id for call in calls}) == 5


PAYLOAD = ReserveStock(sku="x")
JSON = {"type": "com.stock.reserve", "data": {"sku": "x"}}


@pytest.mark.parametrize(
    "call",
    [
        Emit(
            PAYLOAD,
            id="mine",
            to="com.other.stock",
            domain=["near", None],
            execution_units=7,
            redirectto="com.desk.one",
            accesscontrol="role:x",
            extensions={"tag": "t"},
        ),
        {
            **JSON,
            "id": {"deduplication": "DEVELOPER_MANAGED", "value": "mine"},
            "to": "com.other.stock",
            "domain": ["near", None],
            "executionunits": 7,
            "redirectto": "com.desk.one",
            "accesscontrol": "role:x",
            "__extensions": {"tag": "t"},
        },
    ],
)
async def test_directives_of_a_call_can_be_given_in_python_and_in_json(call: object) -> None:
    machine = document_machine(one_state("ask"), calls={"ask": returning(call)}, actions={})
    near, local = await orchestrated(machine).execute(request())
    assert (near.id, near.to, near.domain, near.executionunits) == ("mine", "com.other.stock", "near", 7)
    assert (near.redirectto, near.accesscontrol, near.extensions) == ("com.desk.one", "role:x", {"tag": "t"})
    assert (local.domain, local.id != "mine", local.data) == (None, True, PAYLOAD)


@pytest.mark.parametrize(
    "call", [PAYLOAD, JSON, {**JSON, "data": {"sku": "x", "unknown": 1}}, {**JSON, "domain": None}]
)
async def test_a_call_in_json_is_read_by_the_contract_of_its_service(call: object) -> None:
    machine = document_machine(one_state("ask"), calls={"ask": returning(call)}, actions={})
    start = request()
    (event,) = await orchestrated(machine).execute(start)
    (plain,) = await orchestrated(
        document_machine(one_state("ask"), calls={"ask": returning(PAYLOAD)}, actions={})
    ).execute(start)
    assert event.replace(time=plain.time) == plain
    assert event.data == PAYLOAD


async def test_an_id_of_json_may_be_managed() -> None:
    call = {**JSON, "id": {"deduplication": "ARVO_MANAGED", "value": "hold"}}
    machine = document_machine(one_state("ask"), calls={"ask": returning(call)}, actions={})
    (event,) = await orchestrated(machine).execute(request())
    managed = parse_managed_event_id(event.id)
    assert managed is not None
    assert managed.value == "hold"


@pytest.mark.parametrize(
    "output",
    [
        Emit(OrderPlaced(charge_id="c"), id="the-end", domain=["audit", None], execution_units=0),
        {"charge_id": "c", "__id": "the-end", "__domain": ["audit", None], "__executionunits": 0},
        {
            "charge_id": "c",
            "__id": {"deduplication": "DEVELOPER_MANAGED", "value": "the-end"},
            "__domain": ["audit", None],
            "__executionunits": 0,
        },
    ],
)
async def test_directives_of_the_output_can_be_given_in_python_and_in_json(output: object) -> None:
    machine = document_machine(one_state(type="final"), output=lambda _context, _event: output)
    workflow, start = orchestrated(machine, execution_units=3), request()
    audit, local = await workflow.execute(start)
    assert (audit.id, audit.domain, audit.executionunits) == ("the-end", "audit", 0)
    assert (local.domain, local.executionunits, local.data) == (None, 0, OrderPlaced(charge_id="c"))
    assert (await record_of(workflow, start))["status"] == "done"


class Nothing(Payload):
    pass


@pytest.mark.parametrize("output", [None, {}, {"__executionunits": 2}])
async def test_an_end_without_an_output_is_reported_all_the_same(output: dict[str, Any] | None) -> None:
    """The original leaves whoever waits for it waiting."""
    contract = OrchestratorContract("errand", uri="#/orchestrators/errand")
    version = contract.version("1.0.0", accepts=Nothing, emits=Nothing)
    machine = Machine.from_xstate(
        version,
        one_state(type="final"),
        services=services(),
        output=None if output is None else lambda _context, _event: output,
    )
    workflow = Orchestrator(contract, [machine]).bind(InMemoryMachineMemory())
    (done,) = await workflow.execute(version.request(Nothing(), source="com.web.shop"))
    assert (done.type, done.to, done.data) == ("arvo.orc.errand.done", "com.web.shop", Nothing())


async def test_default_domains_are_the_definitions() -> None:
    workflow = orchestrated(call_domains=["near", None], domains="audit", error_domains="alarm")
    near, local = await workflow.execute(request())
    assert (near.domain, local.domain) == ("near", None)
    (charge, _) = await workflow.execute(reserved(local))
    (done,) = await workflow.execute(charged(charge))
    assert done.domain == "audit"


async def test_the_subject_says_which_machine_runs_an_execution() -> None:
    contract = OrchestratorContract("order", uri="#/orchestrators/versioned")
    versions = [contract.version(number, accepts=PlaceOrder, emits=OrderPlaced) for number in ("1.0.0", "2.0.0")]
    machines = [
        document_machine(
            {**one_state(type="final"), "output": {"charge_id": version.version}},
            version=version,
            services=services(),
            output=None,
        )
        for version in versions
    ]
    workflow = Orchestrator(contract, machines).bind(InMemoryMachineMemory())
    for version in versions:
        (done,) = await workflow.execute(version.request(PlaceOrder(sku="x", amount_cents=1), source="com.web.shop"))
        assert (done.data.charge_id, done.dataschema) == (version.version, version.dataschema)
    unknown = Subject.new(name="arvo.orc.order", version="3.0.0", initiator="com.web.shop").encode()
    stray = versions[0].request(PlaceOrder(sku="x", amount_cents=1), source="com.web.shop", subject=unknown)
    with pytest.raises(ConfigViolation, match=r"no version '3\.0\.0'.*has 1\.0\.0, 2\.0\.0"):
        await workflow.execute(stray)


async def test_an_event_that_no_transition_takes_changes_nothing_but_is_remembered() -> None:
    workflow, start = orchestrated(), request()
    (reserve,) = await workflow.execute(start)
    before = await record_of(workflow, start)
    stray = charged(reserve).replace(parentid=None)
    assert await workflow.run(stray) == Outcome([])
    after = await record_of(workflow, start)
    assert after["state"] == before["state"]
    assert after["events"] == {"consumed": stray.to_dict(), "produced": []}


async def test_events_of_a_workflow_that_never_started_are_ignored() -> None:
    (reserve,) = await orchestrated().execute(request())
    assert (await orchestrated().run(reserved(reserve))).ignored is Ignored.NOT_STARTED


async def test_events_after_the_end_are_ignored_without_writing() -> None:
    memory = FaultyMemory()
    workflow = orchestrated(memory=memory)
    charge = await to_charge(workflow, request())
    await workflow.execute(charged(charge))
    memory.operations.clear()
    assert (await workflow.run(charged(charge, "again").replace(id="late"))).ignored is Ignored.ENDED
    assert memory.operations == ["lock", "read", "unlock"]


async def test_a_second_request_is_for_the_chart_to_judge_and_changes_no_parent() -> None:
    document = {**ORDER, "on": {"arvo.orc.order": {"actions": "again"}}}
    machine = document_machine(
        document,
        actions={**ORDER_ACTIONS, "again": EmitEvent(returning(ChargeCard(amount_cents=1)))},
    )
    workflow, start = orchestrated(machine), request()
    await workflow.execute(start)
    parent = Subject.new(name="arvo.orc.trip", version="1.0.0", initiator="a.b.c").encode()
    again = request(subject=start.subject, parent_subject=parent)
    (call,) = await workflow.execute(again)
    assert call.type == "com.card.charge"
    assert (await record_of(workflow, start))["parentSubject"] is None


async def test_events_of_one_execution_are_taken_one_at_a_time_unless_the_definition_says_otherwise() -> None:
    memory = FaultyMemory()
    await orchestrated(memory=memory).execute(request())
    assert memory.operations == ["lock", "read", "write", "unlock"]
    memory.operations.clear()
    await orchestrated(memory=memory, lock=False).execute(request())
    assert memory.operations == ["read", "write"]


def test_a_bound_workflow_tells_what_an_app_needs_to_know() -> None:
    workflow = orchestrated()
    assert (workflow.source, workflow.domain) == ("arvo.orc.order", None)
    assert (workflow.implements, workflow.calls) == ((order_v1,), (reserve_v1, charge_v1))
    assert repr(workflow) == "Orchestrator for 'arvo.orc.order', bound to InMemoryMachineMemory"
    assert repr(document_machine()) == "Machine for #/orchestrators/order/1.0.0"
