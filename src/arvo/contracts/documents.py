"""Bounded reading of contract documents: they come from other teams, so nothing in them is taken for granted.

What a document means is in `exchange.py` and `schema_import.py`. Whatever is wrong is a `DefinitionError` with a place.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard, cast
from urllib.parse import unquote

from arvo.errors import DefinitionError, Issue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "Budget",
    "Path",
    "check_bounds",
    "is_array",
    "is_object",
    "object_at",
    "parse_document",
    "refused",
    "resolve_pointer",
    "text_at",
]

Path = tuple[str | int, ...]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_VALUES = 50_000
MAX_UNITS = 20_000


class Budget:
    """How much work a document may cause. A unit is about as much as a property of an object takes."""

    def __init__(self, units: int = MAX_UNITS) -> None:
        self.units = units
        self.spent = 0

    def spend(self, units: int, path: Path) -> None:
        """Count work that is about to be done; refuse it when it becomes too much."""
        self.spent += units
        if self.spent > self.units:
            raise refused(
                path, "up to here it is already more than can be taken in", "Split it into smaller contracts."
            )


def refused(path: Path, problem: str, fix: str) -> DefinitionError:
    """The error for one place of a contract document."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    return DefinitionError(
        f"Contract document, at {where or 'its root'}: {problem}. {fix}",
        issues=[Issue(path, problem, "invalid_document")],
    )


def parse_document(text: str | bytes) -> Any:
    """The JSON value in a text of bounded size and depth."""
    if len(text) > MAX_BYTES:
        raise refused((), f"it has {len(text):,} bytes, more than {MAX_BYTES:,}", "Split it into smaller contracts.")
    try:
        document = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise refused((), f"it is not JSON that can be read: {error}", "Export the contract again.") from error
    return check_bounds(document)


def check_bounds(document: Any) -> Any:
    """The same document, if it is made of JSON values, and of no more of them than a contract could need."""
    budget = MAX_VALUES
    level: list[tuple[Path, Any]] = [((), document)]
    for _ in range(MAX_DEPTH):
        budget -= len(level)
        if budget < 0:
            raise refused((), f"it has more than {MAX_VALUES:,} values", "Split it into smaller contracts.")
        level = [item for path, value in level for item in _children(path, value)]
        if not level:
            return document
    raise refused(level[0][0][:8], f"it nests deeper than {MAX_DEPTH} levels", "Flatten its schemas.")


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def resolve_pointer(root: Any, reference: Any) -> tuple[Any, Path]:
    """What a reference such as `#/$defs/address` points to in a document, and its place; else `LookupError`."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise LookupError("points outside of this schema")
    here: Any = root
    place: Path = ()
    for token in unquote(reference[1:]).split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if is_object(here) and name in here:
            here, place = here[name], (*place, name)
        elif is_array(here) and name in map(str, range(len(here))):
            here, place = here[int(name)], (*place, int(name))
        else:
            raise LookupError("points to nothing")
    return here, place


def object_at(value: Any, path: Path) -> Mapping[str, Any]:
    """The value, if it is a JSON object."""
    if not is_object(value):
        raise refused(
            path, f"an object belongs here, not {_shown(value)}", "Compare with what Contract.to_json() writes."
        )
    return value


def text_at(parent: Mapping[str, Any], key: str, path: Path) -> str:
    """The string under a key that must be there."""
    value = parent.get(key)
    if not isinstance(value, str):
        found = _shown(value) if key in parent else "nothing"
        raise refused(
            (*path, key), f"a string belongs here, not {found}", "Compare with what Contract.to_json() writes."
        )
    return value


def _children(path: Path, value: Any) -> list[tuple[Path, Any]]:
    if is_object(value):
        for key in cast("Iterable[object]", value):
            if not isinstance(key, str):
                raise refused(path, f"the key {key!r} is not a string", "Use JSON values only.")
        return [((*path, key), member) for key, member in value.items()]
    if is_array(value):
        return [((*path, index), item) for index, item in enumerate(value)]
    if not (value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))):
        raise refused(path, f"{_shown(value)} is not a JSON value", "Use JSON values only.")
    return []


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ValueError(f"{text} is not a number that can be kept")
    return value
