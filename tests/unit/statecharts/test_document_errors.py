"""What a document is refused for: every error at once, each with its path and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from arvo.errors import DefinitionError
from arvo.statecharts import Assign, from_xstate
from tests.unit.statecharts.playing import ACTIONS, GUARDS

Json = Any
Path = tuple[str | int, ...]

IMPLEMENTATIONS: dict[str, Json] = {"actions": ACTIONS, "guards": GUARDS}
TWO: dict[str, Json] = {"id": "m", "initial": "a", "states": {"a": {}, "b": {}}}


def refusal(document: Json, **more: Json) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        from_xstate(document, **IMPLEMENTATIONS | more)
    return caught.value


def never_called(*_: Json) -> Json:
    raise AssertionError("a refused chart must not call this")


async def never_awaited(*_: Json) -> Json:
    raise AssertionError("a step must not call this")


too_late: Json = never_awaited


def with_a(**config: Json) -> dict[str, Json]:
    """A chart of two states, the first one described."""
    return {**TWO, "states": {"a": config, "b": {}}}


def on_go(transition: Json) -> dict[str, Json]:
    return with_a(on={"go": transition})


GO: Path = ("states", "a", "on", "go")

REFUSED: list[tuple[str, Json, Path, str]] = [
    ("invoke", with_a(invoke={"src": "x"}), ("states", "a", "invoke"), "emit a request in 'entry'"),
    ("invoke on the root", {**TWO, "invoke": {}}, ("invoke",), "emit a request in 'entry'"),
    ("activities", with_a(activities=[]), ("states", "a", "activities"), "emit a request in 'entry'"),
    ("route", with_a(route={}), ("states", "a", "route"), "event of its own"),
    ("unknown key", with_a(entree="count"), ("states", "a", "entree"), "did you mean 'entry'"),
    ("unlike any key", with_a(zzz=1), ("states", "a", "zzz"), "known are after, always"),
    ("old entry", with_a(onEntry="count"), ("states", "a", "onEntry"), "v5 calls it 'entry'"),
    ("old guard", on_go({"cond": "below"}), (*GO, "cond"), "v5 calls it 'guard'"),
    ("old internal", on_go([{"internal": True}]), (*GO, 0, "internal"), "unless 'reenter' is true"),
    ("old eventless", with_a(on={"": "b"}), ("states", "a", "on", ""), "'always'"),
    ("context inside", with_a(context={}), ("states", "a", "context"), "only the root"),
    ("output of no final state", with_a(output=1), ("states", "a", "output"), "final states"),
    ("onDone of a leaf", with_a(onDone="b"), ("states", "a", "onDone"), "ever done"),
    ("initial of a leaf", with_a(initial="b"), ("states", "a", "initial"), "compound"),
    (
        "history of no history state",
        with_a(type="atomic", history="deep"),
        ("states", "a", "history"),
        "type 'history'",
    ),
    (
        "children of a final state",
        with_a(type="final", states={"x": {}}),
        ("states", "a", "states"),
        "change its 'type'",
    ),
    (
        "children of an atomic state",
        with_a(type="atomic", states={"x": {}}),
        ("states", "a", "states"),
        "change its 'type'",
    ),
    (
        "unknown kind of history",
        with_a(type="history", history="long"),
        ("states", "a", "history"),
        "'shallow' or 'deep'",
    ),
    ("unknown type", with_a(type="choice"), ("states", "a", "type"), "not one of atomic"),
    ("unknown option", {**TWO, "options": {"strict": True}}, ("options", "strict"), "known are maxIterations"),
    ("bad limit", {**TWO, "options": {"maxIterations": 0}}, ("options", "maxIterations"), "above 0"),
    ("bad options", {**TWO, "options": 3}, ("options",), "not a JSON object"),
    ("bad context", {**TWO, "context": []}, ("context",), "not a JSON object"),
    ("bad version", {**TWO, "version": 1}, ("version",), "not text"),
    ("bad id", with_a(id=""), ("states", "a", "id"), "not text"),
    ("bad tags", with_a(tags=[1]), ("states", "a", "tags"), "list of texts"),
    ("bad meta", with_a(meta=1), ("states", "a", "meta"), "not a JSON object"),
    ("bad state", {**TWO, "states": {"a": {}, "b": 3}}, ("states", "b"), "describes a state"),
    ("bad states", {**TWO, "type": "compound", "states": []}, ("states",), "not a JSON object"),
    ("bad on", with_a(on=[]), ("states", "a", "on"), "not a JSON object"),
    ("bad transition", on_go(3), GO, "describes a transition"),
    ("no transition", on_go(None), GO, "describes a transition"),
    ("bad reenter", on_go({"reenter": 1}), (*GO, "reenter"), "true or false"),
    ("bad target", on_go({"target": [3]}), (*GO, "target"), "list of texts"),
    ("empty target", on_go(""), (*GO, "target"), "list of texts"),
    ("unknown sibling", on_go("c"), (*GO, "target"), "#m has no state 'c' (its states: a, b)"),
    ("unknown child", on_go(".c"), (*GO, "target"), "#m.a has no state 'c' (its states: none)"),
    ("unknown id", on_go([{"target": "#x"}]), (*GO, 0, "target"), "no state has the id 'x'"),
    ("unknown below an id", on_go("#m.c"), (*GO, "target"), "#m has no state 'c'"),
    ("sibling of the root", {**TWO, "on": {"go": "a"}}, ("on", "go", "target"), "write '.a'"),
    ("siblings as targets", on_go({"target": ["a", "b"]}), (*GO, "target"), "different regions"),
    ("no initial", with_a(states={"x": {}}), ("states", "a"), "needs 'initial', one of 'x'"),
    ("unknown initial", {**TWO, "initial": "c"}, ("initial",), "its states: 'a', 'b'"),
    ("bad initial", {**TWO, "initial": {"actions": []}}, ("initial",), "key of a state"),
    ("unknown key of initial", {**TWO, "initial": {"target": "a", "guard": "x"}}, ("initial", "guard"), "known are"),
    ("unknown action", with_a(entry="counter"), ("states", "a", "entry"), "known: count, raise, say"),
    ("unknown action in a list", with_a(exit=["count", "x"]), ("states", "a", "exit", 1), "pass it in 'actions'"),
    ("unknown initial action", {**TWO, "initial": {"target": "a", "actions": "x"}}, ("initial", "actions"), "'x'"),
    ("bad action", with_a(entry={"name": "count"}), ("states", "a", "entry"), "'type' and 'params'"),
    ("action with more", with_a(entry={"type": "count", "exec": 1}), ("states", "a", "entry"), "'type' and 'params'"),
    ("unknown guard", on_go({"guard": "x"}), (*GO, "guard"), "no guard is named 'x' (known: below)"),
    ("bad guard", on_go({"guard": 3}), (*GO, "guard"), "a guard is a name"),
    ("not of nothing", on_go({"guard": "not"}), (*GO, "guard", "params"), "'not' takes"),
    (
        "unknown guard inside",
        on_go({"guard": {"type": "not", "params": {"guard": {"type": "or", "params": {"guards": ["below", "x"]}}}}}),
        (*GO, "guard", "params", "guard", "params", "guards", 1),
        "'x'",
    ),
    ("and of nothing", on_go({"guard": {"type": "and", "params": {}}}), (*GO, "guard", "params"), "a list"),
    ("stateIn of nothing", on_go({"guard": {"type": "stateIn"}}), (*GO, "guard", "params"), "'#id'"),
    ("stateIn elsewhere", on_go({"guard": {"type": "stateIn", "params": {"state": "c"}}}), (*GO, "guard"), "'c'"),
    ("stateIn too vague", on_go({"guard": {"type": "stateIn", "params": {"state": {"a": {}}}}}), (*GO, "guard"), "{}"),
    ("same id twice", with_a(id="m.b"), ("states", "b"), "is taken by 'a'"),
]


@pytest.mark.parametrize(
    ("document", "path", "advice"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_document_is_refused_with_path_and_advice(document: Json, path: Path, advice: str) -> None:
    error = refusal(document)
    assert [issue.path for issue in error.issues] == [path]
    assert advice in error.issues[0].message
    assert error.issues[0].message in str(error)
    assert "Statechart 'm' has one error" in str(error)


def history(parent: dict[str, Json] | None = None, **config: Json) -> Json:
    remembering: Json = {"type": "history", **config}
    inside: Json = {"x": {}, "h": remembering}
    remembered: Json = {"initial": "x", **(parent or {}), "states": inside}
    return {"id": "m", "initial": "b", "states": {"p": remembered, "b": {}}}


@pytest.mark.parametrize(
    ("document", "advice"),
    [
        (history(target="#m.b"), "does not lie in #m.p"),
        (history(target="h"), "is another history state"),
        (history(target="y"), "no state 'y'"),
        (history({"initial": "h"}), "needs a 'target' for the first time"),
        (history({"type": "parallel", "initial": "x"}, target=["x", "x"]), "only a state of type 'compound' has one"),
        (history(target=["x", "x"]), "different regions"),
        (history(entry="count"), "known are description, history"),
        ({"id": "m", "type": "history"}, "the root cannot be a history state"),
    ],
)
def test_history_that_cannot_work_is_refused(document: Json, advice: str) -> None:
    assert advice in str(refusal(document))


def test_all_errors_are_reported_at_once() -> None:
    error = refusal(with_a(entry="x", exit="y", on={"go": {"target": "b", "guard": "z"}}, zzz=1))
    assert [issue.path[2] for issue in error.issues] == ["zzz", "entry", "exit", "on"]
    assert "has 4 errors" in str(error)


def test_a_long_list_of_errors_is_cut_in_the_message_only() -> None:
    error = refusal(with_a(entry=[f"x{n}" for n in range(30)]))
    assert len(error.issues) == 30
    assert str(error).endswith("and 22 more")


@pytest.mark.parametrize("name", ["and", "or", "not", "stateIn"])
def test_built_in_guards_cannot_be_replaced(name: str) -> None:
    assert refusal(TWO, guards={name: never_called}).issues[0].path == ("guards", name)


@pytest.mark.parametrize(
    ("more", "path", "advice"),
    [
        ({"guards": {"g": 3}}, ("guards", "g"), "not a function"),
        ({"guards": {"g": too_late}}, ("guards", "g"), "async"),
        ({"actions": {"a": None}}, ("actions", "a"), "not a function"),
        ({"actions": {"a": too_late}}, ("actions", "a"), "async"),
        ({"actions": {"a": Assign(too_late)}}, ("actions", "a"), "async"),
    ],
)
def test_implementations_have_to_be_plain_functions(more: Json, path: Path, advice: str) -> None:
    error = refusal(TWO, **more)
    assert error.issues[0].path == path
    assert advice in error.issues[0].message


@pytest.mark.parametrize("state_id", ["m.a", "m.x"])
def test_outputs_belong_to_final_states_and_the_root(state_id: str) -> None:
    error = refusal(TWO, outputs={state_id: never_called})
    assert error.issues[0].path == ("outputs", state_id)
