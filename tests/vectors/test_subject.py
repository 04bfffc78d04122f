"""Replays `subject.json`: subjects made, read and derived, those of the 2.x packages among them."""

from __future__ import annotations

import base64
import json
import zlib
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

import pytest

from arvo.errors import InvalidSubject
from arvo.events import INHERIT, Subject
from tests.support.vectors import load, record_name
from tests.vectors.deviations_subject import DEVIATIONS

RECORDS = load("subject")


def _quirk(record: dict[str, Any]) -> int | None:
    return next((found.quirk for found in DEVIATIONS if fnmatchcase(record["name"], found.name_pattern)), None)


def _records(operation: str) -> list[dict[str, Any]]:
    return [r for r in RECORDS if r["input"]["op"] == operation and _quirk(r) is None]


def _deviating(quirk: int, operation: str) -> list[dict[str, Any]]:
    return [r for r in RECORDS if r["input"]["op"] == operation and _quirk(r) == quirk]


def test_every_record_is_replayed() -> None:
    replayed = sum(len(_records(operation)) for operation in ("create", "parse", "parse_with_2_2_13", "new", "from"))
    assert replayed + sum(1 for record in RECORDS if _quirk(record) is not None) == len(RECORDS)


@pytest.mark.parametrize("record", _records("create"), ids=record_name)
def test_a_subject_is_made_of_its_content(record: dict[str, Any]) -> None:
    content = record["input"]["content"]
    if "error" in record:
        _check_refusal(lambda: Subject.from_content(content), record)
        return
    encoded = Subject.from_content(content).encode()
    # Compressors may differ; what they compress must not, to the byte.
    assert zlib.decompress(base64.b64decode(encoded)).decode() == record["output"]["json"]
    assert Subject.parse(encoded).content == content


@pytest.mark.parametrize("record", _records("parse"), ids=record_name)
def test_a_subject_is_read(record: dict[str, Any]) -> None:
    text = record["input"]["subject"]
    if "error" in record:
        _check_refusal(lambda: Subject.parse(text), record)
    else:
        _check_content(Subject.parse(text), record["output"]["content"])


@pytest.mark.parametrize("record", _records("parse_with_2_2_13"), ids=record_name)
def test_what_the_older_package_reads_is_read(record: dict[str, Any]) -> None:
    content = Subject.parse(record["input"]["subject"]).content
    assert json.loads(json.dumps(content)) == record["output"]["content"]


@pytest.mark.parametrize("record", _records("new"), ids=record_name)
def test_a_new_subject_has_a_random_execution(record: dict[str, Any]) -> None:
    if "error" in record:
        _check_refusal(lambda: _new(record), record)
    else:
        _check_content(_new(record), record["output"]["content"])


@pytest.mark.parametrize("record", _records("from"), ids=record_name)
def test_a_child_comes_of_its_parent(record: dict[str, Any]) -> None:
    if "error" in record:
        _check_refusal(lambda: _child(record), record)
    else:
        _check_content(_child(record), record["output"]["content"])


@pytest.mark.parametrize("record", [*_deviating(10, "create"), *_deviating(10, "parse")], ids=record_name)
def test_a_domain_of_dots_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(InvalidSubject) as refusal:
        _made_or_read(record)
    assert [issue.path for issue in refusal.value.issues] == [("execution", "domain")]


@pytest.mark.parametrize("record", [*_deviating(16, "create"), *_deviating(16, "parse")], ids=record_name)
def test_a_missing_domain_is_read_as_null(record: dict[str, Any]) -> None:
    subject = _made_or_read(record)
    assert subject.domain is None
    recorded = record["error"].get("content_according_to_2_2_13")
    if recorded is not None:
        assert subject.content == recorded


@pytest.mark.parametrize("record", _deviating(16, "from"), ids=record_name)
def test_a_child_comes_of_a_parent_without_domain(record: dict[str, Any]) -> None:
    assert _child(record).domain is None


@pytest.mark.parametrize("record", _deviating(19, "from"), ids=record_name)
def test_null_overrides_the_domain_of_the_parent(record: dict[str, Any]) -> None:
    child = _child(record)
    assert child.domain is None
    expected = record["output"]["content"]
    assert child.meta == expected["meta"]
    assert expected["execution"]["domain"] == Subject.parse(record["input"]["param"]["subject"]).domain


@pytest.mark.parametrize("record", [*_deviating(20, "new"), *_deviating(20, "from")], ids=record_name)
def test_a_subject_needs_a_version(record: dict[str, Any]) -> None:
    with pytest.raises(InvalidSubject) as refusal:
        (_new if record["input"]["op"] == "new" else _child)(record)
    assert [issue.path for issue in refusal.value.issues] == [("orchestrator", "version")]


def _made_or_read(record: dict[str, Any]) -> Subject:
    given = record["input"]
    return Subject.from_content(given["content"]) if given["op"] == "create" else Subject.parse(given["subject"])


def _new(record: dict[str, Any]) -> Subject:
    given = record["input"]["param"]
    return Subject.new(
        name=given["orchestator"],
        version=given["version"],
        initiator=given["initiator"],
        domain=given.get("domain"),
        meta=given.get("meta"),
    )


def _child(record: dict[str, Any]) -> Subject:
    given = record["input"]["param"]
    return Subject.parse(given["subject"]).child(
        name=given["orchestator"],
        version=given["version"],
        domain=given.get("domain", INHERIT),
        meta=given.get("meta"),
    )


def _check_content(subject: Subject, expected: dict[str, Any]) -> None:
    if expected["execution"]["id"] == "<uuid>":
        assert UUID(subject.execution_id).version == 4
        expected = {**expected, "execution": {**expected["execution"], "id": subject.execution_id}}
    assert subject.content == expected
    assert subject.name == expected["orchestrator"]["name"]
    assert subject.version == expected["orchestrator"]["version"]
    assert subject.execution_id == expected["execution"]["id"]
    assert subject.initiator == expected["execution"]["initiator"]
    assert subject.domain == expected["execution"]["domain"]
    assert subject.meta == expected["meta"]
    assert Subject.parse(subject.encode()) == subject


def _check_refusal(make: Any, record: dict[str, Any]) -> None:
    with pytest.raises(InvalidSubject) as refusal:
        make()
    recorded = {tuple(issue["path"]) for issue in record["error"].get("issues", ())}
    ours = {issue.path for issue in refusal.value.issues}
    assert ours == (recorded or {()})
