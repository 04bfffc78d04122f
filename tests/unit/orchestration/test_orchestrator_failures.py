"""What a machine cannot do leaves everything as it was; what its functions cannot foresee ends the workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.errors import (
    ContractViolation,
    ExecutionViolation,
    InvalidEvent,
    InvalidSnapshot,
    TransactionViolation,
    Violation,
)
from arvo.events import derive_event_id
from arvo.handlers import Emit
from arvo.orchestration import Ignored
from arvo.statecharts import Assign
from tests.unit.orchestration.documents import (
    AnyMachine,
    document_machine,
    one_state,
    orchestrated,
    raising,
    returning,
)
from tests.unit.orchestration.memories import FaultyMemory
from tests.unit.orchestration.orders import (
    CardCharged,
    ChargeCard,
    OrderPlaced,
    ReserveStock,
    record_of,
    request,
    reserve_v1,
    reserved,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

ASK = returning(ReserveStock(sku="x"))
JSON = {"type": "com.stock.reserve", "data": {"sku": "x"}}
REPLY = "evt.stock.reserve.success"


def calling_on_reply(call: object) -> AnyMachine:
    """Asks for stock, and then makes a call."""
    return document_machine(
        one_state("ask", on={REPLY: {"actions": "call"}}),
        calls={"ask": ASK, "call": returning(call)},
        actions={},
    )


def ending_on_reply(output: object) -> AnyMachine:
    """Asks for stock, and then ends."""
    document = {
        "id": "m",
        "initial": "a",
        "states": {"a": {"entry": "ask", "on": {REPLY: "b"}}, "b": {"type": "final"}},
    }
    return document_machine(document, calls={"ask": ASK}, actions={}, output=lambda _context, _event: output)


class InterruptedMemory(InMemoryMachineMemory):
    """Lets something else happen before a write."""

    def __init__(self) -> None:
        super().__init__()
        self.before_write: Awaitable[object] | None = None

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        interruption, self.before_write = self.before_write, None
        if interruption is not None:
            await interruption
        await super().write(id, data, previous)


async def refused(machine: AnyMachine, violation: type[Violation]) -> Violation:
    """What a reply leads to, once it is sure that nothing changed."""
    memory = FaultyMemory()
    workflow = orchestrated(machine, memory=memory)
    (call,) = await workflow.execute(request())
    before = await record_of(workflow, call)
    memory.operations.clear()
    with pytest.raises(violation) as raised:
        await workflow.execute(reserved(call))
    assert memory.operations == ["lock", "read", "unlock"]
    assert await record_of(workflow, call) == before
    return raised.value


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ({"type": "com.not.declared", "data": {}}, "called 'com.not.declared', which is none of its services"),
        ({"type": "nodots", "data": {}}, "called 'nodots'"),
        (CardCharged(charge_id="c"), "called CardCharged, which none of its services accepts"),
        (Emit(OrderPlaced(charge_id="c")), "called OrderPlaced"),
        ({**JSON, "data": {"sku": 5}}, r"call of #/services/stock\.reserve/1\.0\.0 does not fit ReserveStock: sku"),
        ({"type": "com.stock.reserve"}, "missing required field `data`"),
        ({"data": {}}, "missing required field `type`"),
        ({**JSON, "domains": ["x"]}, "unknown field `domains`"),
        ({**JSON, "to": 5}, r"Expected `str \| null`, got `int` - at `\$\.to`"),
        ({**JSON, "id": {"deduplication": "RANDOM", "value": "x"}}, "Invalid enum value 'RANDOM'"),
        ({**JSON, "id": {"deduplication": "ARVO_MANAGED", "value": " "}}, "at `\\$.id.value`"),
        ({**JSON, "domain": ["BAD"]}, "domain"),
        ({**JSON, "__extensions": {"id": "x"}}, r"extensions\.id"),
        ("com.stock.reserve", "emitted 'com.stock.reserve', which cannot be read"),
        (7, "emitted 7, which cannot be read"),
    ],
)
async def test_a_call_that_breaks_a_contract_leaves_everything_as_it_was(call: object, problem: str) -> None:
    violation = await refused(calling_on_reply(call), ContractViolation)
    with pytest.raises(ContractViolation, match=problem):
        raise violation


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (None, "Output of workflow #/orchestrators/order/1.0.0 does not fit OrderPlaced: charge_id"),
        ({}, "charge_id"),
        ({"charge_id": 5}, "charge_id"),
        ({"charge_id": "c", "__id": {"value": "x"}}, "missing required field `deduplication`"),
        ({"charge_id": "c", "__domain": "BAD"}, "domain"),
        (ChargeCard(amount_cents=1), "ended with ChargeCard, but its contract lets it end with"),
        (["c"], "ended with \\['c'\\], which cannot be read"),
    ],
)
async def test_an_output_that_breaks_the_contract_leaves_everything_as_it_was(output: object, problem: str) -> None:
    violation = await refused(ending_on_reply(output), ContractViolation)
    with pytest.raises(ContractViolation, match=problem):
        raise violation


async def test_a_directive_that_makes_no_event_is_an_invalid_event() -> None:
    violation = await refused(calling_on_reply(Emit(ReserveStock(sku="x"), domain="BAD")), InvalidEvent)
    assert [issue.path for issue in violation.issues] == [("domain",)]


async def test_a_violation_of_an_action_leaves_everything_as_it_was() -> None:
    machine = document_machine(
        one_state("ask", on={REPLY: {"actions": "refuse"}}),
        calls={"ask": ASK},
        actions={"refuse": raising(ExecutionViolation("come back later"))},
    )
    violation = await refused(machine, ExecutionViolation)
    assert "Raised by the action 'refuse' in statechart 'one'." in violation.__notes__


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "\ud800", ReserveStock(sku="x")])
async def test_a_context_that_json_cannot_hold_leaves_everything_as_it_was(value: object) -> None:
    machine = document_machine(
        one_state("ask", on={REPLY: {"actions": "keep"}}),
        calls={"ask": ASK},
        actions={"keep": returning({"odd": value})},
    )
    violation = await refused(machine, ContractViolation)
    assert [issue.path for issue in violation.issues] == [("state", "context", "odd")]


async def test_an_exception_ends_the_workflow_with_a_system_error_for_its_initiator() -> None:
    machine = document_machine(
        one_state("ask", on={REPLY: {"actions": "explode"}}),
        calls={"ask": ASK},
        actions={"explode": Assign(raising(LookupError("shelf 7")))},
    )
    workflow, start = orchestrated(machine, execution_units=2), request()
    (call,) = await workflow.execute(start)
    before = await record_of(workflow, call)
    (error,) = await workflow.execute(reserved(call))
    assert (error.type, error.to, error.parentid) == ("sys.arvo.orc.order.error", "com.web.shop", start.id)
    assert (error.data.error_name, error.data.error_message) == ("LookupError", "shelf 7")
    after = await record_of(workflow, call)
    assert {**after, "executionStatus": "normal"} == {**before, "error": after["error"]}
    assert (after["executionStatus"], after["error"]["message"]) == ("failure", "shelf 7")
    assert (await workflow.run(reserved(call, "again").replace(id="other"))).ignored is Ignored.FAILED


def _explode(*_: Any) -> Any:
    raise LookupError("shelf 7")


@pytest.mark.parametrize(
    ("document", "functions"),
    [
        (one_state(), {"context": _explode}),
        (one_state(always={"target": "only", "guard": "check"}), {"guards": {"check": _explode}}),
        (one_state(type="final"), {"output": _explode}),
        (one_state("call"), {"calls": {"call": _explode}}),
    ],
)
async def test_whatever_function_raises_ends_the_workflow(document: Any, functions: Any) -> None:
    (error,) = await orchestrated(document_machine(document, **functions)).execute(request())
    assert (error.type, error.data.error_message) == ("sys.arvo.orc.order.error", "shelf 7")


async def test_a_chart_that_never_settles_ends_the_workflow() -> None:
    states = {"a": {"always": "b"}, "b": {"always": "a"}}
    machine = document_machine({"id": "m", "initial": "a", "states": states, "options": {"maxIterations": 50}})
    (error,) = await orchestrated(machine).execute(request())
    assert error.data.error_name == "EndlessLoop"
    assert "#m.a -> #m.b" in error.data.error_message


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"state": {"status": "active", "value": "gone", "context": {}}}, ("value",)),
        ({"state": {"status": "active", "value": {"reserving": "deep"}, "context": {}}}, ("value", "reserving")),
        ({"state": {"status": "odd", "value": "reserving", "context": {}}}, ("status",)),
        ({"state": {"status": "active", "value": "reserving", "context": []}}, ("state",)),
        ({"state": None}, ("state",)),
        ({"state": "reserving"}, ("state",)),
    ],
)
async def test_a_snapshot_that_the_chart_does_not_fit_is_a_violation_and_stays(
    changes: Mapping[str, Any], path: tuple[str, ...]
) -> None:
    workflow = orchestrated()
    (call,) = await workflow.execute(request())
    good = await record_of(workflow, call)
    bad = {**good, **changes}
    await workflow.memory.write(call.subject, bad, good)
    with pytest.raises(InvalidSnapshot) as refusal:
        await workflow.execute(reserved(call))
    assert [issue.path for issue in refusal.value.issues] == [path]
    assert await record_of(workflow, call) == bad
    await workflow.memory.write(call.subject, good, bad)
    assert await workflow.execute(reserved(call)) != []


async def test_a_record_of_a_resumable_is_no_record_of_a_machine() -> None:
    workflow = orchestrated()
    (call,) = await workflow.execute(request())
    good = await record_of(workflow, call)
    foreign = {key: value for key, value in good.items() if key not in ("state", "value", "machineDefinition")}
    await workflow.memory.write(call.subject, {**foreign, "state$$": {}}, good)
    with pytest.raises(InvalidSnapshot, match="is not that of a machine"):
        await workflow.execute(reserved(call))


async def test_a_step_that_could_not_be_saved_gives_the_same_ids_when_it_is_repeated() -> None:
    memory = FaultyMemory()
    workflow, twin = orchestrated(memory=memory), orchestrated()
    start = request()
    (call,) = await workflow.execute(start)
    await twin.execute(start)
    reply = reserved(call)
    before = await record_of(workflow, call)
    memory.broken = {"write"}
    with pytest.raises(TransactionViolation) as raised:
        await workflow.execute(reply)
    assert raised.value.cause == "WRITE_FAILURE"
    assert await record_of(workflow, call) == before
    memory.broken = set()
    events, others = await workflow.execute(reply), await twin.execute(reply)
    assert [event.id for event in events] == [event.id for event in others]


async def test_a_record_changed_meanwhile_is_not_written_over_and_the_repetition_gives_the_same_ids() -> None:
    memory = InterruptedMemory()
    machine = calling_on_reply(ReserveStock(sku="second"))
    workflow = orchestrated(machine, memory=memory, lock=False)
    (call,) = await workflow.execute(request())
    stray = reserve_v1.system_error(RuntimeError("x"), to=call).replace(id="stray")
    reply = reserved(call)
    memory.before_write = workflow.execute(stray)
    with pytest.raises(TransactionViolation, match="changed by somebody else"):
        await workflow.execute(reply)
    (again,) = await workflow.execute(reply)
    record = await record_of(workflow, call)
    assert record["events"]["consumedBefore"] == {stray.source: ["stray"]}
    assert again.id == derive_event_id(reply.source, reply.id, workflow.source, 0, None)
