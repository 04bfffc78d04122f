"""Snapshots that were changed, damaged or written by another version of the chart."""

from __future__ import annotations

from typing import Any

import pytest

from arvo.errors import ArvoError, InvalidEvent, InvalidSnapshot, Violation
from arvo.statecharts import Definition, transition
from tests.unit.statecharts.playing import chart_of, last, saying, stored

Json = Any

STATES: dict[str, Json] = {
    "a": {"entry": saying("a")},
    "p": {
        "type": "parallel",
        "states": {
            "r": {"initial": "x", "states": {"x": {"entry": saying("x")}, "y": {}, "h": {"type": "history"}}},
            "s": {},
            "t": {"initial": "u", "states": {"u": {"initial": "v", "states": {"v": {}, "w": {}}}}},
            "deep": {"type": "history", "history": "deep"},
        },
    },
}


def chart() -> Definition:
    return chart_of(STATES, on={"note": {"actions": "count"}})


def restore(**changes: Json) -> Json:
    snapshot = {**stored(last(chart())), **changes}
    return transition(chart(), snapshot, {"type": "note"}).snapshot


REFUSED: list[tuple[str, dict[str, Json], tuple[str | int, ...]]] = [
    ("unknown state", {"value": "z"}, ("value",)),
    ("unknown nested state", {"value": {"p": {"r": "z", "s": {}, "t": "u"}}}, ("value", "p", "r")),
    ("unknown region", {"value": {"p": {"z": "x"}}}, ("value", "p")),
    ("history state", {"value": {"p": {"r": "h"}}}, ("value", "p", "r")),
    ("two siblings", {"value": {"a": {}, "p": {}}}, ("value",)),
    ("states in a leaf", {"value": {"a": "x"}}, ("value", "a")),
    ("missing value", {"value": None}, ("value",)),
    ("number as value", {"value": 3}, ("value",)),
    ("list as value", {"value": ["a"]}, ("value",)),
    ("number inside", {"value": {"p": {"r": 3}}}, ("value", "p", "r")),
    ("null inside", {"value": {"p": {"r": None}}}, ("value", "p", "r")),
    ("null for a leaf", {"value": {"a": None}}, ("value", "a")),
    ("status", {"status": "paused"}, ("status",)),
    ("no status", {"status": None}, ("status",)),
    ("status of another type", {"status": ["active"]}, ("status",)),
    ("context", {"context": [1]}, ("context",)),
    ("actors", {"children": {"child": {}}}, ("children",)),
    ("actors of another type", {"children": 3}, ("children",)),
    ("history of another type", {"historyValue": [1]}, ("historyValue",)),
    ("unknown history", {"historyValue": {"m.z": []}}, ("historyValue", "m.z")),
    ("history of no history state", {"historyValue": {"m.a": []}}, ("historyValue", "m.a")),
    ("history entries", {"historyValue": {"m.p.r.h": "m.p.r.x"}}, ("historyValue", "m.p.r.h")),
    ("history entry", {"historyValue": {"m.p.r.h": ["m.p.r.x"]}}, ("historyValue", "m.p.r.h", 0)),
    ("history entry without id", {"historyValue": {"m.p.r.h": [{}]}}, ("historyValue", "m.p.r.h", 0)),
    ("history entry of a stranger", {"historyValue": {"m.p.r.h": [{"id": "m.z"}]}}, ("historyValue", "m.p.r.h", 0)),
    ("history of a history", {"historyValue": {"m.p.r.h": [{"id": "m.p.r.h"}]}}, ("historyValue", "m.p.r.h", 0)),
    ("history outside", {"historyValue": {"m.p.r.h": [{"id": "m.a"}]}}, ("historyValue", "m.p.r.h")),
    ("deep history of no leaf", {"historyValue": {"m.p.deep": [{"id": "m.p.t.u"}]}}, ("historyValue", "m.p.deep")),
    (
        "history of siblings",
        {"historyValue": {"m.p.r.h": [{"id": "m.p.r.y"}, {"id": "m.p.r.x"}]}},
        ("historyValue", "m.p.r.h"),
    ),
    (
        "deep history of siblings",
        {"historyValue": {"m.p.deep": [{"id": "m.p.t.u.v"}, {"id": "m.p.s"}, {"id": "m.p.t.u.w"}]}},
        ("historyValue", "m.p.deep"),
    ),
]


