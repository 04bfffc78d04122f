"""Contracts as JSON documents: written, read back, and refused when they are not what they claim to be."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from arvo.contracts import Contract, OrchestratorContract, Payload, SimpleContract, compare_contracts, read_payload
from arvo.contracts.exchange import version_to_document
from arvo.errors import ContractViolation, DefinitionError
from tests.unit.contracts.samples import ChargeCard, WriteLog, charge, order, order_v1


class Colour(Enum):
    RED = "red"


class Address(BaseModel):
    city: str


class Rich(Payload):
    """Everything at once."""

    name: str = Field(min_length=1, description="What it is called")
    price: Decimal
    when: date
    kind: Literal["a", "b"]
    colour: Colour
    home: Address
    others: tuple[Address, ...] = ()
    pair: tuple[int, str]
    notes: dict[str, float]
    maybe: str | None = None


class Closed(Payload, extra="forbid"):
    note: str


class Open(Payload, extra="allow"):
    note: str


def document(**changes: Any) -> dict[str, Any]:
    return {
        "uri": "#/a",
        "versions": [{"version": "1.0.0", "accepts": {"type": "com.a.b", "schema": {"type": "object"}}, "emits": []}],
        **changes,
    }


def version(**changes: Any) -> dict[str, Any]:
    return {**document()["versions"][0], **changes}


def accepting(payload: type[Payload]) -> Contract:
    contract = Contract(uri="#/a", type="com.a.b")
    contract.version("1.0.0", accepts=payload, emits=None)
    return contract


def schema_in(contract: Contract) -> dict[str, Any]:
    schema: dict[str, Any] = contract.to_dict()["versions"][0]["accepts"]["schema"]
    return schema


def test_a_document_tells_the_whole_contract() -> None:
    written = charge.to_dict()
    assert {key: written[key] for key in ("uri", "domain", "description", "metadata")} == {
        "uri": "#/services/card.charge",
        "domain": None,
        "description": "Charges cards",
        "metadata": {},
    }
    (only,) = written["versions"]
    assert only["version"] == "1.0.0"
    assert only["accepts"] == {
        "type": "com.card.charge",
        "schema": {
            "type": "object",
            "properties": {
                "amountCents": {"type": "integer"},
                "currency": {"default": "EUR", "type": "string"},
            },
            "required": ["amountCents"],
            "additionalProperties": False,
            "x-unknown": "strip",
            "$schema": "http://json-schema.org/draft-07/schema#",
        },
    }
    assert [emit["type"] for emit in only["emits"]] == ["evt.card.charge.success", "evt.card.charge.declined"]
    assert only["systemError"]["type"] == "sys.card.charge.error".replace("sys.", "sys.com.")


def test_what_becomes_of_unknown_keys_is_written_down() -> None:
    assert (schema_in(accepting(WriteLog))["x-unknown"], schema_in(accepting(Closed))["x-unknown"]) == (
        "strip",
        "strict",
    )
    assert schema_in(accepting(Open))["additionalProperties"] is True


def test_a_workflows_parent_comes_first() -> None:
    accepts = schema_in(order)
    assert list(accepts["properties"]) == ["parentSubject$$", "order_id"]
    assert accepts["required"] == ["parentSubject$$", "order_id"]


@pytest.mark.parametrize("contract", [charge, order, accepting(Rich), accepting(Closed), accepting(Open)])
def test_a_contract_is_the_same_after_a_round_trip(contract: Contract) -> None:
    again = Contract.from_json(contract.to_json())
    assert again.to_dict() == contract.to_dict()
    assert type(again) is type(contract)
    assert compare_contracts(contract, again) == compare_contracts(again, contract) == []


def test_imported_classes_take_what_the_exported_ones_write() -> None:
    rich = Rich(
        name="n",
        price=Decimal("1.50"),
        when=date(2024, 2, 29),
        kind="a",
        colour=Colour.RED,
        home=Address(city="x"),
        pair=(1, "x"),
        notes={"a": 0.5},
    )
    imported = Contract.from_json(accepting(Rich).to_json()).get("latest").accepts
    written = rich.model_dump_json()
    assert json.loads(read_payload(imported, written).model_dump_json()) == json.loads(written)
    assert imported.__doc__ == "Everything at once."
    with pytest.raises(ContractViolation) as refused:
        read_payload(imported, written.replace('"a"', '"c"', 1).replace("2024-02-29", "2024-02-30"))
    assert [issue.path for issue in refused.value.issues] == [("when",), ("kind",)]


@pytest.mark.parametrize("text", [True, False])
def test_a_single_version_makes_a_contract_of_its_own(text: bool) -> None:
    one = version_to_document(order_v1)
    again = Contract.from_json(json.dumps(one)) if text else Contract.from_dict(one)
    assert isinstance(again, OrchestratorContract)
    assert version_to_document(again.get("latest")) == one


def test_the_kind_of_contract_is_recognised() -> None:
    simple = SimpleContract("card.charge", uri="#/c")
    simple.version("1.0.0", accepts=ChargeCard, emits=WriteLog)
    again = Contract.from_json(simple.to_json())
    assert isinstance(again, SimpleContract)
    assert again.name == "card.charge"
    claims_otherwise = {**simple.to_dict(), "metadata": {"contractType": "SimpleArvoContract", "rootType": "other"}}
    assert type(Contract.from_dict(claims_otherwise)) is Contract


def test_a_changed_parent_subject_is_kept() -> None:
    accepts = {"type": "object", "properties": {"parentSubject$$": {"type": "string"}}, "required": ["parentSubject$$"]}
    emits = [{"type": "arvo.orc.a.done", "schema": {"type": "object"}}]
    contract = Contract.from_dict(
        document(versions=[version(accepts={"type": "arvo.orc.a", "schema": accepts}, emits=emits)])
    )
    assert "parent_subject" in contract.get("latest").accepts.model_fields
    assert schema_in(contract)["properties"] == {"parentSubject$$": {"type": "string"}}


def test_a_subclass_of_an_imported_class_is_described_anew() -> None:
    imported: Any = Contract.from_json(charge.to_json()).get("latest").accepts

    class Extended(imported):  # type: ignore[misc]
        note: str

    assert list(schema_in(accepting(Extended))["properties"]) == ["amountCents", "currency", "note"]


class Price(Payload):
    price: Decimal


def test_what_is_written_can_be_read_by_engines_without_look_around() -> None:
    imported = Contract.from_json(accepting(Price).to_json()).get("latest").accepts
    assert read_payload(imported, '{"price": "-1.50"}').model_dump() == {"price": "-1.50"}
    with pytest.raises(ContractViolation):
        read_payload(imported, '{"price": "1,50"}')


def test_a_contract_without_versions_is_not_written() -> None:
    with pytest.raises(DefinitionError, match="has no versions"):
        Contract(uri="#/a", type="com.a.b").to_json()


def test_what_json_schema_cannot_say_is_refused() -> None:
    class Handle:
        pass

    class Callback(Payload, arbitrary_types_allowed=True):
        call: Handle

    with pytest.raises(DefinitionError, match="Callback cannot be described as JSON Schema"):
        accepting(Callback).to_json()


@pytest.mark.parametrize(
    ("wrong", "place", "message"),
    [
        ([], "its root", "an object belongs here, not []"),
        (document(uri=None), "uri", "a string belongs here, not None"),
        ({"versions": document()["versions"]}, "uri", "a string belongs here, not nothing"),
        (document(uri="#/a b"), "uri", "is not an encoded URI"),
        (document(domain=5), "domain", "a string belongs here, not 5"),
        (document(domain="Human"), "domain", "is not a domain name"),
        (document(metadata=[1]), "metadata", "an object belongs here"),
        (document(versions=[]), "versions", "a list of at least one version"),
        (document(versions={}), "versions", "a list of at least one version"),
        (document(versions=["1.0.0"]), "versions[0]", "an object belongs here"),
        (document(versions=[{}]), "versions[0].accepts", "an object belongs here, not None"),
        (document(versions=[version(accepts={})]), "versions[0].accepts.type", "a string belongs here, not nothing"),
        (document(versions=[version(accepts={"type": "com.a"})]), "type", "is not in reverse-DNS form"),
        (document(versions=[version(accepts={"type": "com.a.b"})]), "versions[0].accepts.schema", "not None"),
        (document(versions=[version(version="1.0")]), "versions[0].versions", "which is not a semantic version"),
        (document(versions=[version(version=1)]), "versions[0].version", "a string belongs here, not 1"),
        (document(versions=[version(), version()]), "versions[1]", "is declared twice"),
        (document(versions=[version(emits={})]), "versions[0].emits", "emits is a list"),
        (document(versions=[version(emits=[5])]), "versions[0].emits[0]", "an object belongs here, not 5"),
        (document(versions=[version(emits=[{"type": "x"}])]), "versions[0].emits[0].type", "reverse-DNS"),
        (
            document(versions=[version(), version(accepts={"type": "com.a.c", "schema": {}}, version="1.0.1")]),
            "versions[1].accepts.type",
            "the type is 'com.a.c', but 'com.a.b' in another version",
        ),
        (
            document(versions=[version(accepts={"type": "com.a.b", "schema": {"properties": {"a": {"type": "?"}}}})]),
            "versions[0].accepts.schema.properties.a.type",
            "'?' is not a JSON Schema type",
        ),
        (document(versions=[version(accepts={"type": "arvo.orc", "schema": {}})]), "name", "cannot be part of"),
        (document(metadata={"a": {1: 2}}), "metadata.a", "the key 1 is not a string"),
        (document(metadata={"a": {2}}), "metadata.a", "{2} is not a JSON value"),
        (document(metadata={"a": float("nan")}), "metadata.a", "nan is not a JSON value"),
    ],
)
def test_a_wrong_document_is_refused_with_the_place(wrong: Any, place: str, message: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        Contract.from_dict(wrong)
    assert f"at {place}: " in str(refused.value)
    assert message in str(refused.value)


SELF_CONTAINING: dict[str, Any] = document()
SELF_CONTAINING["metadata"] = SELF_CONTAINING


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", "not JSON that can be read"),
        ("{", "not JSON that can be read"),
        (b"\xff", "not JSON that can be read"),
        ('{"uri": NaN}', "NaN is not a JSON number"),
        ('{"uri": 1e999}', "1e999 is not a number that can be kept"),
        ("[" * 100_000, "not JSON that can be read"),
        ("[" * 100 + "]" * 100, "nests deeper than 64 levels"),
        (json.dumps(document(metadata={"a": "x" * 1024 * 1024})), "more than 1,048,576"),
        (json.dumps(document(metadata={"a": [0] * 50_000})), "more than 50,000 values"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_document_that_asks_too_much_is_refused(wrong: str | bytes, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        Contract.from_json(wrong)


def test_a_document_that_contains_itself_is_refused() -> None:
    with pytest.raises(DefinitionError, match="nests deeper than 64 levels"):
        Contract.from_dict(SELF_CONTAINING)


OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}
PAIRS = {
    f"p{n}": {"type": "array", "items": [{"$ref": f"#/$defs/p{n + 1}"}] * 2, "minItems": 2, "maxItems": 2}
    for n in range(30)
}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {f"p{n}": OBJECT for n in range(2000)}},
        {"type": "object", "properties": {"v": {"$ref": "#/$defs/p0"}}, "$defs": {**PAIRS, "p30": {}}},
        {"type": "object", "properties": {f"p{n}": {"type": "string", "pattern": r"\w{200}"} for n in range(200)}},
        {
            "type": "object",
            "properties": {f"p{n}": {"type": "string", "pattern": "(a{1,100}){100}"} for n in range(200)},
        },
    ],
    ids=["classes", "fan-out", "unicode patterns", "nested repetitions"],
)
@pytest.mark.timeout(30)
def test_a_document_that_would_take_too_much_work_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match="more than can be taken in"):
        Contract.from_dict(document(versions=[version(accepts={"type": "com.a.b", "schema": schema})]))
