"""What actions do: assign, emit, raise and enqueue, their order, and what happens when one of them fails."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from arvo.errors import DefinitionError, InvalidEvent
from arvo.statecharts import (
    ActionQueue,
    Assign,
    EmitEvent,
    Enqueue,
    RaiseEvent,
    failed_snapshot,
    from_xstate,
    transition,
)
from tests.unit.statecharts.playing import chart_of, emitted, last, raising, saying, stored

Json = Any


def acting(effect: Json, **root: Json) -> Json:
    """A chart that runs one action on the event `go`, and counts the raised event `raised`."""
    states = {"a": {"on": {"go": {"actions": "act"}, "raised": {"actions": "note"}}}}
    return from_xstate(
        {"id": "m", "context": {"n": 0}, "initial": "a", "states": states, **root},
        actions={"act": effect, "note": lambda _context, event, _params: {"raised": event}},
        guards={"positive": lambda context, _event, _params: context["n"] > 0},
    )


def test_assign_merges_into_a_new_context() -> None:
    chart = acting(Assign(lambda context, _event, _params: {"n": context["n"] + 1}), context={"n": 1, "kept": True})
    before = stored(last(chart))
    assert transition(chart, before, {"type": "go"}).snapshot["context"] == {"n": 2, "kept": True}
    assert before["context"] == {"n": 1, "kept": True}


def test_assign_that_returns_nothing_leaves_the_context_alone() -> None:
    assert last(acting(Assign(lambda _context, _event, _params: None)), "go").snapshot["context"] == {"n": 0}


def test_actions_run_in_order_and_see_what_those_before_them_assigned() -> None:
    chart = chart_of(
        {"a": {"on": {"go": {"target": "b", "actions": ["count", saying("t")]}}, "exit": saying("x")}, "b": {}}
    )
    step = last(chart, "go")
    assert emitted(step) == ["x", "t"]
    assert step.snapshot["context"] == {"count": 1}


def test_raised_events_are_taken_within_the_same_step() -> None:
    chart = acting(RaiseEvent(lambda _context, event, _params: {"type": "raised", "by": event["type"]}))
    assert last(chart, "go").snapshot["context"]["raised"] == {"type": "raised", "by": "go"}


def test_raised_objects_need_a_type() -> None:
    with pytest.raises(InvalidEvent, match="not a string"):
        last(acting(RaiseEvent(lambda _context, _event, _params: {"kind": "raised"})), "go")


def test_emitting_nothing_is_an_error_of_the_author() -> None:
    with pytest.raises(TypeError, match="returned None"):
        last(acting(EmitEvent(lambda _context, _event, _params: None)), "go")


def test_enqueue_queues_every_kind_of_action_in_order() -> None:
    def decide(context: Json, _event: Json, params: Json, queue: ActionQueue) -> None:
        assert params is None
        queue.emit({"type": "first", "n": context["n"]})
        queue.assign({"n": 5})
        queue.assign(lambda now, _e, _p: {"n": now["n"] + 1})
        queue.raise_event({"type": "raised"})
        queue.run("note")

    step = last(acting(Enqueue(decide)), "go")
    assert step.emitted == ({"type": "first", "n": 0},)
    assert step.snapshot["context"] == {"n": 6, "raised": {"type": "raised"}}


def test_enqueue_checks_guards_by_name_and_by_description() -> None:
    def decide(_context: Json, _event: Json, _params: Json, queue: ActionQueue) -> None:
        negated = {"type": "not", "params": {"guard": "positive"}}
        queue.emit({"type": "checked", "results": [queue.check("positive"), queue.check(negated)]})

    assert last(acting(Enqueue(decide)), "go").emitted == ({"type": "checked", "results": [False, True]},)


def test_enqueue_checks_the_states_of_before_the_transition() -> None:
    def decide(_context: Json, _event: Json, _params: Json, queue: ActionQueue) -> None:
        queue.emit({"type": "checked", "in_a": queue.check({"type": "stateIn", "params": {"state": "#m.a"}})})

    chart = from_xstate(
        {"id": "m", "initial": "a", "states": {"a": {"on": {"go": "b"}}, "b": {"entry": "decide"}}},
        actions={"decide": Enqueue(decide)},
    )
    assert last(chart, "go").emitted == ({"type": "checked", "in_a": True},)


def run_missing(_context: Json, _event: Json, _params: Json, queue: ActionQueue) -> None:
    queue.run("missing")


def check_missing(_context: Json, _event: Json, _params: Json, queue: ActionQueue) -> None:
    queue.check("missing")


def check_missing_state(_context: Json, _event: Json, _params: Json, queue: ActionQueue) -> None:
    queue.check({"type": "stateIn", "params": {"state": "#x"}})


@pytest.mark.parametrize(
    ("decide", "message"),
    [
        (run_missing, "no action named 'missing'"),
        (check_missing, "no guard is named 'missing'"),
        (check_missing_state, "no state has the id 'x'"),
    ],
)
def test_enqueue_names_what_it_cannot_find(decide: Json, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        last(acting(Enqueue(decide)), "go")


def failing(*_: Json) -> Json:
    raise LookupError("no such thing")


def test_exception_of_an_action_propagates_with_a_note() -> None:
    with pytest.raises(LookupError, match="no such thing") as caught:
        last(acting(Assign(failing)), "go")
    assert caught.value.__notes__ == ["Raised by the action 'act' in statechart 'm'."]


def test_exception_of_a_guard_propagates_with_a_note() -> None:
    chart = from_xstate(
        {"id": "m", "initial": "a", "states": {"a": {"on": {"go": {"target": "b", "guard": "fail"}}}, "b": {}}},
        guards={"fail": failing},
    )
    with pytest.raises(LookupError) as caught:
        last(chart, "go")
    assert caught.value.__notes__ == ["Raised by the guard of <transition #m.a -> #m.b> in statechart 'm'."]


def test_failed_step_leaves_its_snapshot_as_it_was() -> None:
    def assign_and_fail(_context: Json, _event: Json, _params: Json, queue: ActionQueue) -> None:
        queue.assign({"n": 9})
        queue.assign(failing)

    chart = acting(Enqueue(assign_and_fail))
    before = stored(last(chart))
    kept = deepcopy(before)
    with pytest.raises(LookupError):
        transition(chart, before, {"type": "go"})
    assert before == kept


def test_failed_snapshot_is_the_old_one_and_ignores_all_events() -> None:
    chart = acting(Assign(lambda _context, _event, _params: {"n": 1}))
    failed = failed_snapshot(stored(last(chart)), ValueError("broke"))
    assert failed["error"] == {"name": "ValueError", "message": "broke"}
    step = transition(chart, failed, {"type": "go"})
    assert (step.status, step.snapshot, step.emitted) == ("error", failed, ())


@pytest.mark.parametrize("status", ["done", "error", "stopped"])
def test_chart_that_is_over_ignores_events(status: str) -> None:
    chart = chart_of({"a": {"on": {"go": "b"}}, "b": {"entry": [saying("b"), raising("x")]}})
    over = {**stored(last(chart)), "status": status, "output": {"n": 1}}
    step = transition(chart, over, {"type": "go"})
    assert (step.snapshot, step.output, step.emitted, step.timers) == (over, {"n": 1}, (), ())
