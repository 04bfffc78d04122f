"""Contracts and payloads from the vectors' neutral notation, by way of the public exchange document.

For every test that replays scenarios; the notation is described in the vectors' README.
"""

from __future__ import annotations

from types import new_class
from typing import TYPE_CHECKING, Any, cast

from arvo.contracts import Contract, Payload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.contracts import ContractVersion

__all__ = ["contract_from_neutral", "output_payload"]


def contract_from_neutral(neutral: Mapping[str, Any]) -> Contract:
    """The contract that `{kind, uri, type | name, domain?, ..., versions}` describes."""
    versions: Mapping[str, Any] = neutral["versions"]
    return Contract.from_dict(
        {
            "uri": neutral["uri"],
            "domain": neutral.get("domain"),
            "description": neutral.get("description"),
            "metadata": {**neutral.get("metadata", {}), **_kind_metadata(neutral)},
            "versions": [_version(neutral, number, schemas) for number, schemas in versions.items()],
        }
    )


def output_payload(version: ContractVersion[Any, Any], event_type: str | None, data: Any) -> Payload:
    """What a user's function would build to emit `data` as `event_type`: pydantic refuses it here, as it would there.

    A type that the version does not declare gets a class of its own, which takes any data.
    """
    declared: dict[str, type[Payload]] = {kind: payload for payload, kind in version.emit_types.items()}
    payload = declared.get(event_type or "") or _undeclared(event_type)
    return payload.model_validate(data)


def _undeclared(event_type: str | None) -> type[Payload]:
    return cast("type[Payload]", new_class("Undeclared", (Payload,), {"event_type": event_type}))


def _kind_metadata(neutral: Mapping[str, Any]) -> dict[str, Any]:
    if neutral["kind"] == "simple":
        return {"contractType": "SimpleArvoContract", "rootType": neutral["type"]}
    return {}


def _version(neutral: Mapping[str, Any], number: str, schemas: Mapping[str, Any]) -> dict[str, Any]:
    match neutral["kind"]:
        case "simple":
            accepts, emits = schemas["accepts"], {f"evt.{neutral['type']}.success": schemas["emits"]}
            accepted_type = f"com.{neutral['type']}"
        case "orchestrator":
            accepts, emits = schemas["init"], {f"arvo.orc.{neutral['name']}.done": schemas["complete"]}
            accepted_type = f"arvo.orc.{neutral['name']}"
        case _:
            accepts, emits, accepted_type = schemas["accepts"], schemas["emits"], neutral["type"]
    return {
        "version": number,
        "accepts": {"type": accepted_type, "schema": accepts},
        "emits": [{"type": event_type, "schema": schema} for event_type, schema in emits.items()],
    }
