"""Reading payloads: what is wrong is said once, where it is, in the terms of JSON."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from arvo.contracts import Payload, ServiceError, read_payload
from arvo.errors import ContractViolation, Issue


class Card(Payload):
    number: str
    limits: list[int] = []  # noqa: RUF012 - pydantic copies it


class Cash(Payload):
    cents: int


class Pay(Payload):
    means: Card | Cash
    tip: int | str = 0
    tags: dict[str, list[int]] = {}  # noqa: RUF012 - pydantic copies it


def issues(payload: type[Payload], data: Any) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(ContractViolation) as refused:
        read_payload(payload, data)
    return {issue.path: issue.message for issue in refused.value.issues}


@pytest.mark.parametrize("data", ['{"cents": 5}', b'{"cents": 5}', {"cents": 5}, MappingProxyType({"cents": 5})])
def test_texts_bytes_and_mappings_are_read(data: Any) -> None:
    assert read_payload(Cash, data) == Cash(cents=5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("null", "Input should be an object, got null"),
        ("true", "Input should be an object, got a boolean"),
        ("1.5", "Input should be an object, got a number"),
        ('"x"', "Input should be an object, got a string"),
        ("[]", "Input should be an object, got an array"),
    ],
)
def test_data_is_an_object(data: str, message: str) -> None:
    assert issues(Cash, data) == {(): message}


@pytest.mark.parametrize("text", ["", "{", "\x00", '{"cents": 5', "[" * 5000, '{"a":' * 5000])
def test_what_is_no_json_is_a_violation(text: str) -> None:
    assert "Invalid JSON" in issues(Cash, text)[()]


def test_places_are_those_of_the_document() -> None:
    assert issues(Pay, {"means": {"number": 5, "cents": "x"}, "tags": {"a": [1, {}], "b": 1}, "tip": []}) == {
        ("means", "number"): "Input should be a valid string, got a number",
        ("means", "cents"): "Input should be a valid integer, got a string",
        ("tip",): "Input should be a valid integer, got an array; Input should be a valid string, got an array",
        ("tags", "a", 1): "Input should be a valid integer, got an object",
        ("tags", "b"): "Input should be an array, got a number",
    }


def test_what_several_alternatives_miss_is_said_once() -> None:
    assert issues(Pay, {"means": {}}) == {("means", "number"): "Field required", ("means", "cents"): "Field required"}
    assert issues(Pay, {"means": 1}) == {("means",): "Input should be an object, got a number"}


def test_the_message_names_all_issues_and_a_way_out() -> None:
    with pytest.raises(ContractViolation) as refused:
        read_payload(Cash, {"cents": "5"}, subject_matter="Data of 'com.a.b'")
    assert str(refused.value) == (
        "Data of 'com.a.b' does not fit Cash: cents: Input should be a valid integer, got a string. Send data that "
        "follows the contract's schema, or name the version it was made for in dataschema."
    )
    assert refused.value.issues == (Issue(("cents",), "Input should be a valid integer, got a string", "int_type"),)


def test_data_is_not_quoted_because_it_may_be_secret() -> None:
    assert "hunter2" not in str(issues(Card, {"number": {"secret": "hunter2"}}))


def test_the_stack_of_a_service_error_may_be_missing() -> None:
    assert read_payload(ServiceError, '{"errorName": "E", "errorMessage": "m"}').error_stack is None
