"""Replays the event factories of contracts: requests, answers, system errors, starts and ends of workflows."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from arvo.contracts import ContractVersion, read_payload
from arvo.errors import ArvoError, ContractViolation, InvalidEvent, InvalidSubject
from arvo.events import Event, Subject, encode_uri
from tests.support.neutral_contracts import contract_from_neutral
from tests.support.vectors import load, record_name
from tests.vectors.deviations_factory import DEVIATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORDS = load("factory")

# Decided by the contract here: no parameter sets them.
DECIDED = ("type", "datacontenttype", "dataschema")


def deviation_of(record: dict[str, Any]) -> int | None:
    return next((d.quirk for d in DEVIATIONS if fnmatchcase(record["name"], d.name_pattern)), None)


def made(given: Mapping[str, Any]) -> Event[Any]:
    """The event that the recorded factory call makes here."""
    version = contract_from_neutral(given["contract"]).get(given["version"])
    options = {key: value for key, value in given["event"].items() if key not in ("id", "data", "error", *DECIDED)}
    managed = given["event"].get("id")
    options |= {"id": managed["value"]} if managed else {}
    options |= {"extensions": given["extensions"]} if "extensions" in given else {}
    match given["method"]:
        case "systemError":
            return version.emit_error(raised(given["event"]["error"]), **options)
        case "emits" | "complete":
            return emitted(version, given, options)
        case _:
            # What is required of a sender in another process: the wire data, the parent's subject among them.
            data = read_payload(version.wire_accepts, json.dumps(given["event"].get("data")))
            # Only workflows have parents, so other versions do not know the parameter.
            starts_workflow: dict[str, Any] = {"parent_subject": None} if given["method"] == "init" else {}
            return version.request(data, **starts_workflow, **options)


def emitted(version: ContractVersion[Any, Any], given: Mapping[str, Any], options: dict[str, Any]) -> Event[Any]:
    by_type = {event_type: payload for payload, event_type in version.emit_types.items()}
    event_type = given["event"].get("type", f"{version.accepted_type}.done")
    payload = by_type.get(event_type)
    if payload is None:
        raise ContractViolation(f"No payload class for {event_type!r} could be written down.")
    return version.emit(read_payload(payload, json.dumps(given["event"]["data"])), **options)


def raised(error: Mapping[str, str]) -> BaseException:
    kind = type(error.get("name", "Error"), (Exception,), {})
    try:
        raise kind(error["message"])
    except Exception as caught:  # noqa: BLE001 - this is where it gets its traceback
        return caught


@pytest.mark.parametrize("record", [r for r in RECORDS if "output" in r], ids=record_name)
def test_event_is_the_recorded_one(record: dict[str, Any]) -> None:
    recorded, event = record["output"]["event"], made(record["input"]).to_dict()
    if recorded["subject"] == "<subject>":
        event["subject"] = "<subject>"
    if recorded["data"].get("errorStack") == "<stack>":
        event["data"]["errorStack"] = "<stack>"
    assert json.dumps(event) == json.dumps(recorded)


@pytest.mark.parametrize("record", [r for r in RECORDS if "subject_content" in r.get("output", {})], ids=record_name)
def test_generated_subject_is_the_recorded_one(record: dict[str, Any]) -> None:
    recorded = record["output"]["subject_content"]
    if deviation_of(record) is not None:
        given = record["input"]["event"]
        caller = Subject.parse(given["data"]["parentSubject$$"])
        recorded["execution"] |= {"initiator": caller.name, "domain": given.get("domain", caller.domain)}
        recorded["meta"] = {**caller.meta, "redirectto": given.get("redirectto") or caller.name}
    content = json.loads(json.dumps(Subject.parse(made(record["input"]).subject).content))
    content["execution"]["id"] = "<uuid>"
    assert content == recorded


@pytest.mark.parametrize("record", [r for r in RECORDS if "error" in r], ids=record_name)
def test_bad_events_are_refused_for_the_recorded_reason(record: dict[str, Any]) -> None:
    recorded = record["error"]
    if "issues" not in recorded:
        with pytest.raises((ContractViolation, TypeError)):
            made(record["input"])
        return
    with pytest.raises(kind_of(recorded)) as refused:
        made(record["input"])
    paths = [list(issue.path) for issue in refused.value.issues]
    assert paths == [issue["path"] for issue in recorded["issues"]]


def kind_of(recorded: Mapping[str, Any]) -> type[ArvoError]:
    if "subject" in recorded.get("message_prefix", ""):
        return InvalidSubject
    return ContractViolation if "message_prefix" in recorded else InvalidEvent


def test_addresses_are_encoded_once_at_the_edge() -> None:
    given = next(record["input"] for record in RECORDS if record["name"] == "accepts_plain")
    event = made({**given, "event": {**given["event"], "source": "my shop/é", "to": "a b", "redirectto": "c d"}})
    assert (event.source, event.to, event.redirectto) == (encode_uri("my shop/é"), "a%20b", "c%20d")
