"""Statechart workflows that call statechart workflows, in Python and in the JSON of the TypeScript system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import OrchestratorContract, Payload, services
from arvo.errors import ContractViolation, ExecutionViolation
from arvo.events import Subject
from arvo.handlers import Emit
from arvo.orchestration import BoundWorkflow, Machine, Orchestrator
from tests.unit.orchestration.documents import one_state
from tests.unit.orchestration.orders import record_of

Call = Callable[[Any], Any]


class Trip(Payload):
    city: str


class Book(Payload):
    city: str


class Booked(Payload):
    city: str


hotel = OrchestratorContract("hotel", uri="#/orchestrators/hotel")
hotel_v1 = hotel.version("1.0.0", accepts=Book, emits=Booked)
trip = OrchestratorContract("trip", uri="#/orchestrators/trip")
trip_v1 = trip.version("1.0.0", accepts=Trip, emits=Booked)
HOTEL = Orchestrator(
    hotel,
    [
        Machine.from_xstate(
            hotel_v1,
            one_state(type="final"),
            services=services(),
            context=lambda event: {"city": event.data.city},
            output=lambda context, _: Booked(city=context["city"]),
        )
    ],
)


def trip_workflow(call: Call) -> BoundWorkflow:
    """Calls the hotel as told, and ends when it has booked."""
    machine = Machine.from_xstate(
        trip_v1,
        {
            "id": "trip",
            "initial": "booking",
            "states": {
                "booking": {"entry": "book", "on": {"arvo.orc.hotel.done": {"target": "booked", "actions": "note"}}},
                "booked": {"type": "final"},
            },
        },
        services=services(hotel_v1),
        context=lambda event: {"city": event.data.city, "subject": event.subject},
        calls={"book": lambda context, _event, _params: call(context)},
        actions={"note": lambda _context, event, _params: {"city": event.data.city.upper()}},
        output=lambda context, _: Booked(city=context["city"]),
    )
    return Orchestrator(trip, [machine]).bind(InMemoryMachineMemory())


def in_python(**directives: Any) -> Call:
    """A call of the hotel as a payload."""

    def call(context: Any) -> Book | Emit[Book]:
        book = Book(city=context["city"])
        return Emit(book, **directives) if directives else book

    return call


def in_json(**data: Any) -> Call:
    """A call of the hotel as JSON, whose parent is in the context unless it is given."""
    return lambda context: {
        "type": "arvo.orc.hotel",
        "data": {"parentSubject$$": context["subject"], "city": context["city"], **data},
    }


NO_PARENT: dict[str, Any] = {"parentSubject$$": None}
GARBAGE: dict[str, Any] = {"parentSubject$$": "garbage"}


@pytest.mark.parametrize("call", [in_python(), in_json()])
async def test_a_child_descends_from_its_parent_and_reports_to_it(call: Call) -> None:
    parent, child = trip_workflow(call), HOTEL.bind(InMemoryMachineMemory())
    start = trip_v1.request(Trip(city="Oslo"), source="com.web.shop", domain="north")
    (booking,) = await parent.execute(start)
    subject = Subject.parse(booking.subject)
    assert (subject.name, subject.initiator, subject.domain) == ("arvo.orc.hotel", "arvo.orc.trip", "north")
    assert (booking.parentid, booking.data.parent_subject) == (start.id, start.subject)
    (booked,) = await child.execute(booking)
    assert (booked.subject, booked.to, booked.parentid) == (start.subject, "arvo.orc.trip", booking.id)
    assert (await record_of(child, booking))["parentSubject"] == start.subject
    (done,) = await parent.execute(booked)
    assert done.data == Booked(city="OSLO")


@pytest.mark.parametrize("call", [in_python(parent_subject=None), in_json(**NO_PARENT)])
async def test_a_child_without_a_parent_is_a_workflow_of_its_own(call: Call) -> None:
    (booking,) = await trip_workflow(call).execute(trip_v1.request(Trip(city="Oslo"), source="com.web.shop"))
    (booked,) = await HOTEL.bind(InMemoryMachineMemory()).execute(booking)
    assert (booked.subject, booked.to) == (booking.subject, "arvo.orc.trip")


@pytest.mark.parametrize("call", [in_python(parent_subject="garbage"), in_json(**GARBAGE)])
async def test_a_parent_that_is_no_workflow_is_refused_before_the_call_goes_out(call: Call) -> None:
    with pytest.raises(ExecutionViolation, match="not the subject of a workflow"):
        await trip_workflow(call).execute(trip_v1.request(Trip(city="Oslo"), source="com.web.shop"))


async def test_a_call_in_json_says_whether_it_has_a_parent() -> None:
    call = {"type": "arvo.orc.hotel", "data": {"city": "Oslo"}}
    workflow = trip_workflow(lambda _: call)
    with pytest.raises(ContractViolation, match=r"parentSubject\$\$"):
        await workflow.execute(trip_v1.request(Trip(city="Oslo"), source="com.web.shop"))


async def test_a_call_repeated_after_a_lost_write_starts_the_same_child() -> None:
    start = trip_v1.request(Trip(city="Oslo"), source="com.web.shop")
    (first,), (second,) = [await trip_workflow(in_json()).execute(start) for _ in range(2)]
    assert (first.id, first.subject) == (second.id, second.subject)
