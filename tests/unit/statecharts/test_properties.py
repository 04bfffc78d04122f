"""Laws that hold for every chart and every event, tried on generated charts."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arvo.errors import DefinitionError, InvalidSnapshot
from arvo.statecharts import from_xstate, reachable_states, to_xstate, transition
from arvo.statecharts.snapshot import restore_leaves, state_value
from tests.support.chart_generator import EVENTS, LEVELS, RAISED, WILDCARDS, GeneratedChart, generate_chart
from tests.support.chart_vocabulary import ACTIONS, GUARDS, load_chart
from tests.unit.statecharts.playing import stored

if TYPE_CHECKING:
    from arvo.statecharts import Definition, StateNode, Step

Json = Any


def chart_from(seed: int, level: int) -> GeneratedChart:
    return generate_chart(Random(seed), level)


charts = st.builds(chart_from, st.integers(0), st.sampled_from(LEVELS))
sent = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from([*EVENTS, *RAISED, *WILDCARDS.values()]), "n": st.integers(0, 2)}),
    max_size=8,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["a1", "b1", "a2", "m.a1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a1", "b1", "a2", "id", "z"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def steps_of(generated: GeneratedChart, events: list[Json], chart: Definition | None = None) -> list[Step]:
    chart = chart or load_chart(generated.config)
    steps = [transition(chart, None, generated.input)]
    for event in events:
        steps.append(transition(chart, stored(steps[-1]), event))
    return steps


def outcome(step: Step) -> Json:
    return step.snapshot, step.emitted, step.output, step.timers, step.tags


def active_children(state: StateNode, leaves: tuple[StateNode, ...]) -> list[StateNode]:
    return [child for child in state.children if child.is_active(leaves)]


@given(charts, sent)
@settings(deadline=None)
def test_same_input_gives_the_same_output_and_is_not_changed(generated: GeneratedChart, events: list[Json]) -> None:
    chart = load_chart(generated.config)
    snapshot: Json = None
    for event in [generated.input, *events]:
        before, told = deepcopy(snapshot), deepcopy(event)
        first = transition(chart, snapshot, event)
        assert (snapshot, event) == (before, told)
        assert outcome(transition(chart, before, told)) == outcome(first)
        snapshot = stored(first)


@given(charts, sent)
@settings(deadline=None)
def test_order_of_keys_in_a_stored_snapshot_does_not_matter(generated: GeneratedChart, events: list[Json]) -> None:
    chart = load_chart(generated.config)
    snapshot = stored(transition(chart, None, generated.input))
    for event in events:
        sorted_keys = json.loads(json.dumps(snapshot, sort_keys=True))
        step = transition(chart, snapshot, event)
        assert outcome(transition(chart, sorted_keys, event)) == outcome(step)
        snapshot = stored(step)


@given(charts, sent)
@settings(deadline=None)
def test_restoring_a_snapshot_gives_it_back(generated: GeneratedChart, events: list[Json]) -> None:
    chart = load_chart(generated.config)
    for step in steps_of(generated, events, chart):
        snapshot = stored(step)
        assert snapshot == step.snapshot
        assert state_value(restore_leaves(chart, snapshot["value"])) == snapshot["value"]
        unheard = transition(chart, {**snapshot, "status": "stopped"}, {"type": "go"})
        assert unheard.snapshot == {**snapshot, "status": "stopped"}
        assert set(unheard.leaves) == set(step.leaves)


@given(charts, sent)
@settings(deadline=None)
def test_one_child_is_active_in_a_compound_state_and_all_regions_in_a_parallel_one(
    generated: GeneratedChart, events: list[Json]
) -> None:
    for step in steps_of(generated, events):
        active = {state for leaf in step.leaves for state in leaf.lineage}
        assert len(set(step.leaves)) == len(step.leaves)
        for state in active:
            children = active_children(state, step.leaves)
            if state.kind == "parallel":
                assert children == list(state.children)
            else:
                assert len(children) == (1 if state.kind == "compound" else 0)


@given(charts, sent)
@settings(deadline=None)
def test_what_becomes_active_was_called_reachable(generated: GeneratedChart, events: list[Json]) -> None:
    chart = load_chart(generated.config)
    reachable = reachable_states(chart)
    for step in steps_of(generated, events, chart):
        assert {state for leaf in step.leaves for state in leaf.lineage} <= reachable


@given(charts, sent)
@settings(deadline=None)
def test_exported_chart_behaves_the_same(generated: GeneratedChart, events: list[Json]) -> None:
    document = json.loads(json.dumps(to_xstate(load_chart(generated.config))))
    exported = load_chart(generated.config, document)
    assert to_xstate(exported) == document
    again = steps_of(generated, events, exported)
    assert [outcome(step) for step in again] == [outcome(step) for step in steps_of(generated, events)]


@given(charts, json_values, json_values, json_values)
@settings(deadline=None)
def test_any_json_as_a_snapshot_is_restored_or_refused(
    generated: GeneratedChart, value: Json, history: Json, rest: Json
) -> None:
    chart = load_chart(generated.config)
    hostile: Json = {"status": "active", "value": value, "context": rest, "historyValue": history, "children": rest}
    tamer: Json = {**hostile, "children": {}, "context": {}}
    for snapshot in (hostile, tamer):
        with suppress(InvalidSnapshot):
            assert transition(chart, snapshot, {"type": "go"}).status in ("active", "done")


@given(
    st.dictionaries(st.sampled_from(["id", "initial", "states", "on", "always", "type", "after", "entry"]), json_values)
)
@settings(deadline=None)
def test_any_json_as_a_document_is_read_or_refused(document: Json) -> None:
    states: Json = {"a1": {}, "b1": document}
    with suppress(DefinitionError):
        chart = from_xstate({"id": "m", "initial": "a1", "states": states}, guards=GUARDS, actions=ACTIONS)
        assert transition(chart, None, None).snapshot["value"] == "a1"
