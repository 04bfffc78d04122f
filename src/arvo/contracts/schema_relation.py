"""How two JSON Schemas relate: what the narrower one lets through that the wider one refuses.

Knows the same keywords as `schema_import.py`. What the difference means for whom is decided in `compatibility.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from arvo.contracts.documents import is_array, is_object, resolve_pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from arvo.contracts.documents import Path

__all__ = ["Difference", "Side", "differences"]

Schema = Any


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a value of the narrower schema is refused, or only ignored, by the wider one."""

    path: Path
    message: str
    is_refused: bool = True


@dataclass(frozen=True, slots=True)
class Side:
    """A whole schema, to which the references in it belong, and what to call it."""

    root: Mapping[str, Any]
    name: str
    fills_defaults: bool = False
    """Whether its data went through it already, as data that is emitted has: defaults in, unknown keys out."""


def differences(narrow: Side, wide: Side) -> list[Difference]:
    """Why not every value of the narrower schema is taken by the wider one; empty if every value is."""
    return list(_Comparison(narrow, wide).compare(narrow.root, wide.root, ()))


@dataclass(slots=True)
class _Comparison:
    narrow: Side
    wide: Side
    known: dict[tuple[int, int], list[Difference]] = field(default_factory=dict[tuple[int, int], list[Difference]])

    def compare(self, narrow: Schema, wide: Schema, path: Path) -> Iterator[Difference]:
        pair = (id(narrow), id(wide))
        if pair not in self.known:
            # Schemas that contain themselves come here again before it is known how they differ.
            self.known[pair] = []
            allowed = _alternatives(wide, self.wide.root)
            options = _alternatives(narrow, self.narrow.root)
            self.known[pair] = [each for option in options for each in self.one_of(option, allowed, ())]
        for each in self.known[pair]:
            yield replace(each, path=(*path, *each.path))

    def one_of(self, narrow: Schema, allowed: list[Schema], path: Path) -> Iterator[Difference]:
        """A single alternative must be taken by one of those allowed; else the most similar one tells why not."""
        if _kind(narrow) == "nothing":
            return
        similar = [each for each in allowed if _kind(each) in _kinds_taking(_kind(narrow))]
        if not similar:
            yield self.refused(path, _kind(narrow), " or ".join(map(_kind, allowed)))
            return
        attempts = [list(self.single(narrow, each, path)) for each in similar]
        yield from min(attempts, key=lambda found: (sum(each.is_refused for each in found), len(found)))

    def single(self, narrow: Schema, wide: Schema, path: Path) -> Iterator[Difference]:
        if not is_object(narrow) or not is_object(wide):
            return
        yield from self.values(narrow, wide, path)
        yield from self.bounds(narrow, wide, path)
        if _kind(narrow) == _kind(wide) == "array":
            yield from self.arrays(narrow, wide, path)
        if _kind(narrow) == _kind(wide) == "object":
            yield from self.objects(narrow, wide, path)

    def values(self, narrow: Mapping[str, Any], wide: Mapping[str, Any], path: Path) -> Iterator[Difference]:
        allowed, possible = _listed(wide), _listed(narrow)
        if allowed is None:
            return
        if possible is None:
            yield self.refused(path, "any", f"only {allowed}")
        elif beyond := [value for value in possible if value not in allowed]:
            yield self.refused(path, f"{beyond} too", f"only {allowed}")

    def bounds(self, narrow: Mapping[str, Any], wide: Mapping[str, Any], path: Path) -> Iterator[Difference]:
        for keyword, is_looser in _BOUNDS.get(_kind(wide), {}).items():
            wanted = wide.get(keyword, _IMPLIED.get(keyword))
            kept = narrow.get(keyword, narrow.get(_AT_LEAST_AS_STRICT.get(keyword, ""), _IMPLIED.get(keyword)))
            if wanted is not None and (kept is None or is_looser(kept, wanted)):
                yield self.refused(
                    path, f"{keyword} {'any' if kept is None else kept}", f"{keyword} {wanted}", verb="has "
                )

    def arrays(self, narrow: Mapping[str, Any], wide: Mapping[str, Any], path: Path) -> Iterator[Difference]:
        items, allowed = narrow.get("items", True), wide.get("items", True)
        if is_array(items) and is_array(allowed) and len(items) == len(allowed):
            for index, (item, other) in enumerate(zip(items, allowed, strict=True)):
                yield from self.compare(item, other, (*path, index))
        elif is_array(allowed):
            yield self.refused(path, "another shape", f"tuples of {len(allowed)}")
        else:
            for item in items if is_array(items) else [items]:
                yield from self.compare(item, allowed, (*path, "[]"))

    def objects(self, narrow: Mapping[str, Any], wide: Mapping[str, Any], path: Path) -> Iterator[Difference]:
        yield from self.requirements(narrow, wide, path)
        given: Mapping[str, Any] = narrow.get("properties", {})
        taken: Mapping[str, Any] = wide.get("properties", {})
        others, rest = _unknown_keys(wide), _unknown_keys(narrow)
        for name, schema in given.items():
            if name in taken:
                yield from self.compare(schema, taken[name], (*path, name))
            elif others == "strict":
                yield self.refused((*path, name), "has it", "refuses it", verb="")
            elif others == "strip":
                yield self.refused((*path, name), "has it", "ignores it", verb="", is_refused=False)
            else:
                yield from self.compare(schema, others, (*path, name))
        if others == "strict":
            # Unknown keys that are stripped were there when the data was sent, and are gone when it is emitted.
            if rest not in ("strict", "strip" if self.narrow.fills_defaults else "strict"):
                yield self.refused(path, "does not", "refuses unknown keys", verb="")
        elif others != "strip" and rest not in ("strip", "strict"):
            yield from self.compare(rest, others, (*path, "*"))
        if rest not in ("strip", "strict"):
            # What the narrower schema lets pass without looking may meet a property of the wider one.
            for name in taken.keys() - given.keys():
                yield from self.compare(rest, taken[name], (*path, name))

    def requirements(self, narrow: Mapping[str, Any], wide: Mapping[str, Any], path: Path) -> Iterator[Difference]:
        present = set(narrow.get("required", ()))
        if self.narrow.fills_defaults:
            given = narrow.get("properties", {}).items()
            present |= {name for name, schema in given if is_object(schema) and "default" in schema}
        for name in wide.get("required", ()):
            if name not in present:
                yield self.refused((*path, name), "does not always have it", "requires it", verb="")

    def refused(
        self, path: Path, narrow: str, wide: str, *, verb: str = "allows ", is_refused: bool = True
    ) -> Difference:
        message = f"the {self.wide.name} contract {verb}{wide}, the {self.narrow.name} one {verb}{narrow}"
        return Difference(path, message, is_refused)