@pytest.mark.parametrize(("changes", "path"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_snapshot_that_does_not_fit_is_refused(changes: Json, path: tuple[str | int, ...]) -> None:
    with pytest.raises(InvalidSnapshot, match="does not fit statechart 'm'") as caught:
        restore(**changes)
    assert caught.value.issues[0].path == path
    assert str(caught.value.issues[0]) in str(caught.value)


def test_snapshot_errors_are_violations_so_that_the_stored_state_is_kept() -> None:
    assert issubclass(InvalidSnapshot, Violation)
    assert issubclass(InvalidSnapshot, ArvoError)


@pytest.mark.parametrize("snapshot", [{}, {"status": "active"}])
def test_empty_snapshot_is_refused(snapshot: Json) -> None:
    with pytest.raises(InvalidSnapshot):
        transition(chart(), snapshot, {"type": "note"})


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("p", {"p": {"r": "x", "s": {}, "t": {"u": "v"}}}),
        ({"p": {}}, {"p": {"r": "x", "s": {}, "t": {"u": "v"}}}),
        ({"p": "s"}, {"p": {"r": "x", "s": {}, "t": {"u": "v"}}}),
        ({"p": "t"}, {"p": {"r": "x", "s": {}, "t": {"u": "v"}}}),
        ({"p": {"r": "y"}}, {"p": {"r": "y", "s": {}, "t": {"u": "v"}}}),
        ({"p": {"t": "u", "s": {}}}, {"p": {"r": "x", "s": {}, "t": {"u": "v"}}}),
        ({"p": {"t": {}, "r": "y", "s": {}}}, {"p": {"r": "y", "s": {}, "t": {"u": "v"}}}),
        ({"p": {"t": {"u": "w"}, "s": {}, "r": {"x": {}}}}, {"p": {"r": "x", "s": {}, "t": {"u": "w"}}}),
        ({"a": {}}, "a"),
        ({}, "a"),
    ],
)
def test_states_that_a_snapshot_leaves_out_are_filled_in_without_entering_them(value: Json, filled: Json) -> None:
    step = transition(chart(), {**stored(last(chart())), "value": value}, {"type": "note"})
    assert step.snapshot["value"] == filled
    assert list(step.snapshot["value"]) == list(filled)
    assert step.emitted == ()


def test_optional_parts_may_be_missing_and_others_are_ignored() -> None:
    snapshot = {"status": "active", "value": "a", "tags": ["x"], "machine": None}
    assert transition(chart(), snapshot, {"type": "note"}).snapshot == {
        "status": "active",
        "value": "a",
        "historyValue": {},
        "context": {"count": 1},
        "children": {},
    }


def test_empty_history_counts_as_none() -> None:
    assert restore(historyValue={"m.p.r.h": []})["historyValue"] == {}


def test_history_is_kept_until_it_is_recorded_again() -> None:
    recorded = {"m.p.deep": [{"id": "m.p.t.u.w"}, {"id": "m.p.s"}], "m.p.r.h": [{"id": "m.p.r.y"}]}
    assert restore(historyValue=recorded)["historyValue"] == recorded


@pytest.mark.parametrize(
    "event",
    [
        None,
        3,
        "note",
        {},
        {"type": None},
        {"type": 3},
        object(),
        {"type": "*"},
        {"type": "xstate.init"},
        {"type": "xstate.stop"},
    ],
)
def test_what_is_no_event_is_refused(event: Json) -> None:
    with pytest.raises(InvalidEvent) as caught:
        transition(chart(), stored(last(chart())), event)
    assert caught.value.issues[0].path == ("type",)
