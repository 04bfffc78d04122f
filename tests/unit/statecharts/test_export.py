"""Charts as XState documents again: what is written, and what cannot be."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from arvo.statecharts import Definition, from_xstate, to_xstate
from tests.unit.statecharts.playing import ACTIONS, GUARDS, last

Json = Any

DOCUMENT: dict[str, Json] = {
    "id": "order.v1",
    "version": "1.0.0",
    "context": {"n": 0},
    "options": {"maxIterations": 77},
    "initial": {"target": "a", "actions": ["count"]},
    "description": "An order.",
    "output": {"done": True},
    "on": {"cancel": [{"target": "#order\\.v1.end", "description": "Gave up.", "meta": {"why": 1}}]},
    "states": {
        "a": {
            "id": "first.one",
            "tags": ["x"],
            "meta": {"n": 1},
            "entry": ["count", {"type": "say", "params": "hello"}],
            "exit": ["count"],
            "on": {
                "go": [
                    {"target": "#order\\.v1.p", "guard": {"type": "below", "params": 3}, "actions": ["count"]},
                    {"target": "#order\\.v1.p.h", "reenter": True},
                ],
                "forbidden": [{}],
            },
            "after": {"1000": [{"target": "#order\\.v1.end"}], "patience": [{"target": "#order\\.v1.end"}]},
            "always": [
                {
                    "target": "#order\\.v1.end",
                    "guard": {
                        "type": "and",
                        "params": {
                            "guards": [
                                {"type": "not", "params": {"guard": {"type": "below", "params": 9}}},
                                {
                                    "type": "or",
                                    "params": {"guards": [{"type": "stateIn", "params": {"state": "#first\\.one"}}]},
                                },
                            ]
                        },
                    },
                }
            ],
        },
        "p": {
            "type": "parallel",
            "onDone": [{"target": ["#order\\.v1.p.r\\.1.y", "#order\\.v1.p.s"]}],
            "states": {
                "r.1": {"initial": "x", "states": {"x": {}, "y": {"type": "final", "output": [1]}}},
                "s": {"type": "final"},
                "h": {"type": "history", "history": "deep", "target": "#order\\.v1.p.r\\.1.y"},
                "h2": {"type": "history", "history": "shallow"},
            },
        },
        "end": {"type": "final"},
    },
}


def read(document: Json) -> Definition:
    return from_xstate(document, guards=GUARDS, actions=ACTIONS, delays={"patience": timedelta(hours=1)})


def test_every_part_of_a_document_comes_back() -> None:
    assert to_xstate(read(DOCUMENT)) == DOCUMENT


def test_exported_document_is_json_and_independent_of_the_chart() -> None:
    chart = read(DOCUMENT)
    document = to_xstate(chart)
    assert json.loads(json.dumps(document)) == document
    document["context"]["n"] = 5
    document["output"]["done"] = False
    document["states"]["a"]["meta"]["n"] = 5
    document["states"]["a"]["entry"][1] = "spoilt"
    assert to_xstate(chart) == DOCUMENT


SHORT_FORMS: list[tuple[Json, Json]] = [
    ("b", [{"target": "#m.b"}]),
    (".c", [{"target": "#m.a.c"}]),
    ({}, [{}]),
    ({"target": []}, [{}]),
    ({"actions": "count"}, [{"actions": ["count"]}]),
    ({"guard": "below", "target": ["b"]}, [{"target": "#m.b", "guard": "below"}]),
    ([], []),
]


@pytest.mark.parametrize(("written", "exported"), SHORT_FORMS)
def test_short_forms_are_written_out(written: Json, exported: Json) -> None:
    states: Json = {"a": {"initial": "c", "states": {"c": {}}, "on": {"go": written}}, "b": {}}
    document = to_xstate(read({"id": "m", "initial": "a", "states": states}))
    assert document["states"]["a"]["on"]["go"] == exported


def test_computed_context_and_outputs_are_left_out() -> None:
    document = {"id": "m", "context": {}, "initial": "f", "states": {"f": {"type": "final", "output": 1}}, "output": 2}
    chart = from_xstate(
        document,
        context=lambda given: {"given": given},
        outputs={"m": lambda context, event: [context, event], "m.f": lambda _context, event: event["type"]},
    )
    assert to_xstate(chart) == {"id": "m", "initial": "f", "states": {"f": {"type": "final"}}}
    done = {"type": "xstate.done.state.m.f", "output": "xstate.init"}
    assert last(chart, given=3).output == [{"given": 3}, done]
