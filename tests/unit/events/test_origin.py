"""Ids and times of new events come from the system, or from what a simulation puts in its place."""

from __future__ import annotations

from contextvars import copy_context
from uuid import UUID

from arvo.events import Event, Subject, new_event_id
from arvo.events.origin import use_origin


class Counting:
    def __init__(self) -> None:
        self.made = 0

    def id_bytes(self) -> bytes:
        self.made += 1
        return self.made.to_bytes(16, "big")

    def now_ns(self) -> int:
        return 1_900_000_000_123_456_789


def an_event() -> Event[object]:
    return Event(type="com.a.b", source="com.c.d", subject="s", data={})


def test_an_origin_gives_the_ids_and_the_time_of_new_events() -> None:
    origin = Counting()
    context = copy_context()
    context.run(use_origin, origin)

    event = context.run(an_event)

    assert (UUID(event.id).version, event.id[-2:]) == (4, "01")
    assert event.time == "2030-03-17T17:46:40.123+00:00"
    subject = context.run(lambda: Subject.new(name="arvo.orc.a", version="1.0.0", initiator="com.c.d"))
    assert subject.execution_id[-2:] == "02"


def test_other_contexts_are_not_affected() -> None:
    origin = Counting()
    copy_context().run(use_origin, origin)
    assert new_event_id() != new_event_id()
    assert origin.made == 0