Looser = Callable[[Any, Any], bool]


def _is_no_multiple(narrow: Any, wide: Any) -> bool:
    return Fraction(repr(narrow)) % Fraction(repr(wide)) != 0


_NUMBERS: Mapping[str, Looser] = {
    "minimum": operator.lt,
    "exclusiveMinimum": operator.lt,
    "maximum": operator.gt,
    "exclusiveMaximum": operator.gt,
    "multipleOf": _is_no_multiple,
}
# By kind of value: the keywords that limit it, and when the first of two limits lets more through than the second.
_BOUNDS: Mapping[str, Mapping[str, Looser]] = {
    "string": {"minLength": operator.lt, "maxLength": operator.gt, "pattern": operator.ne, "format": operator.ne},
    "number": _NUMBERS,
    "integer": _NUMBERS,
    "array": {"minItems": operator.lt, "maxItems": operator.gt, "uniqueItems": operator.lt},
    "object": {"propertyNames": operator.ne},
}
# What holds where nothing is said, and the keyword that says as much or more.
_IMPLIED: Mapping[str, Any] = {"minLength": 0, "minItems": 0, "uniqueItems": False}
_AT_LEAST_AS_STRICT: Mapping[str, str] = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}


def _alternatives(schema: Schema, root: Mapping[str, Any]) -> list[Schema]:
    """The schemas of a single kind that a schema is the union of, without references."""
    if not is_object(schema):
        return [schema]
    if "$ref" in schema:
        return _alternatives(resolve_pointer(root, schema["$ref"])[0], root)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return [option for member in schema[word] for option in _alternatives(member, root)]
    if "allOf" in schema:
        return [_combined(schema, root)]
    kinds = schema.get("type")
    return [{**schema, "type": kind} for kind in kinds] if is_array(kinds) else [schema]


def _combined(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """One object schema that says what an object and those it is combined with say together."""
    parts: list[Mapping[str, Any]] = [schema, *(_alternatives(member, root)[0] for member in schema["allOf"])]
    combined: dict[str, Any] = {key: value for part in reversed(parts) for key, value in part.items()}
    combined["properties"] = {name: each for part in parts for name, each in part.get("properties", {}).items()}
    combined["required"] = [name for part in parts for name in part.get("required", ())]
    del combined["allOf"]
    return combined


def _kind(schema: Schema) -> str:
    if schema is False or schema == {"not": {}}:
        return "nothing"
    if not is_object(schema):
        return "any"
    if "type" in schema:
        return str(schema["type"])
    if "properties" in schema:
        return "object"
    kinds = {_kind_of_value(value) for value in _listed(schema) or ()}
    return kinds.pop() if len(kinds) == 1 else "array" if "items" in schema else "any"


def _kinds_taking(kind: str) -> set[str]:
    return {kind, "any", "number"} if kind == "integer" else {kind, "any"}


def _kind_of_value(value: Any) -> str:
    for kinds, name in (((bool,), "boolean"), ((int,), "integer"), ((float,), "number"), ((str,), "string")):
        if isinstance(value, kinds):
            return name
    return "null" if value is None else "array" if is_array(value) else "object"


def _listed(schema: Mapping[str, Any]) -> list[Any] | None:
    """The values a schema limits itself to, where it does."""
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _unknown_keys(schema: Mapping[str, Any]) -> Any:
    """What becomes of keys that are no properties: `"strict"`, `"strip"`, or the schema for their values."""
    if schema.get("x-unknown") == "strict":
        return "strict"
    additional = schema.get("additionalProperties", "properties" not in schema)
    return "strip" if additional is False else additional
