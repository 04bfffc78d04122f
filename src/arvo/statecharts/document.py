"""Bounds on documents from outside, checked before anything else looks at them, and the key order of JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec

from arvo.errors import DefinitionError, Issue

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
MAX_VALUES = 500_000
MAX_DEPTH = 256
MAX_STATES = 20_000
MAX_STATE_DEPTH = 64

_Path = tuple[str | int, ...]


def load_document(document: Mapping[str, Any] | str | bytes) -> Mapping[str, Any]:
    """The document as JSON objects. Raises `DefinitionError` for what is not JSON, or too large or too deep."""
    if isinstance(document, str | bytes):
        if len(document) > MAX_DOCUMENT_BYTES:
            raise _refused((), f"it has {len(document)} bytes; at most {MAX_DOCUMENT_BYTES} are read", "size")
        try:
            parsed: Any = msgspec.json.decode(document)
        except RecursionError as error:
            raise _refused((), f"it nests deeper than {MAX_DEPTH} levels", "depth") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _refused((), f"it is not JSON: {error}", "json") from error
    else:
        parsed = document
    loaded = as_object(parsed)
    if loaded is None:
        raise _refused((), f"it is {type(parsed).__name__}, not a JSON object", "json")
    _check_bounds(loaded)
    return loaded


def as_object(value: Any) -> Mapping[str, Any] | None:
    """A JSON value as an object, if it is one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def as_list(value: Any) -> list[Any] | None:
    """A JSON value as a list, if it is one."""
    return value if isinstance(value, list) else None  # pyright: ignore[reportUnknownVariableType]


def in_javascript_order(keys: Iterable[str]) -> list[str]:
    """Object keys as JavaScript orders them, whole numbers first: it is the document order of states."""
    numbers: list[str] = []
    others: list[str] = []
    for key in keys:
        (numbers if _is_array_index(key) else others).append(key)
    return [*sorted(numbers, key=int), *others]


def _is_array_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= 10 and str(int(key)) == key and int(key) < 2**32 - 1


def _check_bounds(document: Mapping[str, Any]) -> None:
    """Walks without recursion, because the document is not trusted to be shallow."""
    pending: list[tuple[Any, _Path]] = [(document, ())]
    seen = 0
    while pending:
        value, path = pending.pop()
        seen += 1
        if seen > MAX_VALUES:
            raise _refused((), f"it holds more than {MAX_VALUES} values", "size")
        if len(path) > MAX_DEPTH:
            raise _refused(path[:6], f"it nests deeper than {MAX_DEPTH} levels", "depth")
        members = as_object(value)
        if members is not None:
            for key, below in cast("Mapping[object, Any]", members).items():
                if not isinstance(key, str):
                    raise _refused(path, f"the key {key!r} is not a string", "json")
                pending.append((below, (*path, key)))
        elif (several := as_list(value)) is not None:
            pending.extend((below, (*path, place)) for place, below in enumerate(several))
        elif not (value is None or isinstance(value, str | bool | int | float)):
            message = f"{type(value).__name__} is not JSON; name functions in the document and pass them beside it"
            raise _refused(path, message, "json")


def _refused(path: _Path, message: str, code: str) -> DefinitionError:
    issue = Issue(path, message, code)
    return DefinitionError(f"The statechart document cannot be read: {issue}.", issues=[issue])
