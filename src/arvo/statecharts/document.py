"""Bounds on documents from outside, checked before anything else looks at them, and the key order of JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, TypeAlias, cast

import msgspec

from arvo.errors import DefinitionError, Issue

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
MAX_VALUES = 250_000
MAX_DEPTH = 200
MAX_STATES = 10_000
MAX_STATE_DEPTH = 64

_Path = tuple[str | int, ...]
# A path linked from its end: most values are fine, and never need the whole of it.
_Trail: TypeAlias = "tuple[_Trail, str | int] | None"


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
    # The chart keeps parts of the document; nobody else may change them later.
    return deepcopy(loaded)


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
    pending: list[tuple[Any, int, _Trail]] = [(document, 0, None)]
    seen = 0
    while pending:
        value, depth, trail = pending.pop()
        seen += 1
        if seen > MAX_VALUES:
            raise _refused((), f"it holds more than {MAX_VALUES} values", "size")
        if depth > MAX_DEPTH:
            raise _refused(_path(trail)[:6], f"it nests deeper than {MAX_DEPTH} levels", "depth")
        members, several = as_object(value), as_list(value)
        if members is not None:
            for key, below in cast("Mapping[object, Any]", members).items():
                if not isinstance(key, str):
                    raise _refused(_path(trail), f"the key {key!r} is not a string", "json")
                pending.append((below, depth + 1, (trail, key)))
        elif several is not None:
            pending.extend((below, depth + 1, (trail, place)) for place, below in enumerate(several))
        elif not (value is None or isinstance(value, str | bool | int | float)):
            message = f"{type(value).__name__} is not JSON; name functions in the document and pass them beside it"
            raise _refused(_path(trail), message, "json")


def _path(trail: _Trail) -> _Path:
    keys: list[str | int] = []
    while trail is not None:
        trail, key = trail
        keys.append(key)
    return tuple(reversed(keys))


def _refused(path: _Path, message: str, code: str) -> DefinitionError:
    issue = Issue(path, message, code)
    return DefinitionError(f"The statechart document cannot be read: {issue}.", issues=[issue])
