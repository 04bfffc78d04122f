"""Laws that hold for every chart and every event, tried on generated charts."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arvo.errors import DefinitionError, EndlessLoop, InvalidSnapshot
from arvo.statecharts import Definition, Step, from_xstate, reachable_states, to_xstate, transition
from arvo.statecharts.snapshot import restore_leaves, state_value
from tests.support.chart_generator import EVENTS, LEVELS, RAISED, WILDCARDS, generate_chart
from tests.support.chart_vocabulary import ACTIONS, GUARDS, load_chart
from tests.unit.statecharts.playing import stored

Json = Any


@dataclass(frozen=True)
class Journey:
    """A chart, what is sent to it (its input first), and the steps that makes."""

    config: Json
    chart: Definition
    sent: list[Json]
    steps: list[Step]


def travel(chart: Definition, sent: list[Json]) -> list[Step]:
    steps = [transition(chart, None, sent[0])]
    for event in sent[1:]:
        steps.append(transition(chart, stored(steps[-1]), event))
    return steps


def journey_from(seed: int, level: int, events: list[Json]) -> Journey | None:
    """Nothing for a chart that never settles: it has its own tests."""
    generated = generate_chart(Random(seed), level)
    config = {**generated.config, "options": {"maxIterations": 200}}
    chart = load_chart(config)
    sent = [generated.input, *events]
    try:
        return Journey(config, chart, sent, travel(chart, sent))
    except EndlessLoop:
        return None


event_types = st.sampled_from([*EVENTS, *RAISED, *WILDCARDS.values()])
event_lists = st.lists(st.fixed_dictionaries({"type": event_types, "n": st.integers(0, 2)}), max_size=8)
journeys = st.builds(journey_from, st.integers(0), st.sampled_from(LEVELS), event_lists).filter(bool)
json_keys = st.sampled_from(["a1", "b1", "a2", "id", "z"])
state_keys = st.sampled_from(["id", "initial", "states", "on", "always", "type", "after", "entry"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["a1", "b1", "a2", "m.a1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_keys, inner, max_size=3),
    max_leaves=8,
)


def outcome(step: Step) -> Json:
    return step.snapshot, step.emitted, step.output, step.timers, step.tags


@given(journeys)
@settings(deadline=None)
def test_same_input_gives_the_same_output_and_is_not_changed(journey: Journey) -> None:
    snapshots = [None, *(stored(step) for step in journey.steps[:-1])]
    for snapshot, event, step in zip(snapshots, journey.sent, journey.steps, strict=True):
        before, told = deepcopy(snapshot), deepcopy(event)
        assert outcome(transition(journey.chart, snapshot, event)) == outcome(step)
        assert (snapshot, event) == (before, told)


@given(journeys)
@settings(deadline=None)
def test_order_of_keys_in_a_stored_snapshot_does_not_matter(journey: Journey) -> None:
    for before, event, step in zip(journey.steps, journey.sent[1:], journey.steps[1:], strict=False):
        sorted_keys = json.loads(json.dumps(before.snapshot, sort_keys=True))
        assert outcome(transition(journey.chart, sorted_keys, event)) == outcome(step)


@given(journeys)
@settings(deadline=None)
def test_restoring_a_snapshot_gives_it_back(journey: Journey) -> None:
    for step in journey.steps:
        snapshot = stored(step)
        assert snapshot == step.snapshot
        assert state_value(restore_leaves(journey.chart, snapshot["value"])) == snapshot["value"]
        unheard = transition(journey.chart, {**snapshot, "status": "stopped"}, {"type": "go"})
        assert unheard.snapshot == {**snapshot, "status": "stopped"}
        assert set(unheard.leaves) == set(step.leaves)


@given(journeys)
@settings(deadline=None)
def test_one_child_is_active_in_a_compound_state_and_all_regions_in_a_parallel_one(journey: Journey) -> None:
    for step in journey.steps:
        assert len(set(step.leaves)) == len(step.leaves)
        for state in {state for leaf in step.leaves for state in leaf.lineage}:
            children = [child for child in state.children if child.is_active(step.leaves)]
            if state.kind == "parallel":
                assert children == list(state.children)
            else:
                assert len(children) == (1 if state.kind == "compound" else 0)


@given(journeys)
@settings(deadline=None)
def test_what_becomes_active_was_called_reachable(journey: Journey) -> None:
    reachable = reachable_states(journey.chart)
    for step in journey.steps:
        assert {state for leaf in step.leaves for state in leaf.lineage} <= reachable


@given(journeys)
@settings(deadline=None)
def test_exported_chart_behaves_the_same(journey: Journey) -> None:
    document = json.loads(json.dumps(to_xstate(journey.chart)))
    exported = load_chart(journey.config, document)
    assert to_xstate(exported) == document
    again = travel(exported, journey.sent)
    assert [outcome(step) for step in again] == [outcome(step) for step in journey.steps]


@given(journeys, json_values, json_values, json_values)
@settings(deadline=None)
def test_any_json_as_a_snapshot_is_restored_or_refused(journey: Journey, value: Json, past: Json, rest: Json) -> None:
    hostile: Json = {"status": "active", "value": value, "context": rest, "historyValue": past, "children": rest}
    tamer: Json = {**stored(journey.steps[-1]), "value": value}
    for snapshot in (hostile, tamer):
        with suppress(InvalidSnapshot):
            assert transition(journey.chart, snapshot, {"type": "go"}).status in ("active", "done")


@given(st.dictionaries(state_keys, json_values))
@settings(deadline=None)
def test_any_json_as_a_document_is_read_or_refused(document: Json) -> None:
    states: Json = {"a1": {}, "b1": document}
    with suppress(DefinitionError):
        chart = from_xstate({"id": "m", "initial": "a1", "states": states}, guards=GUARDS, actions=ACTIONS)
        assert transition(chart, None, None).snapshot["value"] == "a1"
