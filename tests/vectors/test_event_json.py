"""Replays `event_json.json`: events made by factory and by constructor, their JSON to the byte, their attributes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, cast

import pytest

from arvo.errors import InvalidEvent, Issue
from arvo.events import Event, create_event, telemetry_attributes
from tests.support.vectors import Deviation, load, record_name
from tests.vectors.deviations_event_json import DEVIATIONS, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDS = load("event_json")
NEEDED = frozenset(("id", "source", "specversion", "type", "subject", "datacontenttype", "time", "to"))
TRACING = frozenset(("traceparent", "tracestate"))
NULLABLE = TRACING | {"dataschema", "accesscontrol", "redirectto", "executionunits", "parentid", "domain"}
ATTRIBUTES = NEEDED | NULLABLE


def _deviation(record: dict[str, Any]) -> Deviation | None:
    return next((found for found in DEVIATIONS if fnmatchcase(record["name"], found.name_pattern)), None)


@pytest.mark.parametrize("record", [r for r in RECORDS if _deviation(r) is None], ids=record_name)
def test_an_event_is_made_and_written_as_recorded(record: dict[str, Any]) -> None:
    for make in _ways_to_make(record):
        if "output" in record:
            _check_output(make(), record["output"])
        else:
            _check_refusal(make, record)


@pytest.mark.parametrize(
    "record", [r for r in RECORDS if (found := _deviation(r)) and found.instead == REFUSED], ids=record_name
)
def test_what_the_original_bends_is_refused(record: dict[str, Any]) -> None:
    for make in _ways_to_make(record):
        with pytest.raises(InvalidEvent) as refusal:
            make()
        assert refusal.value.issues


def _named(pattern: str) -> list[dict[str, Any]]:
    deviation = next(found for found in DEVIATIONS if found.name_pattern == pattern)
    return [record for record in RECORDS if _deviation(record) is deviation]


@pytest.mark.parametrize("record", _named("*integer_like_key*"), ids=record_name)
def test_insertion_order_is_kept(record: dict[str, Any]) -> None:
    for make in _ways_to_make(record):
        event = make()
        assert json.loads(event.to_json()) == json.loads(record["output"]["json"])
        extensions = list(record["input"].get("extensions", {}))
        assert list(event.to_dict())[9 : 9 + len(extensions)] == extensions
        if "data_json" in record["input"]:
            assert list(event.data) == list(json.loads(record["input"]["data_json"]))


@pytest.mark.parametrize("record", _named("num_beyond_2_53"), ids=record_name)
def test_big_integers_are_exact(record: dict[str, Any]) -> None:
    for make in _ways_to_make(record):
        assert make().data_json == record["input"]["data_json"].encode()


@pytest.mark.parametrize("record", _named("bad_data_bigint"), ids=record_name)
def test_a_big_integer_is_no_error(record: dict[str, Any]) -> None:
    for make in _ways_to_make(record):
        assert str(2**70) in make().data_json.decode()


@pytest.mark.parametrize("record", _named("data_date_value"), ids=record_name)
def test_a_datetime_is_written_in_rfc_3339(record: dict[str, Any]) -> None:
    for make in _ways_to_make(record):
        assert make().data == {"d": "2020-01-02T03:04:05.678000Z"}


@pytest.mark.parametrize("record", _named("bad_datacontenttype_case"), ids=record_name)
def test_media_types_ignore_case(record: dict[str, Any]) -> None:
    for make in _ways_to_make(record):
        assert make().datacontenttype == record["input"]["event"]["datacontenttype"]


@pytest.mark.parametrize("record", _named("ctor_bad_*_missing"), ids=record_name)
def test_only_attributes_that_may_be_null_may_be_missing(record: dict[str, Any]) -> None:
    missing = {issue["path"][0] for issue in record["error"]["issues"]}
    for make in _ways_to_make(record):
        if missing <= NULLABLE:
            event = make()
            assert {getattr(event, name) for name in missing} == {None}
        else:
            _check_refusal(make, record, besides=NULLABLE)


@pytest.mark.parametrize("record", _named("ctor_bad_empty_context"), ids=record_name)
def test_an_empty_context_is_refused(record: dict[str, Any]) -> None:
    for make in _ways_to_make(record):
        # With no content type the event is not bound to Arvo's rules for time and to.
        _check_refusal(make, record, besides=NULLABLE | {"time", "to"})


def _check_output(event: Event[Any], expected: dict[str, Any]) -> None:
    written = {"<time>": event.time, "<uuid>": event.id, "<id>": event.id}
    for indent, recorded in ((None, expected["json"]), (2, expected["json_indent2"])):
        for placeholder, value in written.items():
            recorded = recorded.replace(placeholder, value)
        assert event.to_json(indent=indent).decode() == recorded
    assert telemetry_attributes(event) == {
        name: written.get(value, value) if isinstance(value, str) else value
        for name, value in expected["otelAttributes"].items()
    }
    assert event.extensions == expected["extensions"]
    assert list(event.extensions) == list(expected["extensions"])
    assert event.to == expected["to"]


def _check_refusal(
    make: Callable[[], Event[Any]], record: dict[str, Any], *, besides: frozenset[str] = frozenset()
) -> None:
    with pytest.raises(InvalidEvent) as refusal:
        make()
    ours = {issue.path[:2] if issue.path[0] == "extensions" else issue.path[:1] for issue in refusal.value.issues}
    error = record["error"]
    if error["name"] == "URIError":
        assert {issue.code for issue in refusal.value.issues} == {"malformed_uri"}
    elif error["name"] == "Error":
        assert ("to",) in ours
    else:
        recorded = {_our_path(record, tuple(issue["path"])) for issue in error["issues"]}
        assert recorded - {(name,) for name in besides} <= ours


def _our_path(record: dict[str, Any], path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The original reports data and extensions at the root, each at its own stage."""
    extensions = record["input"].get("extensions")
    if path and isinstance(extensions, dict) and path[0] in extensions:
        return ("extensions", *path)
    if path:
        return path
    return ("data",) if extensions is None or isinstance(extensions, dict) else ("extensions",)


