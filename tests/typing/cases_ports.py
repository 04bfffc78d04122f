"""Right and wrong uses of the ports, back ends, conformance kit and telemetry, checked by both checkers, never run.

A wrong use carries ignores for both checkers; a checker that does not report it reports the needless ignore instead
(`pyrightconfig.json` in this folder sees to that).
"""

# ruff: noqa: ARG002 - what a method does with its arguments is of no interest here

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, assert_type

from arvo.backends.memory import InMemoryMachineMemory
from arvo.backends.sqlite import SqliteMachineMemory
from arvo.ports import BrowsableMemory, Clock, MachineMemory, StaleWriteError, StoredRecord, SystemClock
from arvo.telemetry import Span, TraceHeaders, current_headers, event_span, measure_delivery, span, traced
from arvo.testing import ShiftableClock
from arvo.testing.machine_memory import CHECKS, Check, MemoryUnderTest, Report, check_machine_memory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from arvo.events import Event, JsonObject


class OwnMemory:
    """A memory needs no base class."""

    async def read(self, id: str) -> Mapping[str, Any] | None:
        return None

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None: ...
    async def lock(self, id: str, holder: str) -> bool:
        return True

    async def unlock(self, id: str, holder: str) -> None: ...


class WithoutHolders:
    async def read(self, id: str) -> Mapping[str, Any] | None:
        return None

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None: ...
    async def lock(self, id: str) -> bool:
        return True

    async def unlock(self, id: str) -> None: ...


class StoppedClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@asynccontextmanager
async def make() -> AsyncGenerator[MemoryUnderTest]:
    clock = ShiftableClock()
    ttl = timedelta(seconds=60)
    memory = InMemoryMachineMemory(lock_ttl=ttl, clock=clock)
    yield MemoryUnderTest(memory=memory, lock_ttl=ttl, let_time_pass=clock.let_pass)


async def right_uses(memory: MachineMemory, event: Event[JsonObject]) -> None:
    own: MachineMemory = OwnMemory()
    browsable: list[BrowsableMemory] = [InMemoryMachineMemory(), SqliteMachineMemory("a.db")]
    clocks: list[Clock] = [SystemClock(), ShiftableClock()]
    record = await memory.read("order-1")
    assert_type(record, "Mapping[str, Any] | None")
    assert_type(await memory.lock("order-1", "me"), bool)
    try:
        await memory.write("order-1", {"status": "done"}, record)
    except StaleWriteError as stale:
        assert_type(stale.id, str)
    async with SqliteMachineMemory("sqlite:///a.db", clock=clocks[0]) as opened:
        assert_type(opened, SqliteMachineMemory)
        async for stored in opened.records(page_size=10):
            assert_type(stored, StoredRecord)
    async for id_ in browsable[0].ids():
        assert_type(id_, str)
    assert_type(await SqliteMachineMemory.open("a.db", lock_ttl=timedelta(seconds=5)), SqliteMachineMemory)
    assert_type(await check_machine_memory(make), Report)
    assert_type(CHECKS[0], Check)
    with span("work", attributes=lambda: {"count": 1}) as current, event_span("process", event, handler="com.a.b"):
        assert_type(current, Span)
    assert_type(current_headers(), TraceHeaders)
    assert_type(traced(event), "Event[JsonObject]")
    measure_delivery(event, handler="com.a.b", seconds=0.5)
    del own


async def wrong_uses(memory: MachineMemory, event: Event[JsonObject]) -> None:
    wrong: MachineMemory = WithoutHolders()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    InMemoryMachineMemory(clock=StoppedClock())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    InMemoryMachineMemory(lock_ttl=60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    InMemoryMachineMemory(timedelta(seconds=60))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    SqliteMachineMemory()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    SqliteMachineMemory("a.db", connection_class=str)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await memory.lock("order-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await memory.unlock("order-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await memory.write("order-1", {"status": "done"})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await memory.write("order-1", ["done"], None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (await memory.read("order-1"))["status"]  # type: ignore[index]  # pyright: ignore[reportOptionalSubscript]
    await check_machine_memory(memory)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MemoryUnderTest(memory=memory)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    span("work", attributes={"count": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    event_span("consume", event, handler="com.a.b")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    event_span("process", event)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    current_headers().traceparent = "00"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    StoredRecord("a", {}, datetime.now(UTC)).id = "b"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    del wrong
