"""Replays `dataschema.json`: semantic versions, and the dataschema that carries one."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from arvo.errors import DefinitionError, InvalidEvent
from arvo.events import WILDCARD_VERSION, DataSchema, SemanticVersion, create_event
from tests.support.vectors import load, record_name
from tests.vectors.deviations_dataschema import DEVIATIONS

RECORDS = load("dataschema")


def _records(operation: str) -> list[dict[str, Any]]:
    return [record for record in RECORDS if record["input"]["op"] == operation]


def _deviates(record: dict[str, Any]) -> bool:
    return any(fnmatchcase(record["name"], deviation.name_pattern) for deviation in DEVIATIONS)


def test_every_operation_is_replayed() -> None:
    replayed = {"parse", "build", "compare", "parseSemanticVersion", "isValidArvoSemanticVersion", "parse_event"}
    assert {record["input"]["op"] for record in RECORDS} <= replayed


@pytest.mark.parametrize("record", _records("parse"), ids=record_name)
def test_a_dataschema_is_taken_apart(record: dict[str, Any]) -> None:
    parsed = DataSchema.parse(record["input"]["dataschema"])
    assert _parts(parsed) == record["output"]["parsed"]
    assert (parsed is not None) is record["output"]["isValid"]


@pytest.mark.parametrize("record", _records("build"), ids=record_name)
def test_a_dataschema_is_built(record: dict[str, Any]) -> None:
    assert str(DataSchema(record["input"]["uri"], record["input"]["version"])) == record["output"]["value"]


@pytest.mark.parametrize("record", _records("compare"), ids=record_name)
def test_versions_compare_in_semantic_order(record: dict[str, Any]) -> None:
    first, second = record["input"]["a"], record["input"]["b"]
    if "error" in record["output"] or _reads_loosely(record, first, second):
        with pytest.raises(DefinitionError, match="three numbers"):
            _sign(first, second)
    else:
        assert _sign(first, second) == record["output"]["sign"]


@pytest.mark.parametrize("record", _records("parseSemanticVersion"), ids=record_name)
def test_a_version_is_parsed(record: dict[str, Any]) -> None:
    text = record["input"]["version"]
    if "error" in record["output"] or _reads_loosely(record, text):
        with pytest.raises(DefinitionError, match="three numbers"):
            SemanticVersion.parse(text)
    else:
        version = SemanticVersion.parse(text)
        expected = record["output"]["value"]
        assert (version.major, version.minor, version.patch) == (
            expected["major"],
            expected["minor"],
            expected["patch"],
        )


@pytest.mark.parametrize("record", _records("isValidArvoSemanticVersion"), ids=record_name)
def test_a_version_is_told_from_other_text(record: dict[str, Any]) -> None:
    text = record["input"]["version"]
    assert SemanticVersion.is_valid(text) is record["output"]["valid"]
    assert (text == WILDCARD_VERSION) is record["output"]["isWildCard"]


@pytest.mark.parametrize("record", _records("parse_event"), ids=record_name)
def test_the_dataschema_of_an_event_is_taken_apart(record: dict[str, Any]) -> None:
    given = record["input"]["dataschema"]
    if _deviates(record):
        with pytest.raises(InvalidEvent):
            _event_dataschema(given)
        return
    stored = _event_dataschema(given)
    assert stored == record["output"]["stored"]
    assert _parts(DataSchema.parse(stored)) == record["output"]["parsed"]


def _reads_loosely(record: dict[str, Any], *versions: str) -> bool:
    """Whether the original took for a version what merely begins like one."""
    return _deviates(record) and not all(map(SemanticVersion.is_valid, versions))


def _event_dataschema(dataschema: str | None) -> str | None:
    return create_event(type="com.a.b", source="s", subject="s", data={}, dataschema=dataschema).dataschema


def _parts(parsed: DataSchema | None) -> dict[str, str] | None:
    return None if parsed is None else {"uri": parsed.uri, "version": parsed.version}


def _sign(first: str, second: str) -> int:
    a, b = SemanticVersion.parse(first), SemanticVersion.parse(second)
    return (a > b) - (a < b)
