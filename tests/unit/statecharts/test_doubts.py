"""What a chart may be asked about although it works."""

from __future__ import annotations

from typing import Any

import pytest

from arvo.statecharts import doubts, reachable_states
from tests.unit.statecharts.playing import chart_of

Json = Any


def found(states: Json, **root: Json) -> list[tuple[str, str]]:
    return [(str(doubt.path[0]), doubt.code) for doubt in doubts(chart_of(states, **root))]


def test_chart_in_order_raises_no_doubts() -> None:
    assert (
        found({"a": {"on": {"go": "b"}}, "b": {"always": "c"}, "c": {"after": {"5": "d"}}, "d": {"type": "final"}})
        == []
    )


def test_state_without_a_way_to_it_is_doubted() -> None:
    assert found({"a": {}, "b": {"on": {"go": "a"}}}) == [("#m.b", "unreachable_state")]


def test_states_that_only_lead_to_each_other_are_doubted() -> None:
    assert found({"a": {}, "b": {"on": {"go": "c"}}, "c": {"on": {"go": "b"}}}) == [
        ("#m.b", "unreachable_state"),
        ("#m.c", "unreachable_state"),
    ]


def test_final_state_without_a_way_to_it_is_doubted_as_such() -> None:
    states = {"a": {"initial": "x", "states": {"x": {}, "f": {"type": "final"}}}, "f": {"type": "final"}}
    chart = chart_of(states)
    assert [str(doubt) for doubt in doubts(chart)] == [
        "#m.a.f: no transition leads to this final state, so #m.a never ends in it",
        "#m.f: no transition leads to this final state, so the chart never ends in it",
    ]


def test_only_the_outermost_unreachable_state_is_named() -> None:
    assert found({"a": {}, "b": {"initial": "x", "states": {"x": {}, "y": {"type": "final"}}}}) == [
        ("#m.b", "unreachable_state")
    ]


@pytest.mark.parametrize(
    "way",
    [
        {"on": {"go": {"target": "b", "guard": "below"}}},
        {"on": {"*": "b"}},
        {"always": "b"},
        {"after": {"1": "b"}},
        {"on": {"go": "c.h"}},
        {"on": {"go": "#m.c"}},
    ],
)
def test_every_kind_of_transition_is_a_way(way: Json) -> None:
    states = {
        "a": way,
        "b": {},
        "c": {"initial": "x", "states": {"x": {"on": {"go": "#m.b"}}, "h": {"type": "history"}}},
    }
    assert ("#m.b", "unreachable_state") not in found(states)


def test_regions_and_done_transitions_are_ways() -> None:
    states: Json = {
        "p": {"type": "parallel", "states": {"r": {"initial": "x", "states": {"x": {}}}, "s": {}}, "onDone": "b"},
        "b": {},
    }
    assert {state.id for state in reachable_states(chart_of(states))} == {
        "m",
        "m.p",
        "m.p.r",
        "m.p.r.x",
        "m.p.s",
        "m.b",
    }


def test_star_that_matches_nothing_is_doubted() -> None:
    doubt, *others = doubts(chart_of({"a": {"on": {"order.*.paid": {}, "order.*": {}, "*": {}}}}))
    assert (doubt.path, doubt.code, others) == (("#m.a", "on", "order.*.paid"), "dead_descriptor", [])
