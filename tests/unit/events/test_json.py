"""Events as JSON documents: ours, other producers', and those that are none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import InvalidEvent
from arvo.events import ARVO_CONTENT_TYPE, Event, JsonObject, create_event
from tests.unit.events.strategies import attributes, finite, json_values

if TYPE_CHECKING:
    from collections.abc import Callable

ORDER = (
    *("id", "source", "specversion", "type", "subject", "datacontenttype", "dataschema", "data", "time"),
    *("to", "accesscontrol", "redirectto", "executionunits", "traceparent", "tracestate", "parentid", "domain"),
)
FOREIGN = {"id": "1", "source": "/s", "specversion": "1.0", "type": "com.a.b", "subject": "s", "data": {"a": 1}}
READERS: list[Callable[[dict[str, Any]], Event[JsonObject]]] = [
    Event.from_dict,
    lambda document: Event.from_json(json.dumps(document)),
    lambda document: Event.from_json(json.dumps({**document, "x1": "y"}, indent=1).encode()),
]


def _ours(**changes: Any) -> dict[str, Any]:
    return {**create_event(type="com.a.b", source="s", subject="s", data={"a": 1}).to_dict(), **changes}


@given(attributes)
def test_an_event_comes_back_as_it_was_written(given_attributes: dict[str, Any]) -> None:
    event = create_event(**given_attributes)
    document = event.to_json()
    for again in (Event.from_json(document), Event.from_json(document.decode()), Event.from_dict(event.to_dict())):
        assert again == event
        assert again.to_json() == document
        assert again.data == event.data == given_attributes["data"]
        assert again.to_json() == document


@given(st.lists(finite))
def test_floats_come_back_as_the_same_doubles(numbers: list[float]) -> None:
    event = Event.from_json(create_event(type="com.a.b", source="s", subject="s", data={"n": numbers}).to_json())
    assert [float(number) for number in event.data["n"]] == numbers


@given(attributes)
def test_the_document_is_json_in_wire_order(given_attributes: dict[str, Any]) -> None:
    event = create_event(**given_attributes)
    document = json.loads(event.to_json())
    assert document == event.to_dict()
    extensions = tuple(given_attributes.get("extensions", ()))
    assert tuple(document) == (*ORDER[:9], *extensions, *ORDER[9:])
    assert json.loads(event.to_json(indent=2)) == document


@pytest.mark.parametrize("read", READERS)
def test_other_producers_may_leave_out_what_is_arvos(read: Callable[[dict[str, Any]], Event[JsonObject]]) -> None:
    event = read(FOREIGN)
    assert (event.to, event.datacontenttype, event.dataschema, event.domain) == (
        "com.a.b",
        ARVO_CONTENT_TYPE,
        None,
        None,
    )
    assert event.time.endswith("+00:00")
    foreign = {**FOREIGN, "datacontenttype": "application/json", "time": None}
    assert read(foreign).to == "com.a.b"
    assert read({**foreign, "to": None}).to is None


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ["id", "source", "specversion", "type", "subject", "data", "time", "to"])
def test_nothing_is_made_up_for_a_document_of_arvos_own(
    read: Callable[[dict[str, Any]], Event[JsonObject]], name: str
) -> None:
    document = _ours()
    del document[name]
    with pytest.raises(InvalidEvent, match=f"{name}: is missing") as refusal:
        read(document)
    assert [issue.path for issue in refusal.value.issues] == [(name,)]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ["id", "source", "specversion", "type", "subject"])
def test_no_producer_may_leave_out_what_cloudevents_requires(
    read: Callable[[dict[str, Any]], Event[JsonObject]], name: str
) -> None:
    with pytest.raises(InvalidEvent, match=f"{name}: is missing"):
        read({key: value for key, value in FOREIGN.items() if key != name})


@pytest.mark.parametrize("read", READERS)
def test_unknown_members_are_extensions(read: Callable[[dict[str, Any]], Event[JsonObject]]) -> None:
    event = read(_ours(traceid="t", urgent=True, nothing=None))
    assert {**event.extensions, "x1": "y"} == {"traceid": "t", "urgent": True, "nothing": None, "x1": "y"}
    wrongs: tuple[dict[str, Any], ...] = ({"Trace": 1}, {"$extensions": {}}, {"x": [1]})
    for wrong in wrongs:
        with pytest.raises(InvalidEvent) as refusal:
            read(_ours(**wrong))
        assert {issue.path for issue in refusal.value.issues} == {("extensions", name) for name in wrong}


@pytest.mark.parametrize("read", READERS)
def test_binary_data_is_refused_by_name(read: Callable[[dict[str, Any]], Event[JsonObject]]) -> None:
    with pytest.raises(InvalidEvent, match="data_base64"):
        read({**_ours(), "data_base64": "AA=="})


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("data", [None, [], [1], "x", 1, True, 1.5])
def test_data_that_is_no_object_is_refused(read: Callable[[dict[str, Any]], Event[JsonObject]], data: Any) -> None:
    with pytest.raises(InvalidEvent) as refusal:
        read(_ours(data=data))
    assert [issue.path for issue in refusal.value.issues] == [("data",)]


@pytest.mark.parametrize(
    "document", ["", "null", "[]", '"x"', "1", "{", "{}x", "\ufeff{}", "{'a':1}", "[1", '{"a":NaN}']
)
def test_what_is_no_json_object_is_refused(document: str) -> None:
    for given_document in (document, document.encode()):
        with pytest.raises(InvalidEvent, match="holds no event"):
            Event.from_json(given_document)


def test_of_duplicate_members_the_last_one_counts() -> None:
    plain = json.dumps(_ours())[:-1]
    assert Event.from_json(plain + ',"source":"t","data":{"b":2,"b":3}}').to_dict() == {
        **json.loads(plain + "}"),
        "source": "t",
        "data": {"b": 3},
    }
    assert Event.from_json(plain + ',"x":1,"source":"t","x":2}').extensions == {"x": 2}


def test_data_is_passed_on_as_it_came() -> None:
    raw = b'{"b": 1.0,\t"a":[1e2 ]}'
    document = json.dumps(_ours(data="DATA")).encode().replace(b'"DATA"', raw)
    event = Event.from_json(document)
    assert event.data_json == raw
    assert raw in event.to_json()
    assert event.data == {"b": 1.0, "a": [100]}
    assert event.data_json == raw
    assert raw in event.to_json()


def test_a_document_is_written_on_one_line_however_it_came() -> None:
    pretty = json.dumps(_ours(data={"a": "line\nbreak", "b": [1, {}]}), indent=2)
    event = Event.from_json(pretty)
    assert b"\n" not in event.to_json()
    assert Event.from_json(event.to_json()) == event


def test_data_that_nobody_looks_at_is_not_parsed() -> None:
    document = json.dumps(_ours(data="DATA")).encode().replace(b'"DATA"', b'{"a":1e999}')
    event = Event.from_json(document)
    assert event.data_json == b'{"a":1e999}'
    with pytest.raises(InvalidEvent, match="out of range") as refusal:
        _ = event.data
    assert refusal.value.issues[0].path == ("data",)
    with pytest.raises(InvalidEvent, match="out of range"):
        event.to_dict()
    assert Event.from_json(event.to_json()).data_json == event.data_json


def test_lone_surrogates_do_not_hide_what_cannot_be_read() -> None:
    document = json.dumps(_ours(data="DATA", x1="\ud800")).encode().replace(b'"DATA"', b'{"a":"\\ud800","b":1e999}')
    with pytest.raises(InvalidEvent, match="out of range"):
        Event.from_json(document)


@given(st.text("ab\ud800\udc00\udbff", max_size=6))
def test_lone_surrogates_in_data_are_escaped_as_javascript_does(text: str) -> None:
    event = create_event(type="com.a.b", source="s", subject="s", data={"a": text, text: [1.0]}, extensions={"x": 1})
    document = event.to_json()
    again = Event.from_json(document)
    assert json.loads(document)["data"] == json.loads(json.dumps({"a": text, text: [1.0]}))
    assert again == event
    assert json.loads(again.to_json(indent=1)) == json.loads(document)


@given(json_values)
def test_a_document_of_any_value_is_an_event_or_refused(value: object) -> None:
    for document in (value, {**FOREIGN, "data": value}, {**FOREIGN, "x": value}, {**FOREIGN, "to": value, "id": value}):
        try:
            event = Event.from_json(json.dumps(document))
        except InvalidEvent as refusal:
            assert refusal.issues  # noqa: PT017
        else:
            assert Event.from_json(event.to_json()) == event
