"""What the in-memory machine memory does beyond the promises that `tests/conformance` checks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.errors import BackendError, DefinitionError
from arvo.testing import ShiftableClock

if TYPE_CHECKING:
    from arvo.ports import BrowsableMemory


async def test_a_full_memory_refuses_new_records_and_keeps_replacing_old_ones() -> None:
    memory = InMemoryMachineMemory(max_records=2)
    await memory.write("a", {"n": 1}, None)
    await memory.write("b", {"n": 1}, None)

    with pytest.raises(BackendError, match="holds 2 records") as caught:
        await memory.write("c", {"n": 1}, None)
    await memory.write("a", {"n": 2}, {"n": 1})

    assert "SqliteMachineMemory" in str(caught.value)
    assert await memory.read("c") is None
    assert await memory.read("a") == {"n": 2}


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_that_holds_nothing_is_refused(bound: int) -> None:
    with pytest.raises(DefinitionError, match=f"max_records is {bound}"):
        InMemoryMachineMemory(max_records=bound)


def test_a_lock_ttl_of_nothing_is_refused() -> None:
    with pytest.raises(DefinitionError, match="lock_ttl"):
        InMemoryMachineMemory(lock_ttl=timedelta(0))


async def test_records_are_listed_in_order_of_id_with_the_time_of_their_last_write() -> None:
    clock = ShiftableClock()
    memory: BrowsableMemory = InMemoryMachineMemory(clock=clock)
    for id_ in ("b", "a", "c"):
        await memory.write(id_, {"id": id_}, None)
    before = clock.now()
    await clock.let_pass(timedelta(hours=1))
    await memory.write("a", {"id": "a", "again": True}, {"id": "a"})

    listed = [record async for record in memory.records()]

    assert [id_ async for id_ in memory.ids()] == ["a", "b", "c"]
    assert [record.id for record in listed] == ["a", "b", "c"]
    assert listed[0].data == {"id": "a", "again": True}
    assert listed[0].updated_at > before + timedelta(minutes=59)
    assert listed[1].updated_at <= before


async def test_a_listing_hands_out_copies() -> None:
    memory = InMemoryMachineMemory()
    await memory.write("a", {"items": [1]}, None)

    async for record in memory.records():
        record.data["items"].append(2)

    assert await memory.read("a") == {"items": [1]}