def _ways_to_make(record: dict[str, Any]) -> list[Callable[[], Event[Any]]]:
    given = record["input"]
    if given["via"] == "createArvoEvent":
        return [lambda: _create(given)]
    context = {name: value for name, value in given["context"].items() if name in ATTRIBUTES}
    document = {**context, "data": given["data"], **given.get("extensions", {})}
    ways: list[Callable[[], Event[Any]]] = [
        lambda: Event.from_dict(document),
        lambda: Event.from_json(json.dumps(document, separators=(",", ":"))),
    ]
    if context.keys() == ATTRIBUTES:
        arguments = {**context, "data": given["data"], "extensions": given.get("extensions", {})}
        ways.append(lambda: Event(**arguments))
    return ways


def _create(given: dict[str, Any]) -> Event[Any]:
    attributes = {name: _python(value) for name, value in given["event"].items() if name != "id"}
    if "id" in given["event"]:
        attributes["id"] = given["event"]["id"]["value"]
    if "data_json" in given:
        attributes["data"] = json.loads(given["data_json"])
    if "extensions" in given:
        attributes["extensions"] = _python(given["extensions"])
    # JavaScript has undefined for what Python does not let one leave out.
    required = {"source": None, "subject": None, "type": None, "data": None}
    return create_event(**cast("dict[str, Any]", {**required, **attributes}))


def _python(value: Any) -> Any:
    """The Python value that comes nearest to a JavaScript one."""
    if isinstance(value, list):
        return [_python(item) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    if members.keys() != {"$js"}:
        return {name: _python(item) for name, item in members.items()}
    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    return {
        "NaN": float("nan"),
        "Infinity": float("inf"),
        "-Infinity": float("-inf"),
        "-0": -0.0,
        "bigint": 2**70,
        "cyclic": cyclic,
        "date": datetime(2020, 1, 2, 3, 4, 5, 678000, UTC),
        "map": frozenset(("a", "b")),
        "undefined": object(),
        "function": object(),
        "symbol": object(),
    }[members["$js"]]


def test_issues_name_the_attribute() -> None:
    with pytest.raises(InvalidEvent) as refusal:
        create_event(type="com.a.b", source="s", subject="s", data={}, domain="A B")
    assert [issue.path for issue in refusal.value.issues] == [("domain",)]
    assert isinstance(refusal.value.issues[0], Issue)
