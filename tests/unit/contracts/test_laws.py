"""Laws that hold for all contracts: whatever the document, only the documented error; what is called compatible, is."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arvo.contracts import Contract, Payload, compare_contracts, payload_from_schema, read_payload
from arvo.contracts.schema_relation import Side, differences
from arvo.errors import ContractViolation, DefinitionError
from tests.unit.contracts.strategies import JSON, OBJECT_SCHEMAS, PRETENDERS, values_for


def read(payload: type[Payload], data: Any) -> Any:
    """The data as the class gives it back, or None where it refuses it."""
    try:
        return json.loads(read_payload(payload, json.dumps(data)).model_dump_json())
    except ContractViolation:
        return None


def document(schema: Any) -> dict[str, Any]:
    return {"uri": "#/a", "versions": [{"version": "1.0.0", "accepts": {"type": "com.a.b", "schema": schema}}]}


@given(st.binary(max_size=200) | st.text(max_size=200) | JSON.map(json.dumps))
def test_any_text_is_a_contract_or_a_definition_error(text: str | bytes) -> None:
    with pytest.raises(DefinitionError):
        Contract.from_json(text)


@given(PRETENDERS, JSON)
def test_any_schema_is_a_class_or_a_definition_error(schema: dict[str, Any], data: Any) -> None:
    with suppress(DefinitionError):
        contract = Contract.from_dict(document(schema))
        read(contract.get("latest").accepts, data)
        again = Contract.from_json(contract.to_json())
        assert compare_contracts(contract, again) == []


@given(OBJECT_SCHEMAS, st.data())
def test_what_was_read_reads_the_same_again(schema: dict[str, Any], data: st.DataObject) -> None:
    payload = payload_from_schema(schema, name="Data")
    once = read(payload, data.draw(values_for(schema)))
    assert once is None or read(payload, once) == once


@given(OBJECT_SCHEMAS, OBJECT_SCHEMAS, st.data())
def test_what_fits_a_narrower_schema_fits_a_wider_one(
    narrow: dict[str, Any], wide: dict[str, Any], data: st.DataObject
) -> None:
    assume(not any(difference.is_refused for difference in differences(Side(narrow, "a"), Side(wide, "b"))))
    narrower, wider = payload_from_schema(narrow, name="Narrow"), payload_from_schema(wide, name="Wide")
    for schema in (narrow, wide):
        # Senders send what their contract describes: whatever else is in the data does not count.
        once = read(narrower, data.draw(values_for(schema)))
        assert once is None or read(wider, once) is not None


@given(OBJECT_SCHEMAS)
def test_a_schema_is_no_wider_than_itself(schema: dict[str, Any]) -> None:
    assert differences(Side(schema, "a"), Side(json.loads(json.dumps(schema)), "b")) == []


@given(OBJECT_SCHEMAS, st.data())
def test_a_schema_with_a_member_more_is_wider(schema: dict[str, Any], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True))
    optional = {**schema, "required": [name for name in schema["required"] if name not in names]}
    assert differences(Side(schema, "a"), Side(optional, "b")) == []
    newly = set(schema["required"]) - set(optional["required"])
    assert {path[0] for path in (each.path for each in differences(Side(optional, "b"), Side(schema, "a")))} == newly
