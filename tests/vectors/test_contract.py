"""Replays contracts: their names, versions, JSON Schemas, construction errors, and data against their schemas."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from arvo.contracts import (
    Contract,
    ContractVersion,
    OneOf,
    OrchestratorContract,
    Payload,
    SimpleContract,
    payload_from_schema,
    read_payload,
)
from arvo.contracts.documents import is_array, is_object
from arvo.contracts.exchange import version_to_document
from arvo.contracts.naming import completion_type, init_type, is_orchestrator_type, system_error_type
from arvo.errors import ContractViolation, DefinitionError
from tests.support.vectors import load, record_name
from tests.vectors.deviations_contract import DEVIATIONS

RECORDS = load("contract")
CONTRACTS = [record for record in RECORDS if "contract" in record["input"]]


def deviates(record: dict[str, Any]) -> bool:
    return any(fnmatchcase(record["name"], deviation.name_pattern) for deviation in DEVIATIONS)


def declared(neutral: dict[str, Any]) -> Contract:
    """The contract that the neutral notation describes, declared as an author would."""
    given = {key: neutral[key] for key in ("uri", "domain", "description", "metadata") if key in neutral}
    contract: Contract
    match neutral["kind"]:
        case "simple":
            contract = SimpleContract(neutral["type"], **given)
        case "orchestrator":
            contract = OrchestratorContract(neutral["name"], **given)
        case _:
            contract = Contract(type=neutral["type"], **given)
    for number, schemas in neutral["versions"].items():
        accepts = payload_from_schema(schemas.get("accepts") or schemas["init"], name="Accepted")
        contract.version(number, accepts=accepts, emits=OneOf(tuple(emitted(neutral["kind"], schemas))))
    contract.get("latest")
    return contract


def emitted(kind: str, schemas: dict[str, Any]) -> list[type[Payload]]:
    if kind == "contract":
        return [
            payload_from_schema(schema, name="Emitted", event_type=event_type)
            for event_type, schema in schemas["emits"].items()
        ]
    return [payload_from_schema(schemas["emits" if kind == "simple" else "complete"], name="Emitted")]


def substance(document: Any) -> Any:
    """A document without descriptions, whose wording is each side's own, and without the order of its versions."""
    if is_object(document):
        parts = {key: substance(value) for key, value in document.items() if key != "description"}
        return {**parts, "versions": sorted(parts["versions"], key=version_number)} if "versions" in parts else parts
    return [substance(item) for item in document] if is_array(document) else document


def version_number(document: dict[str, Any]) -> str:
    return str(document["version"])


def names_of(contract: Contract) -> dict[str, Any]:
    return {
        "uri": contract.uri,
        "type": contract.type,
        "domain": contract.domain,
        "description": contract.description,
        "metadata": contract.metadata,
        "systemError": {"type": contract.system_error_type},
        "version_keys": sorted(contract.versions),
        "sorted": {"ASC": list(contract.versions), "DESC": list(contract.versions)[::-1]},
    }


def names_of_version(version: ContractVersion[Any, Any]) -> dict[str, Any]:
    return {
        "version": version.version,
        "dataschema": version.dataschema,
        "accepts_type": version.accepted_type,
        "emit_types": list(version.emit_types.values()),
        "emits_keys": list(version.emit_types.values()),
        "systemError": {"type": version.system_error_type, "dataschema": version.error_dataschema},
        "domain": version.contract.domain,
        "description": version.contract.description,
        "metadata": version.contract.metadata,
        "uri": version.contract.uri,
    }


def found(contract: Contract, number: str) -> dict[str, Any] | str:
    try:
        return names_of_version(contract.get(number))
    except DefinitionError:
        return "refused"


GOOD = [record for record in CONTRACTS if "output" in record and not deviates(record)]
LOOKED_INTO = [record for record in GOOD if "versions" in record["output"]]


@pytest.mark.parametrize("record", GOOD, ids=record_name)
def test_contract_has_the_recorded_names(record: dict[str, Any]) -> None:
    recorded = {key: value for key, value in record["output"].items() if key not in ("versions", "jsonSchema")}
    if "version_keys" in recorded:
        recorded["version_keys"] = sorted(recorded["version_keys"])
    names = names_of(declared(record["input"]["contract"]))
    assert {key: names[key] for key in recorded} == recorded


