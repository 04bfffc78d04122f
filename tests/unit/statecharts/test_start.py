"""How a chart starts: context, input, the first event, and what restoring does not do."""

from __future__ import annotations

from typing import Any

from arvo.statecharts import Assign, EmitEvent, from_xstate, transition
from tests.unit.statecharts.playing import chart_of, emitted, last, play, saying, stored


def test_start_enters_the_initial_states_and_runs_their_actions_outside_in() -> None:
    chart = chart_of({"a": {"entry": saying("a"), "initial": "b", "states": {"b": {"entry": saying("b")}}}})
    step = last(chart)
    assert step.snapshot["value"] == {"a": "b"}
    assert emitted(step) == ["a", "b"]


def test_snapshot_has_the_layout_and_key_order_of_xstate() -> None:
    chart = chart_of({"a": {"type": "final"}}, output={"ok": True})
    assert list(last(chart).snapshot.items()) == [
        ("status", "done"),
        ("output", {"ok": True}),
        ("value", "a"),
        ("historyValue", {}),
        ("context", {}),
        ("children", {}),
    ]


def test_static_context_is_copied_for_every_start() -> None:
    chart = chart_of({"a": {}}, context={"list": []})
    last(chart).snapshot["context"]["list"].append("spoilt")
    assert last(chart).snapshot["context"] == {"list": []}


def test_static_output_is_copied_for_every_end() -> None:
    chart = chart_of({"a": {"type": "final"}}, output={"list": []})
    last(chart).output["list"].append("spoilt")
    assert last(chart).output == {"list": []}


def test_changing_a_document_afterwards_does_not_change_the_chart() -> None:
    document: dict[str, Any] = {"id": "m", "context": {"list": []}, "initial": "a", "states": {"a": {}}}
    chart = from_xstate(document)
    document["context"]["list"].append("spoilt")
    document["states"]["b"] = {}
    assert last(chart).snapshot["context"] == {"list": []}


def test_context_function_sees_the_input_and_replaces_the_static_context() -> None:
    chart = from_xstate(
        {"id": "m", "context": {"static": True}, "initial": "a", "states": {"a": {}}},
        context=lambda given: {"who": given["who"]},
    )
    assert last(chart, given={"who": "ann"}).snapshot["context"] == {"who": "ann"}


def test_first_event_carries_the_input() -> None:
    chart = from_xstate(
        {"id": "m", "initial": "a", "states": {"a": {"entry": ["keep", "tell"]}}},
        actions={
            "keep": Assign(lambda _context, event, _params: {"seen": event}),
            "tell": EmitEvent(lambda context, _event, _params: {"type": "told", "seen": context["seen"]["type"]}),
        },
    )
    step = last(chart, given=7)
    assert step.snapshot["context"] == {"seen": {"type": "xstate.init", "input": 7}}
    assert step.emitted == ({"type": "told", "seen": "xstate.init"},)


def test_a_plain_function_among_the_actions_changes_the_context() -> None:
    chart = from_xstate(
        {"id": "m", "initial": "a", "states": {"a": {"entry": "keep"}}},
        actions={"keep": lambda _context, _event, _params: {"kept": True}},
    )
    assert last(chart).snapshot["context"] == {"kept": True}


def test_restoring_runs_neither_entry_nor_eventless_transitions() -> None:
    chart = chart_of({"a": {"entry": saying("in"), "on": {"go": {}}}})
    assert [emitted(step) for step in play(chart, "go", "unknown")] == [["in"], [], []]


def test_document_text_is_read_as_well_as_objects() -> None:
    chart = from_xstate(b'{"id": "m", "initial": "a", "states": {"a": {}}}')
    assert last(chart).snapshot["value"] == "a"


def test_chart_without_an_id_is_called_as_in_xstate() -> None:
    assert from_xstate({"initial": "a", "states": {"a": {}}}).by_id.keys() == {"(machine)", "(machine).a"}


def test_charts_and_states_show_who_they_are() -> None:
    chart = chart_of({"a": {"initial": "b", "states": {"b": {}}}})
    assert repr(chart) == "<statechart 'm' of 3 states>"
    assert repr(chart.find("a.b")) == "<state #m.a.b>"


def test_chart_of_a_single_state_has_an_empty_value() -> None:
    chart = from_xstate(
        {"id": "m", "on": {"go": {"actions": "count"}}}, actions={"count": lambda _context, _event, _params: {"n": 1}}
    )
    step = last(chart, "go")
    assert (step.snapshot["value"], step.snapshot["context"]) == ({}, {"n": 1})


def test_chart_whose_root_is_final_is_done_at_once() -> None:
    step = last(from_xstate({"id": "m", "type": "final", "output": 3}))
    assert (step.status, step.output) == ("done", 3)


def test_tags_and_meta_of_all_active_states_are_known() -> None:
    chart = chart_of(
        {"a": {"tags": ["x", "y"], "meta": {"n": 1}, "initial": "b", "states": {"b": {"tags": "z"}}}, "c": {}},
        tags="root",
        meta={"n": 0},
    )
    step = last(chart)
    assert step.tags == {"root", "x", "y", "z"}
    assert step.meta == {"m": {"n": 0}, "m.a": {"n": 1}}


def test_events_may_be_objects_with_a_type() -> None:
    class Sent:
        type = "go"

    chart = chart_of({"a": {"on": {"go": "b"}}, "b": {}})
    assert transition(chart, stored(last(chart)), Sent()).snapshot["value"] == "b"
