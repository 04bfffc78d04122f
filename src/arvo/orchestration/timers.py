"""Timers: events that a workflow sends to itself for later, and how its record keeps track of them.

A timer that is no longer in the record is not wanted any more, whatever became of its event. Who asks for timers are
the kinds of workflow; who holds their events back is the runtime, by `arvo.events.split_delay`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

import msgspec
from pydantic.alias_generators import to_camel

from arvo.contracts import Payload, read_payload
from arvo.errors import ContractViolation, ExecutionViolation, Issue
from arvo.events import LONGEST_DELAY

if TYPE_CHECKING:
    from arvo.events import Event

__all__ = [
    "MAX_TIMERS",
    "NO_DEADLINES",
    "NO_TIMERS",
    "TIMERS",
    "TIMER_ELAPSED",
    "TIMER_SCHEMA",
    "WAKE",
    "Timeout",
    "Timer",
    "can_wait",
    "deadline",
    "deadline_of",
    "limited",
    "read_timeout",
    "wanted_timers",
]

TIMER_ELAPSED: Final = "arvo.timer.elapsed"
"""The type of the events that tell a workflow that a timer has elapsed."""

TIMER_SCHEMA: Final = "#/arvo/timer.elapsed/1.0.0"
"""Their dataschema."""

TIMERS: Final = "timers"
"""The member of the record that has the id of each timer's event by the timer's name. There is none without timers."""

MAX_TIMERS: Final = 1000
"""How many timers one workflow may have at a time."""

WAKE: Final = "wake"
"""The timer of a `Wait` with `wake_after`."""

NO_TIMERS: Final[Mapping[str, str]] = MappingProxyType({})
NO_DEADLINES: Final[Mapping[int, timedelta]] = MappingProxyType({})


class Timeout(Payload, event_type=TIMER_ELAPSED, alias_generator=to_camel):
    """Time has passed: for a `Wait` with `wake_after`, or since a call with a `deadline` that nobody answered.

    case Timeout(call_type=charge_v1.accepted_type): ...  # no answer to a charge in time
    case Timeout(): ...  # nothing at all happened for so long
    """

    timer: str
    """The name by which the workflow's record knows the timer."""
    call_id: str | None = None
    """The id of the call that was not answered; None when no deadline is the reason."""
    call_type: str | None = None
    """The event type of that call."""


class Timer(msgspec.Struct, frozen=True):
    """A timer to be started: what to say when it elapses, and after what time."""

    timeout: Timeout
    after: timedelta


def deadline(call: Event[Any], after: timedelta) -> Timer:
    """The timer of a call that is to be answered within a certain time."""
    return Timer(Timeout(timer=deadline_of(call.id), call_id=call.id, call_type=call.type), after)


def deadline_of(call_id: str | None) -> str:
    """The name of the timer that ends with the first reply to a call."""
    return f"deadline:{call_id}"


def wanted_timers(record: Mapping[str, Any]) -> frozenset[str]:
    """The ids of the timer events that the workflow of this record still waits for; none once it is over.

    A timer event that is not among them has no effect any more, so a runtime need not go on holding it back.
    """
    timers: object = record.get(TIMERS)
    if not isinstance(timers, Mapping):
        return frozenset()
    return frozenset(each for each in cast("Mapping[str, object]", timers).values() if isinstance(each, str))


def can_wait(after: object) -> TypeGuard[timedelta]:
    """Whether it is a time that a timer can have."""
    return isinstance(after, timedelta) and timedelta(0) <= after <= LONGEST_DELAY


def limited(timers: Mapping[str, str], *, workflow: str) -> Mapping[str, str]:
    """The timers, if there are not too many of them."""
    if len(timers) > MAX_TIMERS:
        raise ExecutionViolation(
            f"Workflow {workflow} asked for {len(timers):,} timers, but can have {MAX_TIMERS:,} at a time. Let one "
            "timer stand for several calls, for example by wake_after."
        )
    return timers


def read_timeout(event: Event[Any]) -> Event[Timeout]:
    """The event of a timer with its data as a payload."""
    if event.dataschema != TIMER_SCHEMA:
        problem = f"dataschema {event.dataschema!r} is not {TIMER_SCHEMA!r}"
        raise ContractViolation(
            f"Event {event.id!r} of type {event.type!r} cannot be read: {problem}. Deploy a version of this library "
            "that is as new as the one that sent it.",
            issues=[Issue(("dataschema",), problem, "foreign_dataschema")],
        )
    if type(event.model) is Timeout:
        return event
    return event.with_data(read_payload(Timeout, event.data_json, subject_matter=f"Data of {event.type!r}"))
