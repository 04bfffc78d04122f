"""What a step costs, counted in calls: it depends on the states it changes and not on the size of the chart."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from arvo.statecharts import Definition, transition
from tests.unit.statecharts.playing import chart_of, last, stored

if TYPE_CHECKING:
    from types import FrameType


def calls_per_event(chart: Definition, *events: str) -> int:
    """The number of Python and C calls that the last event takes."""
    snapshot = stored(last(chart, *events[:-1]))
    transition(chart, snapshot, {"type": events[-1]})
    calls = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        transition(chart, snapshot, {"type": events[-1]})
    finally:
        sys.setprofile(None)
    return calls


def ring(size: int) -> Definition:
    return chart_of(
        {f"s{n}": {"on": {"go": {"target": f"s{(n + 1) % size}", "actions": "count"}}} for n in range(size)}
    )


def nested_ring(size: int) -> Definition:
    groups = {
        f"g{n}": {"initial": "x", "on": {"next": f"g{(n + 1) % size}"}, "states": {"x": {"on": {"go": "y"}}, "y": {}}}
        for n in range(size)
    }
    return chart_of(groups)


def test_a_step_in_a_thousand_states_costs_as_much_as_in_three() -> None:
    assert calls_per_event(ring(1000), "go", "go") == calls_per_event(ring(3), "go", "go")


def test_a_step_in_a_thousand_nested_states_costs_as_much_as_in_three() -> None:
    for events in (("next", "go"), ("next", "next")):
        assert calls_per_event(nested_ring(500), *events) == calls_per_event(nested_ring(3), *events)


def test_an_event_nobody_takes_costs_a_look_per_ancestor() -> None:
    assert calls_per_event(ring(1000), "unknown") < calls_per_event(ring(3), "go")
