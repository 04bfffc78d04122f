"""What an event holds as its data: raw JSON, raw JSON that was looked at, or a model; and how each becomes JSON.

Models write themselves, by alias, through their own compiled serializer; only numbers are checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Raw
from pydantic_core import PydanticSerializationError

from arvo.errors import InvalidEvent, Issue
from arvo.events.frozen import FrozenDict, freeze
from arvo.events.json_text import (
    MalformedJsonError,
    UnwritableJsonError,
    parse_json,
    refuse_non_finite,
    with_js_numbers,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

    from arvo.events.json_text import JsonPath

__all__ = ["ReadData", "model_as_json", "parse_data", "read_data", "write_data"]


class ReadData:
    """Data that came as JSON and that somebody has looked at: the text, and the read-only object it spells."""

    __slots__ = ("text", "view")

    def __init__(self, text: bytes, view: FrozenDict) -> None:
        self.text = text
        self.view = view


def write_data(data: object) -> Raw:
    """What an event holds of a JSON object that a user gave: its text. Raises InvalidEvent when it is none."""
    try:
        if isinstance(data, Mapping):
            return Raw(write_json(cast("object", data)))
        raise UnwritableJsonError(f"must be a JSON object or a pydantic model, not a {type(data).__name__}")
    except UnwritableJsonError as error:
        raise _invalid_data(("data", *error.path), str(error), "not_json") from error


def read_data(raw: bytes) -> ReadData:
    """What an event holds once somebody has looked at its raw data. Raises InvalidEvent when it cannot be read."""
    try:
        return ReadData(raw, freeze(parse_data(raw)))
    except RecursionError as error:
        raise _invalid_data(("data",), str(error), "not_json") from error


def parse_data(raw: bytes) -> Any:
    """The values that raw data spells, the caller's own. Raises InvalidEvent when it cannot be read."""
    try:
        return parse_json(raw)
    except MalformedJsonError as error:
        raise _invalid_data(("data",), str(error), "not_json") from error


def model_as_json(model: BaseModel) -> bytes:
    """A model as JSON, by alias. Raises InvalidEvent when it is not a JSON object with finite numbers."""
    kind = type(model)
    try:
        raw = kind.__pydantic_serializer__.to_json(model, by_alias=True)
        if _may_hold_floats(kind):
            # Pydantic writes null for numbers that are not finite, so a null is looked into.
            if b"null" in raw:
                refuse_non_finite(kind.__pydantic_serializer__.to_python(model, by_alias=True))
            raw = with_js_numbers(raw)
    except UnwritableJsonError as error:
        raise _invalid_data(("data", *error.path), str(error), "not_json") from error
    except PydanticSerializationError as error:
        raise _invalid_data(("data",), f"{kind.__name__} cannot be written: {error}", "not_json") from error
    if not raw.startswith(b"{"):
        raise _invalid_data(("data",), f"{kind.__name__} is not written as a JSON object", "type")
    return raw


def _invalid_data(path: JsonPath, problem: str, code: str) -> InvalidEvent:
    issue = Issue(path, problem, code)
    return InvalidEvent(f"The data of an event must be a JSON object. {issue}.", issues=[issue])


# Core schema kinds that are never written as a float, provided they have no serializer of their own.
_FLOATLESS: Final = frozenset(
    (
        *(
            "bool",
            "bytes",
            "date",
            "datetime",
            "int",
            "literal",
            "multi-host-url",
            "none",
            "str",
            "time",
            "url",
            "uuid",
        ),
        *("dict", "frozenset", "list", "nullable", "set", "tagged-union", "tuple", "typed-dict", "union"),
        *("dataclass", "dataclass-args", "dataclass-field", "model", "model-field", "model-fields", "typed-dict-field"),
        *("chain", "default", "definition-ref", "definitions", "json-or-python", "lax-or-strict"),
        *("function-after", "function-before", "function-wrap"),
    )
)
# Parts of a schema that say nothing about how values are written.
_IRRELEVANT: Final = frozenset(("cls", "config", "default", "function", "metadata"))


@lru_cache(maxsize=1024)
def _may_hold_floats(kind: type[BaseModel]) -> bool:
    """Whether the class can be written with a float in it; when in doubt, it can."""
    return _mentions_float(kind.__pydantic_core_schema__)


def _mentions_float(schema: object) -> bool:
    if isinstance(schema, Mapping):
        parts = cast("Mapping[str, Any]", schema)
        kind = parts.get("type")
        config: Mapping[str, Any] = parts.get("config") or {}
        if "serialization" in parts or (isinstance(kind, str) and kind not in _FLOATLESS):
            return not (kind == "enum" and parts.get("sub_type") in ("str", "int"))
        if "allow" in (parts.get("extra_behavior"), config.get("extra_fields_behavior")):
            return True
        return any(_mentions_float(part) for name, part in parts.items() if name not in _IRRELEVANT)
    if isinstance(schema, list | tuple):
        return any(_mentions_float(part) for part in cast("Iterable[object]", schema))
    return isinstance(schema, float)
