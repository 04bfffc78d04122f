"""Reads payloads from JSON with each class's own compiled validator, and says what is wrong in the wire's own terms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from arvo.contracts.documents import is_array, is_object
from arvo.contracts.payload import Payload
from arvo.errors import ContractViolation, Issue

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

__all__ = ["issues_of", "read_payload"]

P = TypeVar("P", bound=Payload)


def read_payload(payload: type[P], data: bytes | str | Mapping[str, Any], *, subject_matter: str = "Data") -> P:
    """The payload in a JSON text or mapping, with its defaults filled in; `ContractViolation` when it does not fit.

    Only wire names are understood here. `subject_matter` opens the error message: whose data it was.
    """
    raw = data if isinstance(data, (bytes, str)) else json.dumps(dict(data))
    try:
        return payload.__pydantic_validator__.validate_json(raw, by_alias=True, by_name=False)  # type: ignore[no-any-return]
    except ValidationError as error:
        issues = issues_of(error, raw)
    raise ContractViolation(
        f"{subject_matter} does not fit {payload.__name__}: {'; '.join(map(str, issues))}. "
        "Send data that follows the contract's schema, or name the version it was made for in dataschema.",
        issues=issues,
    )


def issues_of(error: ValidationError, raw: bytes | str) -> list[Issue]:
    """One issue for each place that is wrong, in order; the members of a union that all refused a value make one."""
    document = _decoded(raw)
    found: dict[tuple[str | int, ...], Issue] = {}
    for detail in error.errors(include_url=False, include_context=False):
        code, message = detail["type"], _wire_words(detail["type"], detail["msg"])
        path = _wire_path(detail["loc"], document, missing=code == "missing")
        if code == "extra_forbidden":
            # The object is what is wrong: the key is none of its own.
            message, path = f"unknown key {path[-1]!r}", path[:-1]
        elif code.endswith("_type") or code in {"number", "integer", "union"}:
            message = f"{message}, got {_kind(detail['input'])}"
        known = found.get(path)
        if known is None:
            found[path] = Issue(path, message, code)
        elif message not in known.message:
            found[path] = Issue(path, f"{known.message}; {message}", known.code)
    return list(found.values())


def _wire_path(location: Sequence[str | int], document: Any, *, missing: bool) -> tuple[str | int, ...]:
    """The part of a Pydantic location that exists in the document; the rest names members of unions."""
    path: list[str | int] = []
    here = document
    for position, part in enumerate(location):
        if part in _keys(here):
            here = here[part]
        elif not (missing and position == len(location) - 1):
            continue
        path.append(part)
    return tuple(path)


def _keys(value: Any) -> Container[Any]:
    return value if is_object(value) else range(len(value)) if is_array(value) else ()


def _wire_words(code: str, message: str) -> str:
    """Pydantic's message, of arrays and objects instead of the Python types they are read into."""
    if code in {"tuple_type", "list_type", "set_type", "frozen_set_type"}:
        return "Input should be an array"
    if code in {"dict_type", "model_type", "model_attributes_type"}:
        return "Input should be an object"
    if code in {"too_short", "too_long"}:
        return message.replace("Tuple", "Array").replace("List", "Array").replace(" after validation", "")
    return message


def _decoded(raw: bytes | str) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case dict():
            return "an object"
        case _:
            return "an array"
