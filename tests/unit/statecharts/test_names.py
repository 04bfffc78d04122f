"""How states and events are named: escapes, dots, numbers as keys, ids, wildcards, and where a reference may point."""

from __future__ import annotations

from typing import Any

import pytest

from arvo.errors import DefinitionError
from tests.unit.statecharts.playing import chart_of, emitted, last, play, saying

Json = Any


def test_keys_with_dots_are_reached_through_escapes() -> None:
    chart = chart_of({"a": {"on": {"go": "b\\.c.d\\\\e"}}, "b.c": {"initial": "d\\e", "states": {"d\\e": {}}}})
    assert last(chart, "go").snapshot["value"] == {"b.c": "d\\e"}


def test_state_in_reads_escapes_in_text_and_none_in_a_mapping() -> None:
    guards = [
        {"type": "stateIn", "params": {"state": "b\\.c.d"}},
        {"type": "stateIn", "params": {"state": {"b.c": "d"}}},
        {"type": "stateIn", "params": {"state": {"b.c": {"d": "e"}}}},
        {"type": "stateIn", "params": {"state": "#m.b\\.c.d"}},
    ]
    chart = chart_of(
        {"b.c": {"initial": "d", "states": {"d": {"initial": "e", "states": {"e": {}}}}}},
        on={"ask": {"guard": {"type": "and", "params": {"guards": guards}}, "actions": saying("yes")}},
    )
    assert emitted(last(chart, "ask")) == ["yes"]


def test_numbers_as_keys_come_first_by_size_as_in_javascript() -> None:
    regions = {key: {"entry": saying(key)} for key in ("b", "10", "9", "01", "a", "-1")}
    chart = chart_of(regions, type="parallel")
    assert emitted(last(chart)) == ["9", "10", "b", "01", "a", "-1"]
    assert list(last(chart).snapshot["value"]) == ["9", "10", "b", "01", "a", "-1"]


@pytest.mark.parametrize("target", ["#deep", "#m.b.c", "#b.c", "b.c"])
def test_a_state_is_found_by_id_by_path_and_by_both(target: str) -> None:
    chart = chart_of(
        {"a": {"on": {"go": target}}, "b": {"id": "b", "initial": "x", "states": {"x": {}, "c": {"id": "deep"}}}}
    )
    assert last(chart, "go").snapshot["value"] == {"b": "c"}


def test_an_id_with_dots_is_found_as_a_whole() -> None:
    chart = chart_of({"a": {"on": {"go": "#my.own.id"}}, "b": {"id": "my.own.id"}})
    assert last(chart, "go").snapshot["value"] == "b"


def test_initial_may_be_a_history_state_with_a_default() -> None:
    states = {
        "a": {
            "initial": "h",
            "on": {"next": ".y", "out": "b"},
            "states": {"x": {}, "y": {}, "h": {"type": "history", "target": "x"}},
        },
        "b": {"on": {"back": "a"}},
    }
    steps = play(chart_of(states), "next", "out", "back")
    assert [step.snapshot["value"] for step in steps] == [{"a": "x"}, {"a": "y"}, "b", {"a": "y"}]


def test_history_default_leads_through_a_history_initial() -> None:
    states = {
        "a": {"on": {"go": "b.h1"}},
        "b": {
            "initial": "h2",
            "states": {"x": {}, "y": {}, "h1": {"type": "history"}, "h2": {"type": "history", "target": "y"}},
        },
    }
    assert last(chart_of(states), "go").snapshot["value"] == {"b": "y"}


@pytest.mark.parametrize(
    ("event", "taken"),
    [("a", "a.*"), ("a.b", "a.b"), ("a.b.c", "a.b.*"), ("a.c", "a.*"), ("ab", "*"), ("", "*"), ("a.b.*", "a.b.*")],
)
def test_longest_descriptor_that_matches_takes_the_event(event: str, taken: str) -> None:
    descriptors = ["*", "a.*", "a.b.*", "a.b", "b.*"]
    chart = chart_of({"s": {"on": {each: {"actions": saying(each)} for each in descriptors}}})
    assert emitted(last(chart, event)) == [taken]
    assert next(chosen.actions[0].params for chosen in chart.find("s").candidates(event)) == taken


def test_descriptor_whose_guards_fail_lets_shorter_ones_try() -> None:
    chart = chart_of(
        {
            "s": {
                "on": {
                    "a.b": {"guard": {"type": "below", "params": 0}, "actions": saying("exact")},
                    "a.*": [{"guard": {"type": "below", "params": 0}}, {"actions": saying("prefix")}],
                    "*": {"actions": saying("any")},
                }
            }
        }
    )
    assert emitted(last(chart, "a.b")) == ["prefix"]


def test_star_inside_a_descriptor_is_no_wildcard() -> None:
    chart = chart_of({"s": {"on": {"a.*.c": {"actions": saying("inside")}, "a.*.*": {"actions": saying("twice")}}}})
    assert [emitted(step) for step in play(chart, "a.b.c", "a.*.c")] == [[], [], ["inside"]]


def test_empty_conditions_are_decided_as_in_logic() -> None:
    states: Json = {
        "s": {
            "on": {
                "all": {"guard": {"type": "and", "params": {"guards": []}}, "actions": saying("all")},
                "any": {"guard": {"type": "or", "params": {"guards": []}}, "actions": saying("any")},
            }
        }
    }
    assert [emitted(step) for step in play(chart_of(states), "all", "any")] == [[], ["all"], []]


def test_two_states_with_one_id_are_refused() -> None:
    with pytest.raises(DefinitionError, match=r"the id 'm\.a\.b' is taken by 'a.b'"):
        chart_of({"a": {"initial": "b", "states": {"b": {}}}, "a.b": {}})
