"""Events that are to arrive later say so, and say so no longer once somebody has taken note."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import InvalidEvent
from arvo.events import DELIVER_AFTER, LONGEST_DELAY, Event, JsonObject, delayed, split_delay

EVENT: Event[JsonObject] = Event(type="com.card.charge", source="com.web", subject="order/1", data={}, id="1")


@given(st.integers(0, 10**12))
def test_a_delay_comes_back_after_a_journey_as_json(milliseconds: int) -> None:
    asked = timedelta(milliseconds=milliseconds)
    event, after = split_delay(Event.from_json(delayed(EVENT, asked).to_json()))
    assert after == asked
    assert event == EVENT


def test_an_event_without_a_delay_is_left_as_it_is() -> None:
    event, after = split_delay(EVENT)
    assert event is EVENT
    assert after is None


def test_other_extensions_stay() -> None:
    event = EVENT.replace(extensions={"priority": 3})
    arrived, after = split_delay(delayed(event, timedelta(hours=1)))
    assert after == timedelta(hours=1)
    assert arrived.extensions == {"priority": 3}


def test_null_asks_for_no_delay() -> None:
    event, after = split_delay(EVENT.replace(extensions={DELIVER_AFTER: None}))
    assert after is None
    assert DELIVER_AFTER not in event.extensions


@pytest.mark.parametrize("asked", [-1, 1e300, 3155760000001, "1000", True])
def test_a_delay_that_cannot_be_is_refused(asked: float | str) -> None:
    event = EVENT.replace(extensions={DELIVER_AFTER: asked})
    with pytest.raises(InvalidEvent, match="milliseconds") as caught:
        split_delay(event)
    assert caught.value.issues[0].path == (DELIVER_AFTER,)


@pytest.mark.parametrize("after", [timedelta(seconds=-1), LONGEST_DELAY + timedelta(seconds=1)])
def test_a_delay_that_cannot_be_is_not_asked_for(after: timedelta) -> None:
    with pytest.raises(InvalidEvent, match="hundred years"):
        delayed(EVENT, after)
