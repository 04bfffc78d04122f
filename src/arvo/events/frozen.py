"""Read-only JSON values: what an event shows of its data, so that nobody can change an event under its readers.

They are real `dict`s and `list`s, so that they compare, match, validate and serialise as such; only the ways to change
them are closed. `dict(...)` or `list(...)` gives a changeable copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FrozenDict", "FrozenList", "JsonObject", "freeze"]

JsonObject: TypeAlias = Mapping[str, Any]
"""A JSON object as the type checker sees it: nothing on it changes it."""

_CONTAINERS: Final = (dict, list)


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    kind = "dict" if isinstance(self, dict) else "list"
    raise TypeError(f"The data of an event cannot be changed. Make a copy of it first: {kind}(...).")


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


def freeze(value: Any) -> Any:
    """What a JSON parser made, in read-only form. Takes `value` over: nobody else may hold it or any part of it."""
    # Most values are leaves, so leaves cost no call.
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        for key, item in members.items():
            if type(item) in _CONTAINERS:
                members[key] = freeze(item)
        return FrozenDict(members)
    if isinstance(value, list):
        items = cast("Sequence[Any]", value)
        return FrozenList([freeze(item) if type(item) in _CONTAINERS else item for item in items])
    return value
