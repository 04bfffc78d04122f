"""Documents from outside cannot exhaust anything, and nothing in them is evaluated."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from arvo.errors import DefinitionError
from arvo.statecharts import from_xstate
from arvo.statecharts.document import MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_STATE_DEPTH, MAX_STATES, MAX_VALUES
from tests.unit.statecharts.playing import last

Json = Any


def refusal(document: Json, **more: Json) -> str:
    with pytest.raises(DefinitionError) as caught:
        from_xstate(document, **more)
    return str(caught.value)


def nested(levels: int) -> Json:
    state: Json = {}
    for _ in range(levels):
        state = {"initial": "s", "states": {"s": state}}
    return state


def deep_list(levels: int) -> Json:
    value: Json = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        ('{"initial": NaN}', "it is not JSON"),
        ("[]", "it is list, not a JSON object"),
        (3, "it is int, not a JSON object"),
        (None, "it is NoneType, not a JSON object"),
        ({"states": {1: {}}}, "the key 1 is not a string"),
        ({"on": {"go": {"actions": print}}}, "name functions in the document and pass them beside it"),
        ({"context": {"when": {1, 2}}}, "set is not JSON"),
        ({"context": (1, 2)}, "tuple is not JSON"),
    ],
)
def test_what_is_not_json_is_refused(document: Json, message: str) -> None:
    assert message in refusal(document)


def test_text_that_is_too_long_is_refused_before_it_is_parsed() -> None:
    assert f"at most {MAX_DOCUMENT_BYTES} are read" in refusal(" " * (MAX_DOCUMENT_BYTES + 1))


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100_000])
def test_objects_that_nest_too_deep_are_refused(levels: int) -> None:
    assert f"nests deeper than {MAX_DEPTH} levels" in refusal({"context": {"deep": deep_list(levels)}})


def test_text_that_nests_too_deep_is_refused() -> None:
    assert f"nests deeper than {MAX_DEPTH} levels" in refusal('{"a":' * 100_000 + "1" + "}" * 100_000)


def test_as_deep_as_allowed_is_read() -> None:
    chart = from_xstate({"id": "m", "context": {"deep": deep_list(MAX_DEPTH - 2)}})
    assert last(chart).snapshot["context"] == {"deep": deep_list(MAX_DEPTH - 2)}


def test_too_many_values_are_refused() -> None:
    assert f"more than {MAX_VALUES} values" in refusal({"context": {"many": [0] * MAX_VALUES}})


def test_too_many_states_are_refused() -> None:
    many: dict[str, Json] = {f"s{n}": {} for n in range(MAX_STATES)}
    assert f"at most {MAX_STATES} states" in refusal({"initial": "s0", "states": many})


def test_states_that_nest_too_deep_are_refused() -> None:
    assert f"states nest at most {MAX_STATE_DEPTH} deep" in refusal({"id": "m", **nested(MAX_STATE_DEPTH + 1)})


def test_states_as_deep_as_allowed_run() -> None:
    text = json.dumps(last(from_xstate({"id": "m", **nested(MAX_STATE_DEPTH)})).snapshot["value"])
    assert text.count('"s"') == MAX_STATE_DEPTH


def test_one_large_parallel_state_entered_from_everywhere_compiles_quickly() -> None:
    """What a transition enters is worked out when it is first taken: doing it for all at once would be quadratic."""
    regions: Json = {f"r{n}": {"on": {"go": "#m.p"}} for n in range(MAX_STATES - 2)}
    began = time.process_time()
    chart = from_xstate({"id": "m", "initial": "p", "states": {"p": {"type": "parallel", "states": regions}}})
    assert len(chart.states) == MAX_STATES
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "text",
    ["__import__('os').abort()", "${process.exit()}", "{{7*7}}", "() => { throw 1 }", "function () {}", "%(x)s {0}"],
)
def test_text_that_looks_like_code_stays_text(text: str) -> None:
    document: Json = {
        "id": text,
        "context": {"x": text},
        "description": text,
        "initial": "a",
        "states": {"a": {"type": "final", "output": text, "tags": text, "meta": {"x": text}}},
        "output": {"x": text},
    }
    step = last(from_xstate(document))
    assert (step.snapshot["context"], step.output) == ({"x": text}, {"x": text})
    assert step.tags == {text}
    assert text in refusal({**document, "entry": text})
