"""Events that have no effect although nothing is wrong, and events that are refused: each says why."""

from __future__ import annotations

import logging

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import Contract, Payload, ServiceError, services
from arvo.errors import ConfigViolation, ContractViolation, ExecutionViolation
from arvo.events import Subject
from arvo.orchestration import Ignored, Outcome, Resumable, Turn, Wait
from tests.unit.orchestration.memories import FaultyMemory
from tests.unit.orchestration.orders import (
    OrderAnswer,
    OrderState,
    OrderTurn,
    PlaceOrder,
    ReserveStock,
    advance,
    bound,
    charged,
    order,
    order_v1,
    record_of,
    request,
    reserve_v1,
    reserved,
)


class Print(Payload):
    page: int


class Pack(Payload):
    box: int


class Acknowledged(Payload, event_type="evt.task.acknowledged"):
    by: str


class Packed(Payload, event_type="evt.task.acknowledged"):
    seal: str


print_v1 = Contract(uri="#/services/print", type="com.task.print").version("1.0.0", accepts=Print, emits=Acknowledged)
pack_v1 = Contract(uri="#/services/pack", type="com.task.pack").version("1.0.0", accepts=Pack, emits=Packed)


def _subject(*, name: str = "arvo.orc.order", version: str = "1.0.0") -> str:
    return Subject.new(name=name, version=version, initiator="com.web.shop").encode()


async def test_another_workflows_subject_is_ignored_without_touching_the_memory() -> None:
    memory = FaultyMemory()
    event = request(subject=_subject(name="arvo.orc.other"))
    assert await bound(memory=memory).run(event) == Outcome(ignored=Ignored.OTHER_WORKFLOW)
    assert memory.operations == []


async def test_a_reply_to_a_workflow_that_never_started_is_ignored() -> None:
    memory = FaultyMemory()
    call = reserve_v1.request(ReserveStock(sku="x"), source="arvo.orc.order", subject=_subject())
    assert await bound(memory=memory).run(reserved(call)) == Outcome(ignored=Ignored.NOT_STARTED)
    assert memory.operations == ["lock", "read", "unlock"]


async def test_events_after_the_end_are_ignored_without_writing() -> None:
    memory = FaultyMemory()
    workflow = bound(memory=memory)
    (reserve,) = await workflow.execute(request())
    (charge,) = await workflow.execute(reserved(reserve))
    await workflow.execute(charged(charge))
    memory.operations.clear()
    assert await workflow.run(charged(charge)) == Outcome(ignored=Ignored.ENDED)
    assert memory.operations == ["lock", "read", "unlock"]


async def test_an_ignored_event_is_logged_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    event = request(subject=_subject(name="arvo.orc.other"))
    with caplog.at_level(logging.INFO, "arvo.orchestration"):
        await bound().execute(event)
    (message,) = caplog.messages
    assert message.startswith(f"Workflow arvo.orc.order ignored event {event.id} of type arvo.orc.order: ")
    assert message.endswith("its subject is that of another workflow.")


async def test_a_subject_that_no_workflow_made_is_an_execution_violation() -> None:
    memory = FaultyMemory()
    with pytest.raises(ExecutionViolation, match="'plain', by which no workflow can be found"):
        await bound(memory=memory).execute(request(subject="plain"))
    assert memory.operations == []


@pytest.mark.parametrize("version", ["9.0.0", "0.0.0"])
async def test_a_version_that_the_workflow_does_not_have_is_a_config_violation(version: str) -> None:
    with pytest.raises(ConfigViolation, match=f"no version '{version}'.*it has 1.0.0"):
        await bound().execute(request(subject=_subject(version=version)))


async def test_a_type_that_nobody_declared_is_a_config_violation() -> None:
    workflow = bound()
    (call,) = await workflow.execute(request())
    with pytest.raises(ConfigViolation, match=r"'evt\.never\.heard', which is neither its own nor a reply"):
        await workflow.execute(reserved(call).replace(type="evt.never.heard"))


