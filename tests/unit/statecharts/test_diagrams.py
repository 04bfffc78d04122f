"""Mermaid and SVG pictures: every state is there, active ones are marked, and names cannot break out of the text."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arvo.errors import InvalidSnapshot
from arvo.statecharts import from_xstate, to_mermaid, to_svg
from tests.unit.statecharts.playing import ACTIONS, chart_of, last, stored

if TYPE_CHECKING:
    from arvo.statecharts import Definition

Json = Any
SVG = "{http://www.w3.org/2000/svg}"


def order() -> Definition:
    return chart_of(
        {
            "reserving": {
                "on": {
                    "reserved": {"target": "fulfilling", "guard": {"type": "below", "params": 3}, "actions": "count"},
                    "note": {"actions": "count"},
                },
                "after": {"60000": "failed"},
            },
            "fulfilling": {
                "type": "parallel",
                "onDone": "placed",
                "on": {"cancel": "failed", "again": ".pay"},
                "states": {
                    "pay": {
                        "initial": "x",
                        "states": {"x": {"on": {"paid": "y"}}, "y": {"type": "final"}, "h": {"type": "history"}},
                    },
                    "ship": {"on": {"back": "#m.fulfilling.pay.h", "self": {"target": "ship", "reenter": True}}},
                    "d": {"type": "history", "history": "deep", "target": "pay"},
                },
            },
            "placed": {"type": "final"},
            "failed": {"type": "final", "always": {"guard": {"type": "stateIn", "params": {"state": "placed"}}}},
        }
    )


def test_mermaid_draws_the_whole_chart() -> None:
    assert to_mermaid(order()) == (
        "stateDiagram-v2\n"
        "    [*] --> s1\n"
        '    state "reserving" as s1\n'
        "    note right of s1 : note / count\n"
        '    state "fulfilling" as s2 {\n'
        '        state "pay" as s3 {\n'
        "            [*] --> s4\n"
        '            state "x" as s4\n'
        '            state "y" as s5\n'
        "            s5 --> [*]\n"
        '            state "H h" as s6\n'
        "            s4 --> s5 : paid\n"
        "        }\n"
        "        --\n"
        '        state "ship" as s7\n'
        "        --\n"
        '        state "H* d" as s8\n'
        '        state "again → pay" as s2_0\n'
        "        s7 --> s6 : back\n"
        "        s7 --> s7 : self\n"
        "        s8 --> s3 : default\n"
        "    }\n"
        '    state "placed" as s9\n'
        "    s9 --> [*]\n"
        '    state "failed" as s10\n'
        "    note right of s10 : always [in placed]\n"
        "    s10 --> [*]\n"
        "    s1 --> s2 : reserved [below] / count\n"
        "    s1 --> s10 : after 0#58;01#58;00\n"
        "    s2 --> s10 : cancel\n"
        "    s2 --> s9 : done\n"
    )


def test_mermaid_marks_the_active_leaves_of_a_snapshot() -> None:
    lines = to_mermaid(order(), stored(last(order(), "reserved", "paid"))).splitlines()
    assert [line.strip() for line in lines[-3:]] == [
        "classDef active fill:#ffd54f,stroke:#e65100,stroke-width:2px",
        "class s5 active",
        "class s7 active",
    ]


def test_mermaid_puts_a_parallel_root_into_a_box() -> None:
    text = to_mermaid(chart_of({"r": {}, "s": {}}, type="parallel"))
    assert text.splitlines()[1] == '    state "m" as s0 {'


def test_guards_read_as_logic() -> None:
    def named(name: str, **params: Json) -> Json:
        return {"type": name, "params": params}

    either = named("or", guards=["below", named("not", guard=named("and", guards=["below", "below"]))])
    guard = named("and", guards=[either, named("not", guard="below"), named("or", guards=["below"])])
    guards = [guard, named("and", guards=[]), named("or", guards=[])]
    states = {"a": {"on": {"go": [{"guard": each} for each in guards]}}}
    notes = [line.split(" : ")[1] for line in to_mermaid(chart_of(states)).splitlines() if "note" in line]
    assert notes == [
        "go [(below or not (below and below)) and not below and below]",
        "go [true]",
        "go [false]",
    ]


def svg_of(chart: Definition, snapshot: Json = None) -> ElementTree.Element:
    return ElementTree.fromstring(to_svg(chart, snapshot))  # noqa: S314 - our own text


def test_svg_has_a_box_for_every_state_inside_that_of_its_parent() -> None:
    boxes = {box.attrib["id"]: box.attrib for box in svg_of(order()).iter(f"{SVG}rect")}
    chart = order()
    assert boxes.keys() == chart.by_id.keys()
    for state in chart.states[1:]:
        inner, outer = boxes[state.id], boxes[state.lineage[-2].id]
        for start, size in (("x", "width"), ("y", "height")):
            assert float(outer[start]) < float(inner[start])
            assert float(inner[start]) + float(inner[size]) < float(outer[start]) + float(outer[size])


def test_svg_boxes_of_siblings_do_not_overlap() -> None:
    boxes = {box.attrib["id"]: box.attrib for box in svg_of(order()).iter(f"{SVG}rect")}
    for state in order().states:
        siblings = [boxes[child.id] for child in state.by_key.values()]
        start, size = ("x", "width") if state.kind == "parallel" else ("y", "height")
        for first, second in itertools.pairwise(siblings):
            assert float(first[start]) + float(first[size]) < float(second[start])


def test_svg_tells_transitions_and_draws_those_that_lead_elsewhere() -> None:
    picture = svg_of(order())
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts[1:4] == ["● reserving", "reserved [below] / count → fulfilling", "note / count"]
    assert {"H h", "H* d", "placed ◎", "again → pay"} <= set(texts)
    edges = [path for path in picture.iter(f"{SVG}path") if path.attrib.get("class") == "edge"]
    assert len(edges) == 6


def test_svg_marks_all_active_states_of_a_snapshot() -> None:
    picture = svg_of(order(), stored(last(order(), "reserved")))
    active = {box.attrib["id"] for box in picture.iter(f"{SVG}rect") if "active" in box.attrib["class"].split()}
    assert active == {"m", "m.fulfilling", "m.fulfilling.pay", "m.fulfilling.pay.x", "m.fulfilling.ship"}


@pytest.mark.parametrize("draw", [to_mermaid, to_svg])
def test_diagrams_refuse_a_snapshot_of_another_chart(draw: Any) -> None:
    with pytest.raises(InvalidSnapshot):
        draw(order(), {"value": "elsewhere"})


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
@settings(deadline=None)
def test_names_cannot_break_out_of_a_diagram(key: str, event: str, action: str) -> None:
    states = {key: {"on": {event: {"actions": action}}}, "other" + key: {}}
    chart = from_xstate({"id": "m", "type": "parallel", "states": states}, actions={action: ACTIONS["count"]})
    plain = from_xstate(
        {"id": "m", "type": "parallel", "states": {"k": {"on": {"e": {"actions": "a"}}}, "o": {}}},
        actions={"a": ACTIONS["count"]},
    )
    assert len(to_mermaid(chart).split("\n")) == len(to_mermaid(plain).split("\n"))
    assert not set('<>"') & set("".join(to_mermaid(chart).split('"')[1::2]))
    picture = svg_of(chart)
    assert [element.tag for element in picture.iter()] == [element.tag for element in svg_of(plain).iter()]
