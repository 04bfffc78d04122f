"""Memories that also speak JSON text keep the same records as through `read` and `write`, and the same promises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.backends.sqlite import SqliteMachineMemory
from arvo.ports import InvalidRecordError, StaleWriteError, text_memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from arvo.ports import TextMemory

RECORD = {"status": "active", "numbers": [1, 2.5, None], "text": "é"}
TEXT = json.dumps(RECORD).encode()


@pytest.fixture(params=["memory", "sqlite"])
async def memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TextMemory]:
    if request.param == "memory":
        yield InMemoryMachineMemory()
        return
    async with SqliteMachineMemory(tmp_path / "records.db") as sqlite:
        yield sqlite


async def test_nothing_is_there_at_first(memory: TextMemory) -> None:
    assert await memory.read_text("a") is None


async def test_text_is_kept_as_it_was_written(memory: TextMemory) -> None:
    await memory.write_text("a", TEXT, None)
    assert await memory.read_text("a") == TEXT
    assert await memory.read("a") == RECORD


async def test_what_was_written_as_values_is_read_as_text_and_replaced_by_it(memory: TextMemory) -> None:
    await memory.write("a", RECORD, None)
    found = await memory.read_text("a")
    assert found is not None
    await memory.write_text("a", b"{}", found)
    assert await memory.read("a") == {}


async def test_text_that_says_the_same_in_other_words_is_the_same_record(memory: TextMemory) -> None:
    await memory.write("a", RECORD, None)
    await memory.write_text("a", b"{}", json.dumps(RECORD, indent=1).encode())
    assert await memory.read("a") == {}


@pytest.mark.parametrize("previous", [None, b'{"status":"done"}'])
async def test_text_does_not_replace_another_record_than_the_one_that_was_read(
    memory: TextMemory, previous: bytes | None
) -> None:
    await memory.write_text("a", TEXT, None)
    with pytest.raises(StaleWriteError):
        await memory.write_text("a", b"{}", previous)
    assert await memory.read("a") == RECORD


async def test_an_empty_id_is_refused(memory: TextMemory) -> None:
    with pytest.raises(InvalidRecordError):
        await memory.read_text("")
    with pytest.raises(InvalidRecordError):
        await memory.write_text("", b"{}", None)


async def test_memories_of_this_package_speak_text(memory: TextMemory) -> None:
    assert text_memory(memory) is memory


def test_a_subclass_that_changes_read_or_write_is_not_passed_by() -> None:
    class Watched(InMemoryMachineMemory):
        async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
            await super().write(id, {**data, "seen": True}, previous)

    assert text_memory(Watched()) is None