async def test_a_call_that_comes_back_is_a_config_violation() -> None:
    workflow = bound()
    (call,) = await workflow.execute(request())
    with pytest.raises(ConfigViolation, match=r"'com\.stock\.reserve'"):
        await workflow.execute(call)


@pytest.mark.parametrize(
    ("dataschema", "problem"),
    [
        (None, "names no contract and version"),
        ("nonsense", "names no contract and version"),
        ("#/services/other/1.0.0", "is of another contract"),
        ("#/services/stock.reserve/2.0.0", "is of another version"),
    ],
)
async def test_a_reply_under_a_foreign_dataschema_is_a_contract_violation(dataschema: str | None, problem: str) -> None:
    workflow = bound()
    (call,) = await workflow.execute(request())
    before = await record_of(workflow, call)
    with pytest.raises(ContractViolation, match=problem) as caught:
        await workflow.execute(reserved(call).replace(dataschema=dataschema))
    assert [issue.path for issue in caught.value.issues] == [("dataschema",)]
    assert await record_of(workflow, call) == before


@pytest.mark.parametrize("version", ["2.0.0", "0.0.0"])
async def test_a_request_of_another_version_than_its_subject_is_a_contract_violation(version: str) -> None:
    with pytest.raises(ContractViolation, match="is of another version"):
        await bound().execute(request().replace(dataschema=f"{order.uri}/{version}"))


async def test_a_reply_of_any_version_may_come_under_the_wildcard() -> None:
    workflow = bound()
    (call,) = await workflow.execute(request())
    (charge,) = await workflow.execute(reserved(call).replace(dataschema=f"{reserve_v1.contract.uri}/0.0.0"))
    assert charge.type == "com.card.charge"


@pytest.mark.parametrize("data", [{"hold_id": 7}, {}])
async def test_a_reply_with_wrong_data_is_a_contract_violation(data: dict[str, object]) -> None:
    workflow = bound()
    (call,) = await workflow.execute(request())
    with pytest.raises(ContractViolation) as caught:
        await workflow.execute(reserved(call).with_data(data))
    assert [issue.path for issue in caught.value.issues] == [("hold_id",)]


async def test_a_request_must_say_whether_it_has_a_parent() -> None:
    with pytest.raises(ContractViolation) as caught:
        await bound().execute(request().with_data({"sku": "x", "amount_cents": 1}))
    assert [issue.path for issue in caught.value.issues] == [("parentSubject$$",)]


async def test_a_second_request_on_the_same_subject_is_the_functions_to_judge() -> None:
    turns: list[OrderTurn] = []

    async def function(turn: OrderTurn) -> OrderAnswer:
        turns.append(turn)
        return await advance(turn)

    workflow = bound(function)
    first = request()
    await workflow.execute(first)
    second = request(subject=first.subject, parent_subject=request().subject)
    await workflow.execute(second)
    assert turns[1].state == OrderState(sku="shoe", amount_cents=500)
    record = await record_of(workflow, first)
    assert (record["initEventId"], record["parentSubject"]) == (first.id, None)


async def test_replies_of_one_type_are_told_apart_by_their_contract() -> None:
    seen: list[object] = []
    workflow = Resumable(order)

    @workflow.on(order_v1, state=OrderState, services=services(print_v1, pack_v1))
    async def advance_both(
        turn: Turn[PlaceOrder | Acknowledged | Packed | ServiceError, OrderState],
    ) -> Wait[OrderState, Print | Pack]:
        seen.append(turn.event.data)
        return Wait(calls=[Print(page=1), Pack(box=1)]) if isinstance(turn.event.data, PlaceOrder) else Wait()

    handler = workflow.bind(InMemoryMachineMemory())
    printing, packing = await handler.execute(request())
    await handler.execute(print_v1.reply(Acknowledged(by="printer"), to=printing))
    await handler.execute(pack_v1.reply(Packed(seal="x"), to=packing))
    assert seen[1:] == [Acknowledged(by="printer"), Packed(seal="x")]
