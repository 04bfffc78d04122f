"""Many replies at once, and workflows that call workflows: with documents on both sides."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.backends.memory import InMemoryMachineMemory
from arvo.backends.sqlite import SqliteMachineMemory
from arvo.errors import TransactionViolation
from arvo.orchestration import BoundWorkflow, Ignored, Orchestrator
from tests.unit.orchestration.documents import (
    Assemble,
    Assembled,
    PartMade,
    assembly,
    assembly_machine,
    assembly_v1,
    make_part_v1,
)
from tests.unit.orchestration.orders import record_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from arvo.events import Event
    from arvo.ports import MachineMemory

ASSEMBLY = {parts: Orchestrator(assembly, [assembly_machine(parts)]) for parts in (4, 32)}


async def fan_out(parts: int, memory: MachineMemory, **settings: Any) -> tuple[BoundWorkflow, list[Event[Any]]]:
    """A started assembly, and the replies to all of its calls."""
    workflow = ASSEMBLY[parts].bind(memory, **settings)
    calls = await workflow.execute(assembly_v1.request(Assemble(parts=parts), source="com.web.shop"))
    assert [call.data.number for call in calls] == list(range(parts))
    return workflow, [make_part_v1.reply(PartMade(number=call.data.number), to=call) for call in calls]


async def deliver_all(workflow: BoundWorkflow, replies: Sequence[Event[Any]]) -> list[Event[Any]]:
    """What comes of replies that all arrive at the same moment, each delivered until it is taken."""

    async def deliver(reply: Event[Any]) -> list[Event[Any]]:
        for _ in range(1000):
            try:
                return await workflow.execute(reply)
            except TransactionViolation:
                await asyncio.sleep(0)
        raise AssertionError("never taken")

    return [event for events in await asyncio.gather(*map(deliver, replies)) for event in events]


class Slow(InMemoryMachineMemory):
    """Lets other tasks in between reading and writing."""

    async def read(self, id: str) -> dict[str, Any] | None:
        await asyncio.sleep(0)
        return await super().read(id)

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        await asyncio.sleep(0)
        await super().write(id, data, previous)


@pytest.mark.parametrize("lock", [True, False])
@pytest.mark.parametrize("memory", [InMemoryMachineMemory, Slow])
async def test_32_concurrent_replies_are_each_taken_once(memory: type[InMemoryMachineMemory], lock: bool) -> None:
    workflow, replies = await fan_out(32, memory(), lock=lock)
    (done,) = await deliver_all(workflow, [*replies, *replies[::5]])
    assert done.data == Assembled(numbers=list(range(32)))
    record = await record_of(workflow, replies[0])
    assert (record["status"], sorted(record["state"]["context"]["numbers"])) == ("done", list(range(32)))


async def test_32_concurrent_replies_are_each_taken_once_on_a_shared_file(tmp_path: Path) -> None:
    async with SqliteMachineMemory(tmp_path / "records.db") as memory:
        workflow, replies = await fan_out(32, memory, lock=False)
        (done,) = await deliver_all(workflow, replies)
    assert done.data == Assembled(numbers=list(range(32)))


@given(order=st.permutations(range(4)), repeated=st.lists(st.integers(0, 3), max_size=4))
def test_no_order_and_no_repetition_of_replies_changes_the_end(order: list[int], repeated: list[int]) -> None:
    async def play() -> None:
        workflow, replies = await fan_out(4, InMemoryMachineMemory())
        outputs: list[Event[Any]] = []
        for place, position in enumerate(order):
            outputs += await workflow.execute(replies[position])
            for again in repeated:
                if again in order[: place + 1]:
                    outcome = await workflow.run(replies[again])
                    assert outcome.ignored in (Ignored.DUPLICATE, Ignored.ENDED)
        (done,) = outputs
        assert done.data == Assembled(numbers=[0, 1, 2, 3])

    asyncio.run(play())
