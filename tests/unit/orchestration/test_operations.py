"""What operators read in records and make of them, on the records that workflows leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from pydantic import BaseModel

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import OrchestratorContract, Payload, ServiceError, SimpleContract, services
from arvo.errors import TransactionViolation
from arvo.events import Event, Subject
from arvo.orchestration import Done, Resumable, Turn, Wait
from arvo.orchestration.operations import (
    cancellation,
    cancelled_record,
    record_before_failure,
    view_of,
)
from arvo.ports.store.work import NO_RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping

STOPPED = ServiceError(error_name="WorkflowCancelled", error_message="enough")


class Fetch(Payload):
    what: str


class Fetched(Payload):
    what: str


fetch = SimpleContract("thing.fetch", uri="#/services/thing.fetch")
fetch_v1 = fetch.version("1.0.0", accepts=Fetch, emits=Fetched)


class Begin(Payload):
    count: int


class End(Payload):
    count: int


class Kept(BaseModel):
    count: int


flow = OrchestratorContract("flow", uri="#/orchestrators/flow")
flow_v1 = flow.version("1.0.0", accepts=Begin, emits=End)
run_flow = Resumable(flow)


@run_flow.on(flow_v1, state=Kept, services=services(fetch_v1))
async def advance(turn: Turn[Begin | Fetched | ServiceError, Kept]) -> Wait[Kept, Fetch] | Done[End]:
    match turn.event.data:
        case Begin(count=count):
            if count < 0:
                raise ValueError("less than nothing")
            return Wait(Kept(count=count), [Fetch(what=str(number)) for number in range(count)])
        case Fetched(what="broken"):
            raise ValueError("it is broken")
        case Fetched():
            assert turn.state is not None
            if len(turn.replies(Fetched)) < turn.state.count:
                return Wait(turn.state)
            return Done(End(count=turn.state.count))
        case other:
            raise ValueError(str(other))


def begin(count: int, **envelope: Any) -> Event[Begin]:
    return flow_v1.request(Begin(count=count), source="com.test.caller", id="begin", **envelope)


class Execution:
    """A workflow in memory."""

    def __init__(self) -> None:
        self.memory = InMemoryMachineMemory()
        self.bound = run_flow.bind(self.memory)
        self.subject = ""

    async def take(self, event: Event[Any]) -> list[Event[Any]]:
        self.subject = event.subject
        return await self.bound.execute(event)

    async def text(self) -> bytes:
        return msgspec.json.encode(await self.memory.read(self.subject))


def members(text: bytes) -> Mapping[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(text)
    return decoded


async def test_a_view_tells_the_calls_and_their_answers() -> None:
    execution = Execution()
    first, second = await execution.take(begin(2))
    view = view_of(await execution.text())
    assert [(call.id, call.answers) for call in view.calls] == [(first.id, ()), (second.id, ())]
    assert view.calls[0].event is not None
    assert view.calls[0].event.type == "com.thing.fetch"
    await execution.take(fetch_v1.reply(Fetched(what="0"), to=first))
    view = view_of(await execution.text())
    answers = {call.id: call.answers for call in view.calls}
    assert answers == {first.id: ("evt.thing.fetch.success",), second.id: ()}
    assert [call.event for call in view.calls] == [None, None]
    assert (view.init_event_id, view.parent_subject, view.error) == ("begin", None, None)
    assert view.state == b'{"count":2}'


async def test_a_view_tells_outputs_apart_from_calls() -> None:
    execution = Execution()
    (call,) = await execution.take(begin(1))
    (end,) = await execution.take(fetch_v1.reply(Fetched(what="0"), to=call))
    view = view_of(await execution.text())
    assert [output.id for output in view.outputs] == [end.id]
    assert [call.id for call in view.calls] == [call.id]


def test_a_view_of_a_statechart_has_its_snapshot() -> None:
    call: Event[Any] = Event(id="c", source="arvo.orc.x", type="com.thing.fetch", subject="s", data={})
    record = {
        "executionStatus": "normal",
        "initEventId": "i",
        "state": {"value": "a"},
        "events": {"produced": [call.to_dict()]},
        "timers": {"wake": "t"},
    }
    view = view_of(msgspec.json.encode(record))
    assert (view.state, view.timers) == (b'{"value":"a"}', ("wake",))
    assert [(each.id, each.answers) for each in view.calls] == [("c", None)]


def test_a_record_that_says_nothing_has_a_view() -> None:
    view = view_of(NO_RECORD)
    assert (view.init_event_id, view.calls, view.state, view.consumed) == (None, (), None, None)


@pytest.mark.parametrize("text", [b"[]", b"no record", b'{"events": 7}'])
def test_what_is_no_record_is_said_to_be_none(text: bytes) -> None:
    for read in (view_of, record_before_failure):
        with pytest.raises(TransactionViolation, match="This is not the record of a workflow: "):
            read(text)


async def test_a_cancelled_workflow_ignores_what_comes() -> None:
    execution = Execution()
    (call,) = await execution.take(begin(1))
    before = await execution.text()
    record = members(cancelled_record(before, subject=execution.subject, error=STOPPED))
    assert record["error"] == {"name": "WorkflowCancelled", "message": "enough", "stack": None}
    await execution.memory.write(execution.subject, record, members(before))
    assert await execution.take(fetch_v1.reply(Fetched(what="0"), to=call)) == []


def test_timers_are_gone_from_a_cancelled_record() -> None:
    text = msgspec.json.encode({"initEventId": "i", "timers": {"wake": "t"}})
    assert "timers" not in members(cancelled_record(text, subject="s", error=STOPPED))


async def test_a_workflow_cancelled_before_it_began_never_does() -> None:
    for text in (None, NO_RECORD):
        execution = Execution()
        event = begin(1)
        record = members(cancelled_record(text, subject=event.subject, error=STOPPED))
        await execution.memory.write(event.subject, record, None)
        assert await execution.take(event) == []


async def test_the_caller_hears_of_a_cancellation_as_of_a_failure() -> None:
    execution = Execution()
    await execution.take(begin(1))
    text = await execution.text()
    (event,) = cancellation(run_flow, text, subject=execution.subject, error=STOPPED)
    assert (event.type, event.to, event.subject) == ("sys.arvo.orc.flow.error", "com.test.caller", execution.subject)
    assert (event.parentid, event.data) == ("begin", STOPPED)
    assert flow_v1.parse_emitted(event).data == STOPPED
    again = cancellation(run_flow, text, subject=execution.subject, error=STOPPED)
    assert [each.id for each in again] == [event.id]


async def test_a_cancellation_is_told_to_the_parent_on_its_own_subject() -> None:
    parent = Subject.new(name="arvo.orc.parent", version="1.0.0", initiator="com.test.root").encode()
    execution = Execution()
    await execution.take(begin(1, parent_subject=parent))
    (event,) = cancellation(run_flow, await execution.text(), subject=execution.subject, error=STOPPED)
    assert event.subject == parent


async def test_a_version_that_is_gone_can_be_cancelled() -> None:
    execution = Execution()
    await execution.take(begin(1))
    text = await execution.text()
    gone = Subject.new(name="arvo.orc.flow", version="0.9.0", initiator="com.test.caller").encode()
    (event,) = cancellation(run_flow, text, subject=gone, error=STOPPED)
    assert event.type == "sys.arvo.orc.flow.error"


def test_a_record_without_its_beginning_cannot_be_told_of() -> None:
    subject = Subject.new(name="arvo.orc.flow", version="1.0.0", initiator="com.test.caller").encode()
    with pytest.raises(TransactionViolation, match="it does not say what it was begun by"):
        cancellation(run_flow, b"{}", subject=subject, error=STOPPED)


async def test_the_record_before_a_failure_takes_the_event_as_if_nothing_had_been() -> None:
    execution = Execution()
    first, second = await execution.take(begin(2))
    await execution.take(fetch_v1.reply(Fetched(what="0"), to=first))
    before = await execution.text()
    (failure,) = await execution.take(fetch_v1.reply(Fetched(what="broken"), to=second))
    failed = await execution.text()
    restored = record_before_failure(failed)
    assert members(restored) == members(before)
    await execution.memory.write(execution.subject, members(restored), members(failed))
    (end,) = await execution.take(fetch_v1.reply(Fetched(what="mended"), to=second))
    assert end.type == "arvo.orc.flow.done"
    # Both come of an event with the same id, and both may be on their way to the same caller.
    assert end.id != failure.id


async def test_a_failure_on_the_first_event_leaves_nothing_before_it() -> None:
    execution = Execution()
    await execution.take(begin(-1))
    assert record_before_failure(await execution.text()) == NO_RECORD
