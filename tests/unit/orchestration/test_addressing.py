"""Workflows that call workflows: subjects of children, parents in requests, and where outputs and errors go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import OrchestratorContract, Payload, ServiceError, WithParentSubject, services
from arvo.errors import ContractViolation, ExecutionViolation, TransactionViolation
from arvo.events import Subject
from arvo.handlers import Domain, Emit
from arvo.orchestration import BoundWorkflow, Done, Ignored, Outcome, Resumable, Turn, Wait
from tests.unit.orchestration.memories import FaultyMemory

if TYPE_CHECKING:
    from arvo.events import Event


class Travel(Payload):
    city: str


class Travelled(Payload):
    room: int


class BookRoom(Payload):
    city: str


class RoomBooked(Payload):
    room: int


class Nothing(BaseModel):
    pass


trip = OrchestratorContract("trip", uri="#/orchestrators/trip")
trip_v1 = trip.version("1.0.0", accepts=Travel, emits=Travelled)
hotel = OrchestratorContract("hotel", uri="#/orchestrators/hotel", domain="hotels")
hotel_v1 = hotel.version("1.0.0", accepts=BookRoom, emits=RoomBooked)

book_hotel = Resumable(hotel)


@book_hotel.on(hotel_v1, state=Nothing)
async def book(turn: Turn[BookRoom, Nothing]) -> Done[RoomBooked]:
    if turn.event.data.city == "nowhere":
        raise LookupError("no such city")
    return Done(RoomBooked(room=7))


def trips(call: Any = None, memory: Any = None) -> BoundWorkflow:
    """A workflow that calls the hotel workflow with `call`, plainly by default."""
    workflow = Resumable(trip)

    @workflow.on(trip_v1, state=Nothing, services=services(hotel_v1))
    async def advance(
        turn: Turn[Travel | RoomBooked | ServiceError, Nothing],
    ) -> Wait[Nothing, BookRoom] | Done[Travelled]:
        match turn.event.data:
            case Travel(city=city):
                return Wait(calls=[BookRoom(city=city) if call is None else call])
            case RoomBooked(room=room):
                return Done(Travelled(room=room))
            case ServiceError():
                return Done(Travelled(room=-1))

    return workflow.bind(InMemoryMachineMemory() if memory is None else memory)


def travel(city: str = "oslo", **attributes: Any) -> Event[Travel]:
    return trip_v1.request(Travel(city=city), source="com.web.shop", **attributes)


async def test_a_child_answers_its_parent() -> None:
    parent, child = trips(), book_hotel.bind(InMemoryMachineMemory())
    start = travel()
    (call,) = await parent.execute(start)
    (booked,) = await child.execute(call)
    assert (booked.to, booked.subject, booked.parentid) == ("arvo.orc.trip", start.subject, call.id)
    (done,) = await parent.execute(booked)
    assert (done.data, done.to, done.parentid) == (Travelled(room=7), "com.web.shop", start.id)


async def test_a_child_has_a_subject_of_its_own_that_descends_from_its_parents() -> None:
    start = trip_v1.request(Travel(city="oslo"), source="com.web.shop", domain="travel", redirectto="com.audit.log")
    (call,) = await trips().execute(start)
    child = Subject.parse(call.subject)
    assert (child.name, child.version, child.initiator) == ("arvo.orc.hotel", "1.0.0", "arvo.orc.trip")
    assert (child.domain, dict(child.meta)) == ("travel", {"redirectto": "arvo.orc.trip"})
    assert (call.subject != start.subject, call.redirectto, call.domain) == (True, "arvo.orc.trip", None)
    assert call.to_dict()["data"] == {"parentSubject$$": start.subject, "city": "oslo"}


async def test_a_child_called_into_its_own_domain_lives_there_and_answers_into_the_parents() -> None:
    parent = trips(Emit(BookRoom(city="oslo"), domain=Domain.FROM_EVENT_CONTRACT))
    start = travel(domain="travel")
    (call,) = await parent.execute(start)
    assert (call.domain, Subject.parse(call.subject).domain) == ("hotels", "hotels")
    (booked,) = await book_hotel.bind(InMemoryMachineMemory()).execute(call)
    assert booked.domain == "travel"


async def test_a_child_without_a_parent_ends_on_its_own_subject() -> None:
    parent, child = trips(Emit(BookRoom(city="oslo"), parent_subject=None)), book_hotel.bind(InMemoryMachineMemory())
    (call,) = await parent.execute(travel())
    assert call.to_dict()["data"]["parentSubject$$"] is None
    assert Subject.parse(call.subject).initiator == "arvo.orc.trip"
    (booked,) = await child.execute(call)
    assert (booked.subject, booked.to) == (call.subject, "arvo.orc.trip")
    assert await parent.run(booked) == Outcome(ignored=Ignored.OTHER_WORKFLOW)


async def test_a_child_may_be_given_another_parent() -> None:
    other = travel().subject
    (call,) = await trips(Emit(BookRoom(city="oslo"), parent_subject=other)).execute(travel())
    (booked,) = await book_hotel.bind(InMemoryMachineMemory()).execute(call)
    assert booked.subject == other


async def test_a_parent_that_is_no_workflow_is_refused_before_the_call_goes_out() -> None:
    with pytest.raises(ExecutionViolation, match="'garbage', which is not the subject of a workflow"):
        await trips(Emit(BookRoom(city="oslo"), parent_subject="garbage")).execute(travel())


async def test_a_request_from_a_parent_that_is_no_workflow_is_refused() -> None:
    start = travel()
    bad = start.with_data({"city": "oslo", "parentSubject$$": "garbage"})
    memory = FaultyMemory()
    with pytest.raises(ContractViolation, match="'garbage' is not the subject of a workflow") as caught:
        await trips(memory=memory).execute(bad)
    assert [issue.path for issue in caught.value.issues] == [("parentSubject$$",)]
    assert await memory.read(start.subject) is None


async def test_the_failure_of_a_child_reaches_its_parent() -> None:
    parent, child = trips(), book_hotel.bind(InMemoryMachineMemory())
    start = travel("nowhere")
    (call,) = await parent.execute(start)
    (error,) = await child.execute(call)
    assert (error.type, error.to, error.subject) == ("sys.arvo.orc.hotel.error", "arvo.orc.trip", start.subject)
    assert error.parentid == call.id
    (done,) = await parent.execute(error)
    assert done.data == Travelled(room=-1)


async def test_a_call_repeated_after_a_lost_write_starts_the_same_child() -> None:
    memory = FaultyMemory()
    parent, twin = trips(memory=memory), trips()
    start = travel()
    memory.broken = {"write"}
    with pytest.raises(TransactionViolation):
        await parent.execute(start)
    memory.broken = set()
    (call,) = await parent.execute(start)
    (again,) = await twin.execute(start)
    assert (call.id, Subject.parse(call.subject)) == (again.id, Subject.parse(again.subject))


async def test_children_of_workflows_whose_requests_share_an_id_are_different() -> None:
    parent = trips()
    (first,) = await parent.execute(travel(id="1"))
    (second,) = await parent.execute(travel(id="1"))
    assert first.subject != second.subject


async def test_a_child_for_each_of_several_domains() -> None:
    calls = await trips(Emit(BookRoom(city="oslo"), domain=(None, "mirror"))).execute(travel())
    assert [Subject.parse(call.subject).domain for call in calls] == [None, "mirror"]
    assert len({Subject.parse(call.subject).execution_id for call in calls}) == 2


async def test_a_request_class_that_names_the_parent_itself_is_taken_at_its_word() -> None:
    class BookSuite(WithParentSubject):
        pass

    suite = OrchestratorContract("suite", uri="#/orchestrators/suite")
    suite_v1 = suite.version("1.0.0", accepts=BookSuite, emits=RoomBooked)
    workflow = Resumable(trip)

    @workflow.on(trip_v1, state=Nothing, services=services(suite_v1))
    async def advance(turn: Turn[Travel | RoomBooked | ServiceError, Nothing]) -> Wait[Nothing, BookSuite]:
        return Wait(calls=[BookSuite(parent_subject=other), BookSuite(parent_subject=turn.event.subject)])

    other = travel().subject
    start = travel()
    calls = await workflow.bind(InMemoryMachineMemory()).execute(start)
    assert [call.data.parent_subject for call in calls] == [other, start.subject]
