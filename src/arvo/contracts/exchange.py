"""Contracts as JSON documents, the way teams and languages exchange them. The layout is that of the TypeScript side.

A document describes a whole contract, or one version of it. The schemas in it are read in `schema_import.py` and
written in `schema_export.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.contracts import naming
from arvo.contracts.contract import SIMPLE_CONTRACT, Contract, SimpleContract
from arvo.contracts.documents import Budget, Path, check_bounds, is_array, is_object, object_at, refused, text_at
from arvo.contracts.orchestrator import PARENT_SUBJECT, OrchestratorContract, OrchestratorVersion
from arvo.contracts.payload import OneOf, Payload
from arvo.contracts.schema_export import PARENT_SUBJECT_SCHEMA, SYSTEM_ERROR_SCHEMA, schema_of
from arvo.contracts.schema_import import payload_from_schema
from arvo.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.contracts.version import ContractVersion

__all__ = ["contract_from_document", "contract_to_document", "version_to_document"]


def contract_to_document(contract: Contract) -> dict[str, Any]:
    """A contract and all its versions, as plain JSON values."""
    contract.get("latest")
    return {
        "uri": contract.uri,
        "domain": contract.domain,
        "description": contract.description,
        "metadata": dict(contract.metadata),
        "versions": [_described(version) for version in contract.versions.values()],
    }


def version_to_document(version: ContractVersion[Any, Any]) -> dict[str, Any]:
    """One version of a contract, as plain JSON values that make a contract of their own when read back."""
    contract = version.contract
    return {"uri": contract.uri, "description": contract.description, **_described(version)}


def _described(version: ContractVersion[Any, Any]) -> dict[str, Any]:
    return {
        "domain": version.contract.domain,
        "version": version.version,
        "accepts": {"type": version.accepted_type, "schema": accepted_schema(version)},
        "systemError": {"type": version.system_error_type, "schema": SYSTEM_ERROR_SCHEMA},
        "emits": [{"type": kind, "schema": schema_of(payload)} for payload, kind in version.emit_types.items()],
        "metadata": dict(version.contract.metadata),
    }


def accepted_schema(version: ContractVersion[Any, Any]) -> dict[str, Any]:
    """The schema of what a version accepts on the wire."""
    schema = schema_of(version.accepts)
    if not isinstance(version, OrchestratorVersion) or version.wire_accepts is version.accepts:
        return schema
    return {
        **schema,
        "properties": {PARENT_SUBJECT: PARENT_SUBJECT_SCHEMA, **schema.get("properties", {})},
        "required": [PARENT_SUBJECT, *schema.get("required", [])],
    }


def contract_from_document(document: Any) -> Contract:
    """The contract that a document describes, with payload classes made from its schemas.

    Takes what `contract_to_document` and `version_to_document` write, and what the TypeScript side writes for the same.
    Raises `DefinitionError`, with the place in the document, for everything else.
    """
    whole = object_at(check_bounds(document), ())
    versions = _versions(whole)
    contract = _contract(whole, _type_of(*versions[0]))
    budget = Budget()
    for place, version in versions:
        _add(contract, version, place, budget)
    return contract


def _versions(whole: Mapping[str, Any]) -> list[tuple[Path, Mapping[str, Any]]]:
    """The versions in a document, each with its place; the document itself if it describes a single one."""
    if "versions" not in whole:
        return [((), whole)]
    listed = whole["versions"]
    if not is_array(listed) or not listed:
        raise refused(("versions",), "a contract has a list of at least one version", "Describe one.")
    return [(("versions", index), object_at(each, ("versions", index))) for index, each in enumerate(listed)]


def _contract(whole: Mapping[str, Any], accepted_type: str) -> Contract:
    """A contract without versions, of the kind that its type and metadata tell."""
    domain, description = (None if whole.get(key) is None else text_at(whole, key, ()) for key in _OPTIONAL_TEXTS)
    uri, metadata = text_at(whole, "uri", ()), object_at(whole.get("metadata") or {}, ("metadata",))
    try:
        if naming.is_orchestrator_type(accepted_type):
            name = accepted_type.removeprefix(naming.ORCHESTRATOR_PREFIX).removeprefix(".")
            return OrchestratorContract(name, uri=uri, domain=domain, description=description, metadata=metadata)
        if metadata.get("contractType") == SIMPLE_CONTRACT and accepted_type == f"com.{metadata.get('rootType')}":
            name = accepted_type.removeprefix("com.")
            return SimpleContract(name, uri=uri, domain=domain, description=description, metadata=metadata)
        return Contract(uri=uri, type=accepted_type, domain=domain, description=description, metadata=metadata)
    except DefinitionError as error:
        raise _placed(error, ()) from error


def _add(contract: Contract, version: Mapping[str, Any], place: Path, budget: Budget) -> None:
    accepted_type = _type_of(place, version)
    if accepted_type != contract.type:
        raise refused(
            (*place, "accepts", "type"),
            f"the type is {accepted_type!r}, but {contract.type!r} in another version",
            "Make it two contracts.",
        )
    listed = version.get("emits", [])
    if not is_array(listed):
        raise refused((*place, "emits"), "emits is a list", "Compare with what Contract.to_json() writes.")
    try:
        accepts = _accepted_class(contract, version["accepts"], (*place, "accepts"), budget)
        emits = [_emitted_class(each, (*place, "emits", index), budget) for index, each in enumerate(listed)]
        contract.version(text_at(version, "version", place), accepts=accepts, emits=OneOf(tuple(emits)))
    except DefinitionError as error:
        raise _placed(error, place) from error


def _accepted_class(contract: Contract, accepts: Mapping[str, Any], place: Path, budget: Budget) -> type[Payload]:
    schema = accepts.get("schema")
    if isinstance(contract, OrchestratorContract) and is_object(schema):
        schema = _without_parent_subject(schema)
    return payload_from_schema(schema, name=_class_name(contract.type), path=(*place, "schema"), budget=budget)


def _emitted_class(emitted: Any, place: Path, budget: Budget) -> type[Payload]:
    described = object_at(emitted, place)
    event_type = text_at(described, "type", place)
    schema, name = described.get("schema"), _class_name(event_type)
    try:
        return payload_from_schema(schema, name=name, path=(*place, "schema"), event_type=event_type, budget=budget)
    except DefinitionError as error:
        raise _placed(error, place) from error


def _without_parent_subject(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema without what every workflow's contract adds to it, unless it was changed."""
    properties, required = schema.get("properties"), schema.get("required")
    if not is_object(properties) or not is_array(required) or PARENT_SUBJECT not in required:
        return schema
    added = properties.get(PARENT_SUBJECT)
    if not is_object(added) or {**added, "description": ...} != {**PARENT_SUBJECT_SCHEMA, "description": ...}:
        return schema
    return {
        **schema,
        "properties": {name: each for name, each in properties.items() if name != PARENT_SUBJECT},
        "required": [name for name in required if name != PARENT_SUBJECT],
    }


def _type_of(place: Path, version: Mapping[str, Any]) -> str:
    return text_at(object_at(version.get("accepts"), (*place, "accepts")), "type", (*place, "accepts"))


def _class_name(event_type: str) -> str:
    return "".join(segment.capitalize() for segment in event_type.split("."))


def _placed(error: DefinitionError, place: Path) -> DefinitionError:
    """An error about a contract's names, as an error about the document they came from."""
    if any(issue.code == "invalid_document" for issue in error.issues):
        return error
    path = (*place, *(error.issues[0].path if error.issues else ()))
    return refused(path, error.message, "Correct the document.")


_OPTIONAL_TEXTS = ("domain", "description")