@pytest.mark.parametrize("record", LOOKED_INTO, ids=record_name)
def test_versions_are_found_as_recorded(record: dict[str, Any]) -> None:
    contract = declared(record["input"]["contract"])
    recorded: dict[str, Any] = {
        number: "refused" if "error" in version else {key: version[key] for key in version if key != "jsonSchema"}
        for number, version in record["output"]["versions"].items()
    }
    assert {number: found(contract, number) for number in recorded} == recorded


@pytest.mark.parametrize("record", LOOKED_INTO, ids=record_name)
def test_documents_are_laid_out_as_recorded(record: dict[str, Any]) -> None:
    contract = declared(record["input"]["contract"])
    assert substance(contract.to_dict()) == substance(record["output"]["jsonSchema"])
    for number, version in record["output"]["versions"].items():
        if "error" not in version:
            document = version_to_document(contract.get(number))
            assert substance(document) == substance(version["jsonSchema"])


@pytest.mark.parametrize("record", LOOKED_INTO, ids=record_name)
def test_recorded_documents_are_read_and_written_again_unchanged(record: dict[str, Any]) -> None:
    recorded = record["output"]["jsonSchema"]
    imported = Contract.from_json(json.dumps(recorded))
    assert substance(imported.to_dict()) == substance(recorded)
    assert names_of(imported) == names_of(declared(record["input"]["contract"]))
    for version in record["output"]["versions"].values():
        if "error" not in version:
            alone = Contract.from_dict(version["jsonSchema"])
            assert substance(version_to_document(alone.get("latest"))) == substance(version["jsonSchema"])


# What the recorded message is about -> where our issue points.
PLACES = {
    "URI": {"uri"},
    "Type": {"type", "event_type", "name"},
    "omain": {"domain"},
    "version": {"versions"},
    "'name'": {"name"},
    "'accepts' event": {"type"},
    "'emits' event": {"emits"},
}


def expected_places(error: dict[str, Any]) -> set[str]:
    message = error["issues"][0]["message"] if "issues" in error else error["message"]
    return next(places for word, places in sorted(PLACES.items(), key=lambda item: -len(item[0])) if word in message)


@pytest.mark.parametrize("record", [r for r in CONTRACTS if "error" in r and not deviates(r)], ids=record_name)
def test_bad_contracts_are_refused_for_the_recorded_reason(record: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError) as refused:
        declared(record["input"]["contract"])
    places = {str(issue.path[0]) for issue in refused.value.issues} or {"versions"}
    assert places <= expected_places(record["error"])


@pytest.mark.parametrize("record", [r for r in RECORDS if "schema" in r["input"]], ids=record_name)
def test_data_is_judged_as_recorded(record: dict[str, Any]) -> None:
    payload = payload_from_schema(record["input"]["schema"], name="Data")
    data, recorded = json.dumps(record["input"]["data"]), record["output"]
    if recorded["success"]:
        # Key order is part of the record.
        written = json.loads(read_payload(payload, data).model_dump_json())
        assert json.dumps(written) == json.dumps(recorded["data"])
    else:
        with pytest.raises(ContractViolation) as refused:
            read_payload(payload, data)
        assert [list(issue.path) for issue in refused.value.issues] == [issue["path"] for issue in recorded["issues"]]


@pytest.mark.parametrize("record", [r for r in RECORDS if "typegen" in r["input"]], ids=record_name)
def test_orchestrator_types_are_derived_as_recorded(record: dict[str, Any]) -> None:
    name = record["input"]["typegen"]
    derived = {
        "init": init_type(name),
        "complete": completion_type(name),
        "systemError": system_error_type(init_type(name)),
    }
    assert derived == record["output"]


@pytest.mark.parametrize("record", [r for r in RECORDS if "isOrchestratorEventType" in r["input"]], ids=record_name)
def test_orchestrator_types_are_told_apart_as_recorded(record: dict[str, Any]) -> None:
    recorded = False if deviates(record) else record["output"]["value"]
    assert is_orchestrator_type(record["input"]["isOrchestratorEventType"]) is recorded


@pytest.mark.parametrize("record", [r for r in CONTRACTS if deviates(r)], ids=record_name)
def test_deviations_turn_the_recorded_verdict_around(record: dict[str, Any]) -> None:
    if "error" in record:
        assert declared(record["input"]["contract"]).type == record["input"]["contract"]["type"]
    else:
        with pytest.raises(DefinitionError, match="is not a domain name"):
            declared(record["input"]["contract"])
