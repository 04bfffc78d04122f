"""What a change of a contract means for those who send to it and those who listen to it."""

from __future__ import annotations

from typing import Any

import pytest

from arvo.contracts import Contract, Finding, Payload, compare_contracts, compare_versions, one_of
from tests.unit.contracts.samples import CardCharged, CardDeclined, ChargeCard, WriteLog, order

STRING = {"type": "string"}


def accepting(*schemas: Any, **names: Any) -> Contract:
    """A contract whose versions 1.0.0, 1.0.1, ... accept an object with a property `v` of each schema."""
    return Contract.from_dict(
        {
            "uri": "#/a",
            "versions": [
                {"version": f"1.0.{patch}", "accepts": {"type": "com.a.b", "schema": schema}, "emits": []}
                for patch, schema in enumerate(schemas)
            ],
            **names,
        }
    )


def emitting(**schemas: Any) -> Contract:
    emits = [{"type": f"evt.a.{name}", "schema": schema} for name, schema in schemas.items()]
    accepts = {"type": "com.a.b", "schema": {"type": "object"}}
    return Contract.from_dict({"uri": "#/a", "versions": [{"version": "1.0.0", "accepts": accepts, "emits": emits}]})


def of(value: Any, *, required: bool = True) -> dict[str, Any]:
    return {"type": "object", "properties": {"v": value}, "required": ["v"] if required else []}


def breaking(findings: list[Finding]) -> list[str]:
    return [".".join(map(str, finding.path)) for finding in findings if finding.is_breaking]


def test_nothing_changed_is_nothing_found() -> None:
    assert compare_contracts(order, Contract.from_json(order.to_json())) == []


WIDER: list[tuple[Any, Any]] = [
    (STRING, {}),
    (STRING, {"type": ["string", "null"]}),
    (STRING, {"anyOf": [{"type": "integer"}, STRING]}),
    ({"type": "integer"}, {"type": "number"}),
    ({"type": "integer", "minimum": 2}, {"type": "integer", "minimum": 1}),
    ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0}),
    ({"type": "number", "maximum": 1}, {"type": "number", "maximum": 2}),
    ({"type": "number", "multipleOf": 4}, {"type": "number", "multipleOf": 2}),
    ({"type": "string", "minLength": 2}, {"type": "string", "minLength": 1}),
    ({"type": "string", "maxLength": 1}, STRING),
    ({"type": "string", "pattern": "a"}, STRING),
    ({"type": "string", "format": "email"}, STRING),
    ({"const": "a"}, {"enum": ["a", "b"]}),
    ({"enum": ["a", "b"]}, STRING),
    ({"enum": [1, "b"]}, {}),
    ({"enum": [[1]]}, {"type": "array"}),
    ({"enum": [{}]}, {"type": "object"}),
    ({"enum": [None]}, {"type": ["null", "boolean"]}),
    ({"const": True}, {"type": "boolean"}),
    ({"const": 1.5}, {"type": "number"}),
    ({"type": "array", "items": STRING}, {"type": "array"}),
    ({"type": "array", "minItems": 1, "uniqueItems": True}, {"type": "array"}),
    ({"items": [STRING, STRING], "minItems": 2, "maxItems": 2}, {"items": STRING}),
    ({"items": [STRING], "minItems": 1, "maxItems": 1}, {"items": [{}], "minItems": 1, "maxItems": 1}),
    (of(STRING), of(STRING, required=False)),
    ({"type": "object", "additionalProperties": STRING}, {"type": "object"}),
    ({"type": "object", "propertyNames": {"pattern": "a"}}, {"type": "object"}),
    ({**of(STRING), "x-unknown": "strict"}, of(STRING)),
    ({**of(STRING), "x-unknown": "strict"}, {**of(STRING), "additionalProperties": True}),
    ({"allOf": [of(STRING)], "properties": {"w": STRING}}, {"properties": {"v": {}, "w": {}}}),
    (False, STRING),
]


@pytest.mark.parametrize(("narrow", "wide"), WIDER)
def test_a_contract_may_accept_more_but_not_less(narrow: Any, wide: Any) -> None:
    older, newer = accepting(of(narrow)), accepting(of(wide))
    assert breaking(compare_contracts(older, newer)) == []
    assert breaking(compare_contracts(newer, older))[0].startswith("1.0.0.accepts.v")


@pytest.mark.parametrize(("narrow", "wide"), WIDER)
def test_a_contract_may_emit_less_but_not_more(narrow: Any, wide: Any) -> None:
    older, newer = emitting(done=of(wide)), emitting(done=of(narrow))
    assert breaking(compare_contracts(older, newer)) == []


def test_senders_need_not_send_what_is_new_and_required() -> None:
    (finding,) = compare_contracts(accepting({"type": "object"}), accepting(of(STRING)))[:1]
    assert finding == Finding(
        True,
        ("1.0.0", "accepts", "v"),
        "the newer contract requires it, the older one does not always have it",
    )
    assert str(finding) == f"breaking: 1.0.0.accepts.v: {finding.message}"


def test_a_default_helps_listeners_but_not_those_who_need_not_send() -> None:
    with_default, required = of({"type": "string", "default": "d"}, required=False), of(STRING)
    assert breaking(compare_contracts(emitting(done=required), emitting(done=with_default))) == []
    assert breaking(compare_contracts(accepting(with_default), accepting(required))) == ["1.0.0.accepts.v"]


def test_a_new_optional_property_is_compatible_and_mentioned() -> None:
    (finding,) = compare_contracts(
        accepting(of(STRING)), accepting({**of(STRING), "properties": {"v": STRING, "w": {}}})
    )
    assert (finding.is_breaking, finding.path) == (False, ("1.0.0", "accepts", "w"))


