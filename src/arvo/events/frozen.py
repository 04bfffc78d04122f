"""Read-only JSON values: what an event shows of its data, so that nobody can change an event under its readers.

They are real `dict`s and `list`s, so that they compare, match, validate and serialise as such; only the ways to change
them are closed. `dict(...)` or `list(...)` gives a changeable copy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast

from arvo.errors import Issue
from arvo.events.bounds import MAX_DEPTH, MAX_INTEGER_BITS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FrozenCopy", "FrozenDict", "FrozenList", "JsonObject", "freeze", "freeze_parsed"]

JsonObject: TypeAlias = Mapping[str, Any]
"""A JSON object as the type checker sees it: nothing on it changes it."""


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    raise TypeError(f"The data of an event cannot be changed. Copy it first: {type(self).__mro__[1].__name__}(...).")


class FrozenDict(dict[str, Any]):
    """A JSON object that cannot be changed."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


class FrozenList(list[Any]):
    """A JSON array that cannot be changed."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[type[FrozenList], tuple[list[Any]]]:
        return FrozenList, (list(self),)


def freeze_parsed(value: object) -> Any:
    """A read-only copy of `value`, which came out of a JSON parser and is bounded in depth."""
    if isinstance(value, dict):
        return FrozenDict({key: freeze_parsed(item) for key, item in cast("dict[str, object]", value).items()})
    if isinstance(value, list):
        return FrozenList([freeze_parsed(item) for item in cast("list[object]", value)])
    return value


@dataclass(frozen=True, slots=True)
class FrozenCopy:
    """What `freeze` gives: the read-only copy, and whether it holds floats (whose spelling differs in JavaScript)."""

    value: Any
    has_floats: bool
    issues: tuple[Issue, ...]


def freeze(value: object) -> FrozenCopy:
    """A read-only copy of a value that a user gave, with an issue for each part that is not JSON."""
    copier = _Copier()
    try:
        copy = copier.copy(value, ())
    except RecursionError:
        copy = copier.refuse((), "data nests too deeply to be read here")
    return FrozenCopy(copy, copier.has_floats, tuple(copier.issues))


class _Copier:
    def __init__(self) -> None:
        self.has_floats = False
        self.issues: list[Issue] = []

    def copy(self, value: Any, path: tuple[str | int, ...]) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            return (
                int(value) if value.bit_length() <= MAX_INTEGER_BITS else self.refuse(path, "the integer is too long")
            )
        if isinstance(value, float):
            self.has_floats = True
            return float(value) if math.isfinite(value) else self.refuse(path, f"{value} is not a JSON number")
        if len(path) >= MAX_DEPTH:
            return self.refuse(path, f"data nests deeper than {MAX_DEPTH} levels, or holds itself")
        if isinstance(value, Mapping):
            members = cast("Mapping[object, Any]", value).items()
            return FrozenDict({self._key(key, path): self.copy(item, (*path, str(key))) for key, item in members})
        if isinstance(value, list | tuple):
            items = cast("Sequence[Any]", value)
            return FrozenList([self.copy(item, (*path, index)) for index, item in enumerate(items)])
        return self.refuse(path, f"a {type(value).__name__} is not a JSON value; convert it first")

    def refuse(self, path: tuple[str | int, ...], message: str) -> Any:
        """What stands in for the value is of no matter: nobody sees a copy that has issues."""
        self.issues.append(Issue(path, message, "not_json"))
        return None

    def _key(self, key: object, path: tuple[str | int, ...]) -> str:
        if isinstance(key, str):
            return str.__str__(key)
        self.refuse(path, f"the key {key!r} is not a string")
        return ""
