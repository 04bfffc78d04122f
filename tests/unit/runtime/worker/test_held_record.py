"""What a workflow writes is held back, and what it reads is what its claim brought or it wrote itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arvo.errors import DefinitionError
from arvo.ports import InvalidRecordError, StaleWriteError, WorkflowStatus, text_memory
from arvo.runtime.worker.held_record import HeldRecord, timers_in

SUBJECT = "process/1"
STORED: dict[str, Any] = {"status": "active", "count": 1}


def held(record: dict[str, Any] | None = STORED) -> HeldRecord:
    return HeldRecord(SUBJECT, None if record is None else json.dumps(record).encode())


async def test_the_record_of_the_claim_is_read() -> None:
    assert await held().read(SUBJECT) == STORED


async def test_without_a_record_there_is_nothing_to_read() -> None:
    assert await held(None).read(SUBJECT) is None


async def test_nothing_is_to_be_stored_before_something_is_written() -> None:
    memory = held()
    await memory.read(SUBJECT)

    assert memory.written is None


async def test_what_is_written_is_read_again_and_is_to_be_stored() -> None:
    memory = held()
    await memory.write(SUBJECT, {"status": "active", "count": 2}, STORED)

    assert await memory.read(SUBJECT) == {"status": "active", "count": 2}
    assert memory.written is not None
    assert memory.written.subject == SUBJECT
    assert json.loads(memory.written.record_json) == {"status": "active", "count": 2}


async def test_changing_what_was_read_or_written_changes_nothing() -> None:
    memory = held()
    written: dict[str, Any] = {"status": "active", "items": [1]}
    await memory.write(SUBJECT, written, STORED)
    written["items"].append(2)
    read = await memory.read(SUBJECT)
    assert isinstance(read, dict)
    read["status"] = "done"

    assert await memory.read(SUBJECT) == {"status": "active", "items": [1]}


async def test_a_second_write_starts_from_the_first() -> None:
    memory = held(None)
    await memory.write(SUBJECT, {"count": 1}, None)
    await memory.write(SUBJECT, {"count": 2}, {"count": 1})

    assert await memory.read(SUBJECT) == {"count": 2}


@pytest.mark.parametrize("previous", [None, {"status": "active", "count": 0}])
async def test_a_write_that_starts_from_another_record_is_refused(previous: dict[str, Any] | None) -> None:
    memory = held()

    with pytest.raises(StaleWriteError):
        await memory.write(SUBJECT, {"count": 2}, previous)
    assert memory.written is None


async def test_data_that_json_cannot_carry_is_refused() -> None:
    memory = held(None)

    with pytest.raises(InvalidRecordError):
        await memory.write(SUBJECT, {"when": object()}, None)
    assert memory.written is None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"executionStatus": "normal", "status": "active"}, WorkflowStatus.ACTIVE),
        ({"executionStatus": "normal", "status": "done"}, WorkflowStatus.DONE),
        ({"executionStatus": "failure", "status": "active"}, WorkflowStatus.FAILED),
        ({"executionStatus": "failure"}, WorkflowStatus.FAILED),
        ({}, WorkflowStatus.ACTIVE),
    ],
)
async def test_the_store_is_told_how_far_the_workflow_is(data: dict[str, Any], status: WorkflowStatus) -> None:
    memory = held(None)
    await memory.write(SUBJECT, data, None)

    assert memory.written is not None
    assert memory.written.status is status


@pytest.mark.parametrize(("parent", "stored"), [("process/0", "process/0"), (None, None), (7, None)])
async def test_the_store_is_told_the_parent(parent: object, stored: str | None) -> None:
    memory = held(None)
    await memory.write(SUBJECT, {"parentSubject": parent}, None)

    assert memory.written is not None
    assert memory.written.parent_subject == stored


async def test_the_claim_is_the_lock() -> None:
    memory = held()

    assert await memory.lock(SUBJECT, "one")
    assert await memory.lock(SUBJECT, "another")
    await memory.unlock(SUBJECT, "one")


async def test_other_records_are_out_of_reach() -> None:
    memory = held()

    with pytest.raises(DefinitionError, match="asked for the record 'process/2'"):
        await memory.read("process/2")
    with pytest.raises(DefinitionError, match="only the record under the event's own subject"):
        await memory.write("process/2", {}, None)
    with pytest.raises(DefinitionError):
        await memory.lock("process/2", "one")


async def test_text_is_read_and_held_as_it_is() -> None:
    memory = held()
    before = await memory.read_text(SUBJECT)
    assert before is not None
    text = b'{ "status": "done", "parentSubject": "process/0", "count": 2 }'
    await memory.write_text(SUBJECT, text, before)

    assert await memory.read_text(SUBJECT) == text
    assert memory.written is not None
    assert memory.written.record_json == text
    assert (memory.written.status, memory.written.parent_subject) == (WorkflowStatus.DONE, "process/0")
    with pytest.raises(StaleWriteError):
        await memory.write_text(SUBJECT, text, before)
    with pytest.raises(DefinitionError):
        await memory.read_text("process/2")


def test_workflows_speak_text_with_it() -> None:
    assert text_memory(held()) is not None


@pytest.mark.parametrize(
    ("record", "timers"),
    [
        (None, set[str]()),
        ({"status": "active"}, set[str]()),
        ({"timers": {"wake": "a", "deadline:c": "b"}}, {"a", "b"}),
        ({"timers": None, "state$$": {"timers": {"wake": "a"}}}, set[str]()),
        ({"timers": ["a"]}, set[str]()),
    ],
)
def test_the_timers_of_a_record_are_found(record: dict[str, Any] | None, timers: set[str]) -> None:
    assert timers_in(None if record is None else json.dumps(record).encode()) == timers