def test_a_property_that_is_ignored_from_now_on_is_mentioned() -> None:
    (finding,) = compare_contracts(
        accepting(of(STRING, required=False)), accepting({"type": "object", "properties": {}})
    )
    assert str(finding) == "compatible: 1.0.0.accepts.v: the newer contract ignores it, the older one has it"


def test_unknown_keys_that_were_ignored_must_not_be_refused() -> None:
    strict = {**of(STRING), "x-unknown": "strict"}
    assert breaking(compare_contracts(accepting(of(STRING)), accepting(strict))) == ["1.0.0.accepts"]
    assert breaking(compare_contracts(emitting(done=strict), emitting(done=of(STRING)))) == []


def test_a_property_meets_what_unknown_keys_must_be() -> None:
    numbers = {"type": "object", "properties": {}, "additionalProperties": {"type": "number"}}
    assert breaking(compare_contracts(accepting(of(STRING)), accepting(numbers))) == ["1.0.0.accepts.v"]
    assert breaking(compare_contracts(accepting(numbers), accepting(of(STRING)))) == ["1.0.0.accepts.v"] * 1
    strings = {**numbers, "additionalProperties": STRING}
    assert breaking(compare_contracts(accepting(strings), accepting(numbers))) == ["1.0.0.accepts.*"]


def test_a_refused_property_is_breaking() -> None:
    strict: dict[str, Any] = {"type": "object", "properties": {}, "x-unknown": "strict"}
    assert breaking(compare_contracts(accepting({**of(STRING), "x-unknown": "strict"}), accepting(strict))) == [
        "1.0.0.accepts.v"
    ]


def test_arrays_are_not_tuples() -> None:
    array, pair = {"items": STRING}, {"items": [STRING, STRING], "minItems": 2, "maxItems": 2}
    assert breaking(compare_contracts(accepting(of(array)), accepting(of(pair))))[0] == "1.0.0.accepts.v"


def test_the_nearest_alternative_explains_why_none_fits() -> None:
    older = accepting(of({"type": "string", "maxLength": 9}))
    newer = accepting(
        of({"anyOf": [{"type": "string", "maxLength": 5, "pattern": "a"}, {"type": "string", "maxLength": 8}]})
    )
    assert str(compare_contracts(older, newer)[0]) == (
        "breaking: 1.0.0.accepts.v: the newer contract has maxLength 8, the older one has maxLength 9"
    )


def test_an_emitted_type_may_go_but_a_new_one_surprises_listeners() -> None:
    older, newer = emitting(done=of(STRING), gone=of(STRING)), emitting(done=of(STRING), new=of(STRING))
    assert [str(finding) for finding in compare_contracts(older, newer)] == [
        "breaking: 1.0.0.emits.evt.a.new: it is new, and whoever handles all answers does not know it",
        "compatible: 1.0.0.emits.evt.a.gone: it is not emitted any more",
    ]


def test_versions_may_come_but_not_go() -> None:
    older, newer = accepting(of(STRING), of(STRING)), accepting(of(STRING))
    assert [str(finding) for finding in compare_contracts(older, newer)] == [
        "breaking: 1.0.1: this version is gone, and with it everybody who still sends it"
    ]
    assert [str(finding) for finding in compare_contracts(newer, older)] == ["compatible: 1.0.1: this version is new"]


def test_a_contract_keeps_its_names() -> None:
    renamed = accepting(of(STRING), uri="#/b", domain="eu")
    assert breaking(compare_contracts(accepting(of(STRING)), renamed)) == ["domain", "uri"]
    assert "was None, is 'eu'" in compare_contracts(accepting(of(STRING)), renamed)[0].message


def test_two_versions_of_one_contract_can_be_compared() -> None:
    class ChargeInCurrency(ChargeCard):
        rate: float

    contract = Contract(uri="#/c", type="com.c.d")
    first = contract.version("1.0.0", accepts=ChargeCard, emits=CardCharged)
    second = contract.version("2.0.0", accepts=ChargeInCurrency, emits=one_of(CardCharged, CardDeclined))
    assert breaking(compare_versions(first, second)) == ["2.0.0.accepts.rate", "2.0.0.emits.evt.card.charge.declined"]


def test_a_schema_used_in_several_alternatives_counts_in_each() -> None:
    def either(shared: Any) -> dict[str, Any]:
        w: dict[str, Any] = {"w": {"$ref": "#/$defs/w"}}
        used = {"type": "object", "properties": w, "required": ["w"]}
        marked = {"type": "object", "properties": {**w, "m": STRING}, "required": ["w", "m"]}
        return {**of({"anyOf": [marked, used]}), "$defs": {"w": shared}}

    older, newer = accepting(either(STRING)), accepting(either({"type": "number"}))
    assert breaking(compare_contracts(older, newer)) == ["1.0.0.accepts.v.w"]
    assert compare_contracts(older, accepting(either(STRING))) == []


def test_recursive_schemas_can_be_compared() -> None:
    class Tree(Payload):
        name: str
        children: tuple[Tree, ...] = ()

    Tree.model_rebuild(_types_namespace={"Tree": Tree})
    older, newer = (Contract(uri="#/t", type="com.t.t") for _ in range(2))
    older.version("1.0.0", accepts=Tree, emits=None)
    newer.version("1.0.0", accepts=WriteLog, emits=None)
    again = Contract.from_json(older.to_json())
    assert compare_contracts(older, again) == []
    assert breaking(compare_contracts(again, newer)) == ["1.0.0.accepts.line"]
