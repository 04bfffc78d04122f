"""Which recorded behaviour of handlers is not copied, and what the records look like under our rule."""

from __future__ import annotations

import copy
import re
from typing import Any

from arvo.events import decode_uri
from tests.support.vectors import Deviation

DEVIATIONS = [
    Deviation(
        r"(subject|source)_reencoded_.*", 1, "Fields of events are encoded already and are passed through untouched."
    ),
    Deviation(r"to_output_empty", 3, "An empty address is invalid, wherever it is given."),
    Deviation(
        r"(unparsable_dataschema|version_only_dataschema).*",
        26,
        "A dataschema that does not name the handler's contract is a ContractViolation.",
    ),
    Deviation(r"handler_sees_raw_data", 29, "Functions get validated data: defaults filled in, unknown keys dropped."),
    Deviation(r"throw_string", 30, "Whatever is thrown gives a system error with a name, a message and a traceback."),
    Deviation(r"same_developer_id_on_domains", 32, "Only the first of several copies has the given id."),
]


def ours(record: dict[str, Any]) -> dict[str, Any]:
    """The record with our behaviour in place of the recorded one, if it shows a deviation."""
    deviation = next((each for each in DEVIATIONS if re.fullmatch(each.name_pattern, record["name"])), None)
    if deviation is None:
        return record
    record = copy.deepcopy(record)
    for step in record["output"]["steps"]:
        _CHANGES[deviation.quirk](step, record["input"])
    return record


def _encoded_once(step: dict[str, Any], _: Any) -> None:
    for event in step["events"]:
        event["subject"], event["to"] = decode_uri(event["subject"]), decode_uri(event["to"])


def _empty_address_refused(step: dict[str, Any], _: Any) -> None:
    del step["events"]
    step["error"] = {"violation": True, "type": "Contract", "issues": [{"path": ["to"]}]}


def _foreign_dataschema_refused(step: dict[str, Any], _: Any) -> None:
    del step["events"], step["seen"]
    step["error"] = {"violation": True, "type": "Contract", "issues": [{"path": ["dataschema"]}]}


def _validated(step: dict[str, Any], given: Any) -> None:
    ((_, contract),) = given["contracts"].items()
    for seen in step["seen"]:
        data = seen["event"]["data"]
        properties = contract["versions"][seen["version"]]["accepts"]["properties"]
        defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
        seen["event"]["data"] = {**defaults, **{name: value for name, value in data.items() if name in properties}}


def _named_error(step: dict[str, Any], given: Any) -> None:
    ((_, handler),) = given["handlers"].items()
    ((_, script),) = handler["versions"].items()
    for event in step["events"]:
        event["data"] = {"errorName": "Error", "errorMessage": script["throw"]["message"], "errorStack": "<stack>"}


def _one_id_per_copy(step: dict[str, Any], _: Any) -> None:
    for number, event in enumerate(step["events"][1:]):
        event["id"] = f"<id:{number}>"


_CHANGES = {
    1: _encoded_once,
    3: _empty_address_refused,
    26: _foreign_dataschema_refused,
    29: _validated,
    30: _named_error,
    32: _one_id_per_copy,
}
