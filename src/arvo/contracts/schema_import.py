"""JSON Schemas from other teams and languages as payload classes, with the meaning their own side gives them.

Unknown keys are stripped unless the schema keeps them (`additionalProperties: true`) or refuses them (`"x-unknown":
"strict"`), defaults are filled in, keys come out in the schema's order, nothing is coerced. What all imported classes
share is in `imported.py`, strings, numbers and the like are in `schema_values.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, ForwardRef

from pydantic import Field, ValidationError, create_model

from arvo.contracts import schema_values as values
from arvo.contracts.documents import Budget, Path, is_array, is_object, object_at, refused, resolve_pointer
from arvo.contracts.imported import Extra, ImportedPayload, WithOptionalFields, attribute_names, may_be_absent, open_to
from arvo.contracts.naming import check_event_type
from arvo.contracts.payload import Payload

if TYPE_CHECKING:
    from arvo.errors import DefinitionError

__all__ = ["payload_from_schema"]

COST_OF_CLASS = 20
MAX_NESTING = 64
MAX_PARTS = 100

Part = tuple[Mapping[str, Any], Path]

_DESCRIPTIONS = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "a boolean",
    "null": "null",
    "array": "an array",
    "object": "an object",
}
# Parts of a place that name keywords rather than properties.
_STRUCTURE = frozenset(
    ("properties", "items", "anyOf", "oneOf", "allOf", "additionalProperties", "$defs", "definitions")
)

# They restrict values and are not understood: to ignore one would be to accept what the contract refuses.
_UNSUPPORTED = (
    "if", "then", "else", "contains", "dependencies", "dependentRequired", "dependentSchemas", "patternProperties",
    "minProperties", "maxProperties", "prefixItems", "$dynamicRef",
)  # fmt: skip


def payload_from_schema(
    schema: Any, *, name: str, path: Path = (), event_type: str | None = None, budget: Budget | None = None
) -> type[Payload]:
    """A payload class for a JSON Schema of an object; `DefinitionError` says where a schema cannot be one.

    Attributes have the names of the schema's properties where Python allows them, else the nearest it does allow.
    Optional properties that are absent read as `None` and stay absent when written.
    """
    if event_type is not None:
        check_event_type(event_type)
    return _Importer(object_at(schema, path), name, path, budget or Budget()).payload(event_type)


class _Importer:
    """Turns one schema and whatever it refers to into classes.

    A place in the schema becomes a class or type only once, so that references cost nothing; a reference to a class
    that is still being made is what makes a type recursive.
    """

    def __init__(self, root: Mapping[str, Any], name: str, path: Path, budget: Budget) -> None:
        self.root, self.name, self.path, self.budget = root, name, path, budget
        self.costs: dict[Path, int] = {}
        self.done: dict[Path, Any] = {}
        self.under_way: dict[Path, str | None] = {}
        self.classes: dict[str, type[Payload]] = {}
        self.recursive = False

    def payload(self, event_type: str | None) -> type[Payload]:
        made = self.type_at(self.root, ())
        if not (isinstance(made, type) and issubclass(made, Payload)):
            raise self.refused(
                (), "this is not the schema of an object", "Wrap the value in an object with one property."
            )
        if self.recursive:
            for each in self.classes.values():
                each.model_rebuild(force=True, _types_namespace=self.classes)
        self.check_defaults()
        made.event_type = event_type
        made.imported_schema = self.root
        return made

    def type_at(self, schema: Any, at: Path) -> Any:
        """The annotation for the schema at one place."""
        if at in self.done:
            self.budget.spend(self.costs[at], (*self.path, *at))
            return self.done[at]
        if at in self.under_way:
            name = self.under_way[at]
            if name is None:
                raise self.refused(
                    at, "the schema contains itself outside of any object", "Break the circle with an object."
                )
            self.recursive = True
            return ForwardRef(name)
        if len(self.under_way) >= MAX_NESTING:
            raise self.refused(at, f"schemas nest deeper than {MAX_NESTING} levels", "Flatten them.")
        self.under_way[at] = self.class_name(at) if _is_plain_class(schema) else None
        before = self.budget.spent
        self.budget.spend(1, (*self.path, *at))
        made = self.done[at] = self.translated(schema, at)
        # A class that is used again is the same class, but the parts of any other type are copied for each use of it.
        self.costs[at] = 1 if isinstance(made, type) else self.budget.spent - before
        del self.under_way[at]
        return made

    def translated(self, schema: Any, at: Path) -> Any:
        if schema is True:
            return Any
        if schema is False or schema == {"not": {}}:
            return values.nothing
        schema = self.object(schema, at)
        for word in (*_UNSUPPORTED, "not"):
            if word in schema:
                raise self.refused((*at, word), "this keyword is not supported", "Say it with types, enums or bounds.")
        if "$ref" in schema:
            return self.type_at(*self.target(schema["$ref"], at))
        annotation = self.of_kind(schema, at)
        if "const" in schema:
            annotation = values.enumeration([schema["const"]], at)(annotation)
        if "enum" in schema:
            annotation = values.enumeration(schema["enum"], (*self.path, *at, "enum"))(annotation)
        return annotation

    def of_kind(self, schema: Mapping[str, Any], at: Path) -> Any:
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self.union(schema, word, at)
        if "allOf" in schema:
            return self.class_of(self.parts(schema, at), at)
        kind = schema.get("type", _implied_type(schema))
        if is_array(kind) and kind:
            return values.either(
                [self.of_type(each, schema, at) for each in kind],
                " or ".join(self.described(each, at) for each in kind),
            )
        return self.of_type(kind, schema, at)

    def of_type(self, kind: Any, schema: Mapping[str, Any], at: Path) -> Any:
        where = (*self.path, *at)
        match kind:
            case None if "type" not in schema:
                return Any
            case "string":
                if isinstance(pattern := schema.get("pattern"), str):
                    self.budget.spend(values.cost_of_pattern(pattern), (*where, "pattern"))
                return values.string(schema, where)
            case "number" | "integer":
                return values.number(schema, where, integer=kind == "integer")
            case "boolean":
                return values.boolean
            case "null":
                return values.null
            case "array":
                return self.array(schema, at)
            case "object":
                return self.mapping(schema, at) if at and _is_map(schema) else self.class_of([(schema, at)], at)
            case _:
                raise self.refused(
                    (*at, "type"), f"{kind!r} is not a JSON Schema type", f"Use one of {', '.join(_DESCRIPTIONS)}."
                )

    def union(self, schema: Mapping[str, Any], word: str, at: Path) -> Any:
        members = self.list_at(schema, word, at)
        if "type" in schema or "properties" in schema or not members:
            raise self.refused(
                (*at, word), "alternatives stand beside other keywords, or there are none", "Put everything into them."
            )
        types = [self.type_at(member, (*at, word, index)) for index, member in enumerate(members)]
        return values.either(types, " or ".join(self.described(member, at) for member in members))

    def described(self, member: Any, at: Path) -> str:
        """What a member of a union lets through, for messages."""
        if is_object(member) and "$ref" in member:
            member, _ = self.target(member["$ref"], at)
        kind = member.get("type", _implied_type(member)) if is_object(member) else member
        return _DESCRIPTIONS.get(kind, "another kind of value") if isinstance(kind, str) else "another kind of value"

    def array(self, schema: Mapping[str, Any], at: Path) -> Any:
        where = (*self.path, *at)
        least, most = values.size(schema, "minItems", where), values.size(schema, "maxItems", where)
        items = schema.get("items", True)
        made: Any
        if is_array(items):
            members = self.list_at(schema, "items", at)
            if not least == most == len(members):
                raise self.refused(at, "a tuple has optional items", "Let minItems and maxItems count its items.")
            kinds = [self.type_at(item, (*at, "items", index)) for index, item in enumerate(members)]
            made = GenericAlias(tuple, tuple(kinds))
        else:
            made = GenericAlias(tuple, (self.type_at(items, (*at, "items")), ...))
            made = Annotated[made, Field(min_length=least, max_length=most)]
        if schema.get("uniqueItems"):
            made = values.checked(made, values.distinct, "unique", "an array without duplicates")
        return made

    def mapping(self, schema: Mapping[str, Any], at: Path) -> Any:
        names = {"type": "string", **self.object(schema.get("propertyNames", {}), (*at, "propertyNames"))}
        members = schema.get("additionalProperties", True)
        return GenericAlias(
            dict, (self.type_at(names, (*at, "propertyNames")), self.type_at(members, (*at, "additionalProperties")))
        )

    def parts(self, schema: Mapping[str, Any], at: Path, above: tuple[Path, ...] = ()) -> list[Part]:
        """An object's schema and those it is combined with, flattened; each with its place."""
        found: list[Part] = [(schema, at)]
        for index, member in enumerate(self.list_at(schema, "allOf", at) if "allOf" in schema else ()):
            part, place = self.object(member, (*at, "allOf", index)), (*at, "allOf", index)
            if "$ref" in part:
                target, place = self.target(part["$ref"], place)
                part = self.object(target, place)
            if part.get("type", _implied_type(part)) != "object":
                raise self.refused(place, "only objects can be combined with allOf", "Write its keywords side by side.")
            if place in above or len(found) > MAX_PARTS:
                raise self.refused(place, "allOf combines a schema with itself, or with too many", "Write one object.")
            found += self.parts(part, place, (*above, at))
        return found

    def class_of(self, parts: list[Part], at: Path) -> type[Payload]:
        self.budget.spend(COST_OF_CLASS, (*self.path, *at))
        name = self.under_way.get(at) or self.class_name(at)
        properties = {
            wire_name: (schema, (*place, "properties", wire_name))
            for part, place in parts
            for wire_name, schema in self.object(part.get("properties", {}), (*place, "properties")).items()
        }
        required = {wire_name for part, place in parts for wire_name in self.required(part, place)}
        if strangers := sorted(required - properties.keys()):
            raise self.refused((*at, "required"), f"{strangers!r} are no properties", "Describe each under properties.")
        fields: dict[str, Any] = {}
        optional: dict[str, str] = {}
        for attribute, (wire_name, (schema, place)) in zip(
            attribute_names(properties), properties.items(), strict=True
        ):
            options: dict[str, Any] = {}
            if attribute != wire_name:
                options |= {"validation_alias": wire_name, "serialization_alias": wire_name}
            if wire_name not in required:
                if is_object(schema) and "default" in schema:
                    options |= {"default": schema["default"], "validate_default": True}
                else:
                    options |= {"default": None}
                    optional[attribute] = wire_name
            annotation = self.type_at(schema, place)
            fields[attribute] = (may_be_absent(annotation) if attribute in optional else annotation, Field(**options))
        description = parts[0][0].get("description")
        extra, members = self.unknown_keys(parts)
        base = WithOptionalFields if optional else ImportedPayload
        made = create_model(
            name,
            __base__=base if members is Any else open_to(members, base),
            __doc__=description if isinstance(description, str) else None,
            __cls_kwargs__={"extra": extra},
            **fields,
        )
        if issubclass(made, WithOptionalFields):
            made.optional_fields = optional
        self.classes[name] = made
        return made

    def unknown_keys(self, parts: list[Part]) -> tuple[Extra, Any]:
        """What becomes of keys that are no properties, and of which type their values are."""
        extra: Extra = "ignore"
        members: Any = Any
        for part, place in parts:
            unknown = part.get("x-unknown", "strip")
            additional = part.get("additionalProperties", False)
            if unknown not in ("strip", "strict"):
                raise self.refused((*place, "x-unknown"), f"{unknown!r} is unknown", "Use 'strip' or 'strict'.")
            if unknown == "strict":
                extra = "forbid"
            elif additional is not False:
                extra, members = "allow", self.type_at(additional, (*place, "additionalProperties"))
        return extra, members

    def check_defaults(self) -> None:
        """Refuse defaults that do not fit their own schemas, lest they surface as errors of the data."""
        for name, each in self.classes.items():
            try:
                each.model_validate({})
            except ValidationError as error:
                for detail in error.errors(include_url=False, include_input=False, include_context=False):
                    if detail["type"] != "missing" or len(detail["loc"]) > 1:
                        place = ".".join(map(str, detail["loc"]))
                        raise self.refused(
                            (), f"in {name}, the default of {place!r} does not fit: {detail['msg']}", "Correct it."
                        ) from error

    def target(self, reference: Any, at: Path) -> tuple[Any, Path]:
        """What a reference within this schema points to, and its place."""
        try:
            return resolve_pointer(self.root, reference)
        except LookupError as error:
            fix = "Refer to a place in this very schema."
            raise self.refused((*at, "$ref"), f"{reference!r} {error}", fix) from error

    def required(self, part: Mapping[str, Any], at: Path) -> list[str]:
        names = self.list_at(part, "required", at) if "required" in part else []
        if not all(isinstance(name, str) for name in names):
            raise self.refused((*at, "required"), "names of properties are strings", "Quote them.")
        return names

    def object(self, value: Any, at: Path) -> Mapping[str, Any]:
        return object_at(value, (*self.path, *at))

    def list_at(self, schema: Mapping[str, Any], word: str, at: Path) -> list[Any]:
        value = schema[word]
        if not is_array(value):
            raise self.refused((*at, word), f"{value!r} is not a list", "Compare with the JSON Schema specification.")
        return value

    def class_name(self, at: Path) -> str:
        """A name for the class at a place, unique in this schema."""
        words = [part for part in at if isinstance(part, str) and part not in _STRUCTURE]
        stem = self.name + "".join(re.sub(r"[^A-Za-z0-9]", "", word[:1].upper() + word[1:]) for word in words)[:80]
        taken = {*self.classes, *self.under_way.values()}
        return next(name for n in count(1) if (name := stem if n == 1 else f"{stem}{n}") not in taken)

    def refused(self, at: Path, problem: str, fix: str) -> DefinitionError:
        return refused((*self.path, *at), problem, fix)


def _is_plain_class(schema: Any) -> bool:
    """Whether a schema is sure to become a class of its own, to which a reference within it can point."""
    if not is_object(schema) or schema.keys() & {"$ref", "allOf", "anyOf", "oneOf", "enum", "const"}:
        return False
    return schema.get("type", _implied_type(schema)) == "object" and not _is_map(schema)


def _is_map(schema: Mapping[str, Any]) -> bool:
    """Whether an object has no properties of its own, only values by name."""
    return not schema.get("properties") and schema.get("additionalProperties", "properties" not in schema) is not False


def _implied_type(schema: Mapping[str, Any]) -> str | None:
    return "object" if "properties" in schema else "array" if "items" in schema else None
