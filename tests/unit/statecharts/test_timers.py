"""Delays: the chart asks for timers to start and to cancel, and takes their events later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from arvo.errors import DefinitionError
from arvo.statecharts import CancelTimer, Definition, StartTimer, from_xstate
from tests.unit.statecharts.playing import chart_of, last, play

Json = Any
SECOND = timedelta(seconds=1)
TIMER = "xstate.after.1000.m.a"


def waiting(**more: Json) -> Definition:
    return chart_of(
        {
            "a": {"after": {"1000": "late"}, "on": {"go": "b", "again": {"target": "a", "reenter": True}, **more}},
            "b": {},
            "late": {},
        }
    )


def test_entering_starts_the_timer_and_leaving_cancels_it() -> None:
    assert [step.timers for step in play(waiting(), "go")] == [(StartTimer(TIMER, SECOND),), (CancelTimer(TIMER),)]


def test_timer_event_takes_the_delayed_transition() -> None:
    step = last(waiting(), TIMER)
    assert (step.snapshot["value"], step.timers) == ("late", (CancelTimer(TIMER),))


def test_timer_event_that_comes_too_late_changes_nothing() -> None:
    assert last(waiting(), "go", TIMER).snapshot["value"] == "b"


def test_entering_again_starts_the_timer_anew() -> None:
    assert last(waiting(), "again").timers == (StartTimer(TIMER, SECOND),)


def test_an_event_that_stays_touches_no_timer() -> None:
    assert last(waiting(stay={"actions": "count"}), "stay").timers == ()


def test_state_passed_through_within_one_step_leaves_no_timer_running() -> None:
    chart = chart_of({"s": {"on": {"go": "a"}}, "a": {"after": {"1000": "b"}, "always": "b"}, "b": {}})
    assert last(chart, "go").timers == (CancelTimer(TIMER),)


def test_end_of_the_chart_cancels_every_timer() -> None:
    states: Json = {
        "r": {"after": {"1000": {}}},
        "s": {"initial": "x", "states": {"x": {"after": {"5": {}}, "on": {"go": "f"}}, "f": {"type": "final"}}},
    }
    chart = chart_of(
        {"p": {"type": "parallel", "states": states, "on": {"end": "f"}}, "f": {"type": "final"}},
    )
    assert last(chart, "end").timers == (CancelTimer("xstate.after.5.m.p.s.x"), CancelTimer("xstate.after.1000.m.p.r"))


def test_end_of_a_chart_cancels_the_timers_of_states_that_stay() -> None:
    chart = chart_of({"f": {"type": "final"}, "a": {"on": {"go": "f"}}}, initial="a", after={"1000": {}})
    assert last(chart, "go").timers == (CancelTimer("xstate.after.1000.m"),)


def test_delays_can_be_named_and_computed() -> None:
    document = {
        "id": "m",
        "context": {"n": 2},
        "initial": "a",
        "states": {"a": {"after": {"fixed": "b", "patience": "b"}}, "b": {}},
    }
    chart = from_xstate(
        document,
        delays={"fixed": SECOND, "patience": lambda context, _event: timedelta(minutes=context["n"])},
    )
    assert last(chart).timers == (
        StartTimer("xstate.after.fixed.m.a", SECOND),
        StartTimer("xstate.after.patience.m.a", timedelta(minutes=2)),
    )


def test_shortest_delay_starts_first_as_javascript_orders_numbers() -> None:
    chart = chart_of({"a": {"after": {"200": "b", "1.5": "b", "30": "b"}}, "b": {}})
    assert [timer.id for timer in last(chart).timers] == [
        "xstate.after.30.m.a",
        "xstate.after.200.m.a",
        "xstate.after.1.5.m.a",
    ]


def test_long_delays_are_named_exactly() -> None:
    chart = chart_of({"a": {"after": {"86400000": "b", "2.0": "b"}}, "b": {}})
    assert last(chart).timers == (
        StartTimer("xstate.after.86400000.m.a", timedelta(days=1)),
        StartTimer("xstate.after.2.m.a", timedelta(milliseconds=2)),
    )


def test_guards_of_delayed_transitions_are_tried_in_order() -> None:
    guarded = [{"target": "b", "guard": {"type": "below", "params": 0}}, {"target": "c"}]
    chart = chart_of({"a": {"after": {"1000": guarded}}, "b": {}, "c": {}})
    assert last(chart, TIMER).snapshot["value"] == "c"


@pytest.mark.parametrize("key", ["soon", "-1", "nan", "inf", "1_000", "1e400", "9" * 30, ""])
def test_delay_that_is_neither_a_duration_nor_known_is_refused(key: str) -> None:
    with pytest.raises(DefinitionError, match="neither milliseconds nor the name of a delay") as caught:
        chart_of({"a": {"after": {key: "b"}}, "b": {}})
    assert caught.value.issues[0].path == ("states", "a", "after", key)
