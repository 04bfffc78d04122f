"""Strategies for JSON values, for JSON Schemas and data that may fit them, and for what only looks like a schema."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from arvo.contracts.documents import is_array

NAMES = st.sampled_from(["a", "b", "c"])
STRINGS = st.sampled_from(["", "a", "b", "ab", "bbb"])
NUMBERS: st.SearchStrategy[Any] = st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -1.5])
SCALARS: st.SearchStrategy[Any] = st.none() | st.booleans() | NUMBERS | STRINGS
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
SMALL = st.integers(0, 2)
BOUND = st.integers(-2, 2)


def of_type(kind: str, **keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"type": st.just(kind)}, optional=keywords)


LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.just({}),
    st.just({"not": {}}),
    of_type("null"),
    of_type("boolean"),
    of_type("string", minLength=SMALL, maxLength=SMALL, pattern=st.sampled_from(["^a", "b$"])),
    of_type("number", minimum=BOUND, maximum=BOUND, exclusiveMinimum=BOUND, multipleOf=st.sampled_from([1, 0.5])),
    of_type("integer", minimum=BOUND, exclusiveMaximum=BOUND),
    st.fixed_dictionaries({"enum": st.lists(SCALARS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": SCALARS}),
)


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, inner, max_size=3))
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    unknown: dict[str, Any] = draw(st.sampled_from([{}, {"additionalProperties": True}, {"x-unknown": "strict"}]))
    return {"type": "object", "properties": properties, "required": required, **unknown}


@st.composite
def tuples(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    items = draw(st.lists(inner, max_size=2))
    return {"type": "array", "items": items, "minItems": len(items), "maxItems": len(items)}


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        objects(inner),
        tuples(inner),
        of_type("array", items=inner, minItems=SMALL, maxItems=SMALL, uniqueItems=st.booleans()),
        of_type("object", additionalProperties=inner),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
    )


SCHEMAS: st.SearchStrategy[Any] = st.recursive(LEAVES, containers, max_leaves=4)
OBJECT_SCHEMAS = objects(SCHEMAS)


def values_for(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of the right shape for a schema, which often fit it."""
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return st.one_of(*map(values_for, schema["anyOf"]))
    match schema.get("type"):
        case "object":
            given = {name: values_for(each) for name, each in schema.get("properties", {}).items()}
            required = {name: given.pop(name) for name in schema.get("required", ())}
            others = schema.get("additionalProperties")
            if isinstance(others, dict):
                return st.dictionaries(NAMES, values_for({"anyOf": [others]}), max_size=3)
            return st.fixed_dictionaries(required, optional=given)
        case "array":
            items: Any = schema.get("items", {})
            return st.tuples(*map(values_for, items)) if is_array(items) else st.lists(values_for(items))
        case kind:
            scalars: dict[Any, st.SearchStrategy[Any]] = {
                "null": st.none(),
                "boolean": st.booleans(),
                "string": STRINGS,
                "number": NUMBERS,
                "integer": st.integers(-3, 3),
            }
            return scalars.get(kind, JSON)


KEYWORDS = st.sampled_from(
    [
        *("type", "properties", "required", "items", "anyOf", "allOf", "enum", "const", "$ref", "default", "pattern"),
        *("minimum", "multipleOf", "additionalProperties", "propertyNames", "x-unknown", "a", "b", "model_dump", "1é"),
    ]
)
NEARLY: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.sampled_from(["object", "string", "array", "#", "#/properties/a", "(", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4),
    max_leaves=12,
)
PRETENDERS: st.SearchStrategy[Any] = of_type(
    "object", properties=NEARLY, required=NEARLY, allOf=NEARLY, additionalProperties=NEARLY, description=NEARLY
)
