"""JSON Schemas as payload classes: what each keyword lets through, and what an import refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from arvo.contracts import Payload, payload_from_schema, read_payload
from arvo.errors import ContractViolation, DefinitionError


def imported(schema: dict[str, Any]) -> type[Payload]:
    return payload_from_schema({"type": "object", **schema}, name="Imported")


def of_value(schema: Any) -> type[Payload]:
    """A class with one required value of the schema."""
    return imported({"properties": {"v": schema}, "required": ["v"]})


def takes(payload: type[Payload], value: Any) -> bool:
    try:
        read_payload(payload, json.dumps({"v": value}))
    except ContractViolation:
        return False
    return True


def written(payload: type[Payload], data: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(read_payload(payload, json.dumps(data)).model_dump_json())
    return result


TREE = {
    "properties": {"v": {"$ref": "#/$defs/node"}},
    "required": ["v"],
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name"],
        }
    },
}
TUPLE = {"type": "array", "items": [{"type": "string"}, {"type": "number"}], "minItems": 2, "maxItems": 2}
PAIR = {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}]}


JUDGED: list[tuple[Any, list[Any], list[Any]]] = [
    (True, [None, 1, "x", [], {}], []),
    ({}, [None, 1, "x", [], {}], []),
    (False, [], [None, 1]),
    ({"not": {}}, [], [None, 1]),
    ({"type": "string"}, ["", "é"], [None, 1, True, [], {}]),
    ({"type": "string", "minLength": 1, "maxLength": 2}, ["a", "ab"], ["", "abc"]),
    ({"type": "string", "pattern": "^[a-z]+$"}, ["abc"], ["", "a1", "abc\n"]),
    ({"type": "string", "format": "email"}, ["a@b.co"], ["a", "a@b"]),
    ({"type": "string", "format": "hitherto-unknown"}, ["anything"], [1]),
    ({"type": "number"}, [1, 1.5, -3, 10**30], [True, "1", None]),
    ({"type": "number", "minimum": 0, "maximum": 1}, [0, 0.5, 1], [-0.1, 2]),
    ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, [0.5], [0, 1]),
    ({"type": "number", "multipleOf": 0.1}, [0.3, 1, 1e300], [0.25]),
    ({"type": "integer"}, [1, 1.0, -3, 10**30], [1.5, True, "1"]),
    ({"type": "integer", "minimum": 0.5}, [1], [0]),
    ({"type": "boolean"}, [True, False], [0, "true", None]),
    ({"type": "null"}, [None], [0, False, ""]),
    ({"type": "array"}, [[], [1, "x"]], [{}, "x", None]),
    ({"items": {"type": "integer"}}, [[], [1]], [["x"], {}]),
    ({"type": "array", "minItems": 1, "maxItems": 2}, [[1], [1, 2]], [[], [1, 2, 3]]),
    ({"type": "array", "uniqueItems": True}, [[1, True, "1"], [{"a": 1}, {"a": 2}]], [[1, 1.0], [{"a": 1}] * 2]),
    (TUPLE, [["x", 1]], [["x"], [1, "x"], ["x", 1, 2]]),
    ({"type": "object"}, [{}, {"a": 1}], [[], None]),
    ({"type": "object", "additionalProperties": {"type": "number"}}, [{}, {"a": 1}], [{"a": "x"}]),
    (
        {"type": "object", "additionalProperties": True, "propertyNames": {"enum": ["a", "b"]}},
        [{"a": 1, "b": None}],
        [{"c": 1}],
    ),
    ({"type": ["string", "null"], "minLength": 1}, ["x", None], ["", 1]),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, ["x", 1], [True, 1.5, None]),
    ({"oneOf": [{"type": "string"}]}, ["x"], [1]),
    ({"const": 1}, [1, 1.0], [True, "1", None]),
    ({"const": {"a": [1]}}, [{"a": [1]}], [{"a": [True]}, {}]),
    ({"enum": ["a", 1, None, [1]]}, ["a", 1, None, [1]], ["b", True, [2], [True]]),
    ({"type": "string", "enum": ["a", 1]}, ["a"], [1]),
    ({"type": "object", "properties": {"a": {}}, "enum": [{"a": 1}]}, [{"a": 1}, {"a": 1, "x": 0}], [{"a": 2}]),
    (PAIR, [{"a": "x"}], [{}, {"a": 1}]),
]


@pytest.mark.parametrize(("schema", "good", "bad"), JUDGED)
def test_values_are_judged_as_json_schema_says(schema: Any, good: list[Any], bad: list[Any]) -> None:
    payload = of_value(schema)
    assert [value for value in good if not takes(payload, value)] == []
    assert [value for value in bad if takes(payload, value)] == []


def test_a_schema_may_contain_itself() -> None:
    payload = imported(TREE)
    tree: dict[str, Any] = {"name": "a", "children": [{"name": "b", "children": []}, {"name": "c"}]}
    assert written(payload, {"v": tree}) == {"v": tree}
    assert not takes(payload, {"name": "a", "children": [{}]})


def test_the_root_may_refer_to_itself() -> None:
    payload = imported({"properties": {"next": {"$ref": "#"}}})
    assert written(payload, {"next": {"next": {"other": 1}}}) == {"next": {"next": {}}}


def test_one_schema_referred_to_twice_is_one_class() -> None:
    money = {"type": "object", "properties": {"cents": {"type": "integer"}}, "required": ["cents"]}
    refs = {"a": {"$ref": "#/$defs/money~1all"}, "b": {"$ref": "#/$defs/money~1all"}}
    fields = imported({"properties": refs, "required": ["a", "b"], "$defs": {"money/all": money}}).model_fields
    assert fields["a"].annotation is fields["b"].annotation


def test_references_are_followed_through_arrays() -> None:
    payload = imported({"properties": {"v": {"$ref": "#/x/0/y"}}, "x": [{"y": {"type": "string"}}]})
    assert (takes(payload, "s"), takes(payload, 1)) == (True, False)


def test_unknown_keys_are_stripped_kept_or_refused() -> None:
    properties = {"properties": {"a": {"type": "string"}}}
    data = {"x": 1, "a": "s"}
    assert written(imported(properties), data) == {"a": "s"}
    assert written(imported({**properties, "additionalProperties": False}), data) == {"a": "s"}
    assert list(written(imported({**properties, "additionalProperties": True}), data)) == ["a", "x"]
    with pytest.raises(ContractViolation, match="unknown key 'x'"):
        written(imported({**properties, "additionalProperties": False, "x-unknown": "strict"}), data)


def test_values_of_unknown_keys_may_have_a_type() -> None:
    payload = imported({"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "number"}})
    assert written(payload, {"a": "s", "x": 1}) == {"a": "s", "x": 1}
    with pytest.raises(ContractViolation) as refused:
        written(payload, {"a": "s", "x": "y"})
    assert [issue.path for issue in refused.value.issues] == [("x",)]


def test_defaults_are_filled_in_and_go_through_their_schema() -> None:
    nested = {"type": "object", "properties": {"b": {"type": "number", "default": 5}}, "default": {}}
    payload = imported({"properties": {"a": nested, "n": {"type": ["string", "null"], "default": None}}})
    assert written(payload, {}) == {"a": {"b": 5}, "n": None}


def test_absent_stays_absent_and_null_stays_null() -> None:
    payload = imported({"properties": {"a-b": {"type": ["string", "null"]}, "c": {"type": "number"}}})
    assert written(payload, {}) == {}
    assert written(payload, {"a-b": None}) == {"a-b": None}
    assert payload.model_validate({}).model_dump(by_alias=False) == {}
    with pytest.raises(ContractViolation):
        read_payload(payload, '{"c": null}')


def test_alternatives_keep_what_is_absent_absent_too() -> None:
    option: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {"type": "array"}, "b": {"type": "object", "properties": {}}},
    }
    payload = of_value({"anyOf": [{"type": "string"}, option, {"type": "null"}]})
    assert written(payload, {"v": {}}) == {"v": {}}
    assert written(payload, {"v": {"a": [1], "b": {}}}) == {"v": {"a": [1], "b": {}}}


def test_keys_come_out_in_the_order_of_the_schema() -> None:
    payload = imported({"properties": {name: {"type": "number"} for name in "zay"}})
    assert list(written(payload, {"y": 1, "a": 2, "z": 3})) == ["z", "a", "y"]


def test_attributes_have_the_nearest_name_python_allows() -> None:
    names = ["plain", "a-b", "a_b", "class", "1st", "$", "model_dump", "event_type", "_private", "é", "parentSubject$$"]
    payload = imported({"properties": {name: {"type": "number"} for name in names}, "required": names})
    data = {name: index for index, name in enumerate(names)}
    assert written(payload, data) == data
    assert list(payload.model_fields) == [
        "plain",
        "a_b_",
        "a_b",
        "class_",
        "field_1st",
        "field",
        "model_dump_",
        "event_type_",
        "private",
        "field_",
        "parent_subject",
    ]


def test_imported_classes_can_be_built_in_python() -> None:
    payload = imported(TREE)
    built = payload.model_validate({"v": {"name": "a", "children": []}})
    assert json.loads(built.model_dump_json()) == {"v": {"name": "a", "children": []}}
    with pytest.raises(ValidationError, match="Input should be an integer"):
        of_value({"type": "integer"}).model_validate({"v": "1"})


def test_arrays_are_read_into_tuples_so_that_they_cannot_be_changed() -> None:
    assert read_payload(of_value({"type": "array"}), '{"v": [1, [2]]}').model_dump() == {"v": (1, [2])}


def test_objects_can_be_combined() -> None:
    schema = {
        "allOf": [
            {"$ref": "#/$defs/named"},
            {"type": "object", "properties": {"b": {"type": "number", "default": 1}}, "additionalProperties": True},
        ],
        "$defs": {"named": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}},
    }
    payload = imported(schema)
    assert written(payload, {"a": "x", "c": 1}) == {"a": "x", "b": 1, "c": 1}


def test_descriptions_become_docstrings() -> None:
    assert imported({"description": "What is paid"}).__doc__ == "What is paid"


def test_messages_speak_of_json() -> None:
    payload = imported(
        {
            "properties": {
                "list": {"type": "array", "items": {"type": "string"}},
                "few": {"type": "array", "minItems": 2},
                "map": {"type": "object", "additionalProperties": True},
                "either": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/n"}, {"type": "null"}]},
                "kind": {"enum": ["a", "b"]},
                "n": {"type": "number", "minimum": 0, "maximum": 9},
            },
            "$defs": {"n": {"type": "integer"}},
        }
    )
    data = {"list": "x", "few": [1], "map": [], "either": True, "kind": "c", "n": 10}
    with pytest.raises(ContractViolation) as refused:
        read_payload(payload, json.dumps(data))
    assert {issue.path[0]: issue.message for issue in refused.value.issues} == {
        "list": "Input should be an array, got a string",
        "few": "Array should have at least 2 items, not 1",
        "map": "Input should be an object, got an array",
        "either": "Input should be a string or an integer or null, got a boolean",
        "kind": 'Input should be one of "a", "b"',
        "n": "Input should be at least 0 and at most 9",
    }


REFUSED: list[tuple[Any, str, str]] = [
    ({"type": "text"}, "type", "'text' is not a JSON Schema type. Use one of string"),
    ({"type": None}, "type", "None is not a JSON Schema type"),
    ({"type": []}, "type", "is not a JSON Schema type"),
    ("text", "", "an object belongs here, not 'text'"),
    ({"if": {}}, "if", "this keyword is not supported"),
    ({"not": {"type": "string"}}, "not", "this keyword is not supported"),
    ({"patternProperties": {}}, "patternProperties", "this keyword is not supported"),
    ({"$ref": "http://elsewhere/schema"}, "$ref", "points outside of this schema"),
    ({"$ref": 5}, "$ref", "points outside of this schema"),
    ({"$ref": "#/nowhere"}, "$ref", "'#/nowhere' points to nothing"),
    ({"$ref": "#/required/5"}, "$ref", "points to nothing"),
    ({"$ref": "#/properties/v"}, "", "the schema contains itself outside of any object"),
    ({"anyOf": []}, "anyOf", "there are none"),
    ({"anyOf": [{}], "type": "string"}, "anyOf", "alternatives stand beside other keywords"),
    ({"anyOf": {}}, "anyOf", "is not a list"),
    ({"allOf": [{"type": "string"}]}, "allOf.0", "only objects can be combined"),
    ({"allOf": [{"$ref": "#/properties/v"}], "type": "object"}, "", "combines a schema with itself"),
    ({"enum": []}, "enum", "needs a list of at least one value"),
    ({"enum": "a"}, "enum", "needs a list of at least one value"),
    ({"type": "string", "minLength": -1}, "minLength", "-1 is not a length"),
    ({"type": "string", "maxLength": 1.5}, "maxLength", "1.5 is not a length"),
    ({"type": "array", "minItems": True}, "minItems", "True is not a length"),
    ({"type": "array", "maxItems": 10**20}, "maxItems", "is not a length"),
    ({"type": "string", "pattern": "("}, "pattern", r"the pattern '\(' cannot be used"),
    ({"type": "string", "pattern": "(?=a)"}, "pattern", "look-around"),
    ({"type": "string", "pattern": 5}, "pattern", "5 is not a pattern"),
    ({"type": "number", "minimum": "0"}, "minimum", "'0' is not a bound"),
    ({"type": "number", "maximum": False}, "maximum", "False is not a bound"),
    ({"type": "number", "multipleOf": 0}, "multipleOf", "0 is not a bound"),
    ({"type": "array", "items": [{}]}, "", "a tuple has optional items"),
    ({"type": "object", "required": ["x"], "properties": {}}, "required", r"\['x'\] are no properties"),
    ({"type": "object", "required": [1], "properties": {}}, "required", "names of properties are strings"),
    ({"type": "object", "required": "x", "properties": {}}, "required", "'x' is not a list"),
    ({"type": "object", "properties": []}, "properties", "an object belongs here"),
    ({"type": "object", "properties": {}, "x-unknown": "keep"}, "x-unknown", "'keep' is unknown"),
    ({"type": "object", "additionalProperties": 5}, "additionalProperties", "an object belongs here, not 5"),
]


@pytest.mark.parametrize(("schema", "place", "message"), REFUSED)
def test_what_cannot_be_imported_is_refused_with_its_place(schema: Any, place: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as refused:
        of_value(schema)
    path = ".".join(map(str, refused.value.issues[0].path))
    assert path == ".".join(filter(None, ("properties.v", place)))
    assert path.replace(".0", "[0]") in str(refused.value)


def test_references_do_not_lead_on_for_ever() -> None:
    chain: dict[str, Any] = {f"r{n}": {"$ref": f"#/$defs/r{n + 1}"} for n in range(80)}
    with pytest.raises(DefinitionError, match="schemas nest deeper than 64 levels"):
        imported({"properties": {"v": {"$ref": "#/$defs/r0"}}, "$defs": {**chain, "r80": {}}})


@pytest.mark.parametrize("default", ["x", {"b": "x"}, None])
def test_a_default_that_does_not_fit_is_refused(default: Any) -> None:
    schema = {"type": "object", "properties": {"b": {"type": "number"}}, "required": ["b"], "default": default}
    with pytest.raises(DefinitionError, match=r"the default of 'v.*' does not fit"):
        imported({"properties": {"v": schema}})


def test_a_default_that_never_ends_is_refused() -> None:
    with pytest.raises(DefinitionError, match="does not fit"):
        imported({"properties": {"v": {"$ref": "#", "default": {}}}})


@pytest.mark.parametrize(
    "schema", [{"type": "string"}, {"type": "array", "items": {}}, {"anyOf": [{"type": "object"}]}]
)
def test_the_data_of_an_event_is_an_object(schema: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match="not the schema of an object"):
        payload_from_schema(schema, name="Imported")


def test_a_root_may_refer_to_the_object_it_is() -> None:
    payload = payload_from_schema({"$ref": "#/$defs/a", "$defs": {"a": {"properties": {}}}}, name="Imported")
    assert written(payload, {"x": 1}) == {}
