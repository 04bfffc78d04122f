"""Charts that never settle are cut off with the cycle they went round; long ways that end are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import DefinitionError, EndlessLoop
from tests.unit.statecharts.playing import chart_of, last, raising

if TYPE_CHECKING:
    from arvo.statecharts import Definition

Json = Any


def cut(chart: Definition, *events: str) -> EndlessLoop:
    with pytest.raises(EndlessLoop) as caught:
        last(chart, *events)
    return caught.value


def test_eventless_cycle_is_named() -> None:
    chart = chart_of({"start": {"on": {"go": "a"}}, "a": {"always": "b"}, "b": {"always": "c"}, "c": {"always": "a"}})
    error = cut(chart, "go")
    assert sorted(error.states) == ["#m.a", "#m.b", "#m.c"]
    assert "Statechart 'm' did not settle in 10000 microsteps on one event" in str(error)
    assert f"{' -> '.join([*error.states, error.states[0]])}. Guard an 'always'" in str(error)


def test_cycle_of_raised_events_is_named() -> None:
    chart = chart_of(
        {"a": {"entry": raising("go"), "on": {"go": "b"}}, "b": {"entry": raising("go"), "on": {"go": "a"}}}
    )
    assert sorted(cut(chart).states) == ["#m.a", "#m.b"]


def test_done_event_that_starts_its_state_anew_is_named() -> None:
    states = {"s": {"initial": "f", "states": {"f": {"type": "final"}}, "onDone": {"target": "s", "reenter": True}}}
    assert cut(chart_of(states)).states == ("#m.s.f",)


def test_cycle_within_regions_names_all_active_leaves() -> None:
    turning = {"initial": "x", "states": {"x": {"always": "y"}, "y": {"always": "x"}}}
    chart = chart_of({"r": turning, "s": {}}, type="parallel")
    assert sorted(cut(chart).states) == ["#m.r.x + #m.s", "#m.r.y + #m.s"]


def test_assignment_that_never_ends_is_cut() -> None:
    assert cut(chart_of({"a": {"always": {"actions": "count"}}})).states == ("#m.a",)


def test_cycle_that_turns_off_its_way_is_found_without_its_beginning() -> None:
    states = {f"s{n}": {"always": f"s{n + 1}"} for n in range(20)} | {
        "s20": {"always": "s20b"},
        "s20b": {"always": "s20"},
    }
    assert sorted(cut(chart_of(states)).states) == ["#m.s20", "#m.s20b"]


def test_way_without_a_period_is_told_as_it_went() -> None:
    """Every round is one state longer, so no cycle repeats; the last states are named nevertheless."""
    states: Json = {f"s{n}": {"always": f"s{n + 1}"} for n in range(400)} | {"s400": {"always": "s0"}}
    assert len(cut(chart_of(states)).states) > 100


def test_long_way_that_ends_is_not_cut() -> None:
    states: Json = {"a": {"always": {"guard": {"type": "below", "params": 9_000}, "actions": "count"}}}
    assert last(chart_of(states)).snapshot["context"] == {"count": 9_000}


def test_limit_of_the_document_counts() -> None:
    states: Json = {"a": {"always": {"guard": {"type": "below", "params": 50}, "actions": "count"}}}
    assert last(chart_of(states, options={"maxIterations": 60})).snapshot["context"] == {"count": 50}
    assert "in 40 microsteps" in str(cut(chart_of(states, options={"maxIterations": 40})))


def test_endless_loops_are_for_the_author_to_mend() -> None:
    assert issubclass(EndlessLoop, DefinitionError)
