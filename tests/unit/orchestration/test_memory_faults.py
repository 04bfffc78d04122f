"""A memory that breaks: the cause is raised, nothing has happened, and a retry goes on as if it were the first try."""

from __future__ import annotations

import asyncio
import logging

import pytest

from arvo.errors import BackendError, TransactionViolation
from tests.unit.orchestration.memories import FaultyMemory
from tests.unit.orchestration.orders import (
    OrderAnswer,
    OrderState,
    OrderTurn,
    advance,
    bound,
    order_workflow,
    record_of,
    request,
    reserved,
)


@pytest.mark.parametrize(
    ("operation", "cause", "operations"),
    [
        ("lock", "LOCK_FAILURE", ["lock"]),
        ("read", "READ_FAILURE", ["lock", "read", "unlock"]),
        ("write", "WRITE_FAILURE", ["lock", "read", "write", "unlock"]),
    ],
)
async def test_a_broken_operation_is_a_transaction_violation(operation: str, cause: str, operations: list[str]) -> None:
    memory = FaultyMemory()
    workflow = bound(memory=memory)
    start = request()
    memory.broken = {operation}
    with pytest.raises(TransactionViolation, match=f"{start.id}.*{operation} broke") as caught:
        await workflow.execute(start)
    assert caught.value.cause == cause
    assert isinstance(caught.value.__cause__, BackendError)
    assert memory.operations == operations
    memory.broken = set()
    assert await memory.read(start.subject) is None
    (call,) = await workflow.execute(start)
    assert call.parentid == start.id


async def test_a_busy_workflow_is_a_transaction_violation() -> None:
    memory = FaultyMemory()
    memory.denied = True
    with pytest.raises(TransactionViolation, match="busy") as caught:
        await bound(memory=memory).execute(request())
    assert caught.value.cause == "LOCK_UNACQUIRED"
    assert memory.operations == ["lock"]


async def test_a_lock_that_cannot_be_given_back_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    memory = FaultyMemory()
    memory.broken = {"unlock"}
    with caplog.at_level(logging.WARNING, "arvo.orchestration"):
        (call,) = await bound(memory=memory).execute(request())
    assert call.type == "com.stock.reserve"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "it will expire" in caplog.text


async def test_a_retry_after_a_lost_write_emits_the_same_ids() -> None:
    ids: list[str] = []

    async def function(turn: OrderTurn) -> OrderAnswer:
        answer = await advance(turn)
        ids.append(turn.event.id)
        return answer

    memory = FaultyMemory()
    workflow = bound(function, memory=memory)
    twin = bound()
    start = request()
    memory.broken = {"write"}
    with pytest.raises(TransactionViolation):
        await workflow.execute(start)
    memory.broken = set()
    first = await workflow.execute(start)
    assert ids == [start.id, start.id]
    assert [event.id for event in first] == [event.id for event in await twin.execute(start)]


async def test_a_record_changed_meanwhile_is_not_written_over() -> None:
    memory = FaultyMemory()

    async def interrupted(turn: OrderTurn) -> OrderAnswer:
        if turn.state is not None:
            current = await memory.read(turn.event.subject)
            assert current is not None
            await memory.write(turn.event.subject, {**current, "state$$": changed}, current)
        return await advance(turn)

    changed = OrderState(sku="theirs", amount_cents=1).model_dump()
    workflow = bound(interrupted, memory=memory)
    (call,) = await workflow.execute(request())
    with pytest.raises(TransactionViolation, match="changed by somebody else") as caught:
        await workflow.execute(reserved(call))
    assert caught.value.cause == "WRITE_FAILURE"
    assert (await record_of(workflow, call))["state$$"] == changed


async def test_without_a_lock_the_memory_is_only_read_and_written() -> None:
    memory = FaultyMemory()
    await bound(memory=memory, lock=False).execute(request())
    assert memory.operations == ["read", "write"]


async def test_binding_may_leave_the_lock_out() -> None:
    memory = FaultyMemory()
    await order_workflow().bind(memory, lock=False).execute(request())
    assert memory.operations == ["read", "write"]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"executionStatus": "odd"},
        {"executionStatus": "normal", "events": []},
        {"executionStatus": "normal"},
        {"executionStatus": "normal", "initEventId": ""},
        {"executionStatus": "normal", "initEventId": None},
    ],
)
async def test_a_record_that_is_not_a_workflows_is_left_alone(record: dict[str, object]) -> None:
    memory = FaultyMemory()
    start = request()
    await memory.write(start.subject, record, None)
    with pytest.raises(TransactionViolation, match="is not that of a workflow") as caught:
        await bound(memory=memory).execute(start)
    assert caught.value.cause == "READ_FAILURE"
    assert await memory.read(start.subject) == record


class SlowToLock(FaultyMemory):
    """Takes or gives back the lock first and answers much later."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.slow, self.entered = slow, asyncio.Event()

    async def lock(self, id: str, holder: str) -> bool:
        taken = await super().lock(id, holder)
        await self._linger("lock")
        return taken

    async def unlock(self, id: str, holder: str) -> None:
        await self._linger("unlock")
        await super().unlock(id, holder)

    async def _linger(self, operation: str) -> None:
        if operation == self.slow:
            self.slow = ""
            self.entered.set()
            await asyncio.sleep(60)


@pytest.mark.parametrize("operation", ["lock", "unlock"])
async def test_cancellation_while_locking_or_unlocking_leaves_no_lock_behind(operation: str) -> None:
    memory, start = SlowToLock(operation), request()
    task = asyncio.create_task(bound(memory=memory).execute(start))
    await memory.entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await memory.lock(start.subject, "successor")
