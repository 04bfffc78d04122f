"""Where XState ends in an impossible set of states, this engine takes the nearest possible one."""

from __future__ import annotations

from typing import Any

from tests.unit.statecharts.playing import chart_of, emitted, last, play, saying

Json = Any

REGIONS: dict[str, Json] = {
    "r": {"initial": "x", "states": {"x": {}, "y": {"on": {"back": "#m.p.h"}}}, "on": {"next": ".y"}},
    "s": {"initial": "x", "states": {"x": {}, "y": {}}, "on": {"next": ".y"}},
}


def parallel(**config: Json) -> Json:
    states = {**REGIONS, "h": {"type": "history", **config.pop("h", {})}}
    return {
        "p": {"type": "parallel", "states": states, "entry": saying("in"), "exit": saying("out"), **config},
        "b": {},
    }


def test_parallel_state_led_to_its_own_unvisited_history_is_left_and_entered() -> None:
    """XState leaves it and never enters it again."""
    step = last(chart_of(parallel()), "next", "back")
    assert emitted(step) == ["out", "in"]
    assert step.snapshot["value"] == {"p": {"r": "x", "s": "x"}}


def test_deep_history_reached_from_inside_keeps_what_was_just_left() -> None:
    step = last(chart_of(parallel(h={"history": "deep"})), "next", "back")
    assert step.snapshot["value"] == {"p": {"r": "y", "s": "y"}}


def test_history_with_a_default_reached_from_inside_needs_no_exit_of_the_whole() -> None:
    step = last(chart_of(parallel(h={"target": "s.x"})), "next", "back")
    assert step.snapshot["value"]["p"]["s"] == "x"


def test_region_that_history_leads_to_itself_does_not_survive_another_leaving_the_whole() -> None:
    """XState takes both transitions and has `p.r.x` and `b` active at once."""
    states: Json = {
        "p": {
            "type": "parallel",
            "states": {
                "r": {
                    "initial": "x",
                    "states": {
                        "x": {"on": {"go": {"target": "h", "actions": saying("stay")}}},
                        "h": {"type": "history", "target": "x"},
                    },
                },
                "s": {"on": {"go": {"target": "#m.b", "actions": saying("leave")}}},
            },
        },
        "b": {},
    }
    step = last(chart_of(states), "go")
    assert (step.snapshot["value"], emitted(step)) == ("b", ["leave"])


def test_history_that_leads_a_leaf_to_itself_runs_its_entry_again() -> None:
    states: Json = {
        "a": {
            "initial": "x",
            "states": {
                "x": {"entry": saying("in"), "exit": saying("out"), "on": {"go": "h"}},
                "h": {"type": "history", "target": "x"},
            },
        }
    }
    assert [emitted(step) for step in play(chart_of(states), "go")] == [["in"], ["in"]]


def test_two_transitions_into_the_same_history_enter_its_states_once() -> None:
    states: Json = {
        "p": {
            "type": "parallel",
            "states": {
                "r": {
                    "initial": "x",
                    "states": {"x": {"entry": saying("x"), "on": {"go": "h"}}, "h": {"type": "history", "target": "x"}},
                },
                "s": {"on": {"go": "r.h"}},
            },
        }
    }
    step = last(chart_of(states), "go")
    assert (step.snapshot["value"], emitted(step)) == ({"p": {"r": "x", "s": {}}}, ["x"])
