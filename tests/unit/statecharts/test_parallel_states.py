"""Regions: empty ones, many of them, and when their state is done."""

from __future__ import annotations

from typing import Any

from tests.unit.statecharts.playing import chart_of, emitted, last, play, saying

Json = Any
ENDING: Json = {"initial": "x", "states": {"x": {"on": {"end": "f"}}, "f": {"type": "final"}}}


def test_parallel_state_without_regions_is_a_leaf_that_takes_events() -> None:
    chart = chart_of({"a": {"on": {"go": "p"}}, "p": {"type": "parallel", "states": {}, "on": {"back": "a"}}})
    assert [step.snapshot["value"] for step in play(chart, "go", "back")] == ["a", {"p": {}}, "a"]


def test_parallel_state_without_regions_takes_no_eventless_transition_of_its_own() -> None:
    """As in XState, which looks for them from atomic states only."""
    chart = chart_of({"p": {"type": "parallel", "always": "b"}, "b": {}})
    assert last(chart, "x").snapshot["value"] == {"p": {}}


def test_regions_end_in_order_before_their_state_does() -> None:
    on = {f"xstate.done.state.m{suffix}": {"actions": saying(suffix)} for suffix in (".p", ".p.r", ".p.s")}
    chart = chart_of({"p": {"type": "parallel", "states": {"r": ENDING, "s": ENDING}}}, on=on)
    assert emitted(last(chart, "end")) == [".p.r", ".p.s", ".p"]


def test_parallel_root_is_done_with_its_last_region() -> None:
    later = {"initial": "x", "states": {"x": {"on": {"later": "f"}}, "f": {"type": "final", "output": 1}}}
    chart = chart_of({"r": ENDING, "s": later}, type="parallel", output={"all": "done"})
    assert [step.status for step in play(chart, "end", "later")] == ["active", "active", "done"]
    assert last(chart, "end", "later").output == {"all": "done"}


def test_outer_transition_is_taken_when_no_region_takes_the_event() -> None:
    regions: Json = {"r": {"on": {"go": {"actions": saying("r")}}}, "s": {}}
    chart = chart_of(
        {"p": {"type": "parallel", "states": regions, "on": {"*": {"actions": saying("p")}}}},
        on={"*": {"actions": saying("m")}},
    )
    assert [emitted(step) for step in play(chart, "go", "other")] == [[], ["r"], ["p"]]


def test_nested_regions_hand_an_event_out_one_level_at_a_time() -> None:
    inner: Json = {"type": "parallel", "states": {"x": {}, "y": {}}, "on": {"go": {"actions": saying("inner")}}}
    outer: Json = {"q": inner, "r": {"on": {"go": {"actions": saying("r")}}}, "s": {}}
    chart = chart_of({"p": {"type": "parallel", "states": outer, "on": {"go": {"actions": saying("p")}}}})
    assert emitted(last(chart, "go")) == ["inner", "r"]


def test_a_thousand_regions_act_on_one_event() -> None:
    regions = {
        f"r{n}": {"initial": "x", "states": {"x": {"on": {"go": {"target": "y", "actions": "count"}}}, "y": {}}}
        for n in range(1000)
    }
    step = last(chart_of(regions, type="parallel"), "go")
    assert step.snapshot["context"] == {"count": 1000}
    assert set(step.snapshot["value"].values()) == {"y"}
