"""Records become JSON text and back without change, or are refused with the place named."""

from __future__ import annotations

import json
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from arvo.errors import ArvoError
from arvo.ports import InvalidRecordError, StaleWriteError
from arvo.ports.records import (
    check_names,
    check_previous,
    decode_record,
    encode_members,
    encode_previous,
    encode_record,
    is_same_record,
)

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=8)
records = st.dictionaries(texts, values, max_size=4)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"in": value}
    return value


@given(records)
def test_a_record_reads_back_as_it_was_written(record: dict[str, Any]) -> None:
    found = decode_record(encode_record(record))

    assert found == record
    assert json.dumps(found) == json.dumps(record)


@given(records)
def test_a_record_is_the_same_whatever_the_spacing_and_order_of_its_text(record: dict[str, Any]) -> None:
    reordered = dict(reversed(record.items()))

    assert is_same_record(encode_record(record), json.dumps(reordered, indent=2).encode())


@given(records, records)
def test_records_of_different_value_are_not_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    same_json = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

    assert is_same_record(encode_record(one), encode_record(other)) == same_json


def test_a_read_only_mapping_is_a_record() -> None:
    assert encode_record(MappingProxyType({"a": 1})) == b'{"a":1}'


def test_depth_that_json_can_carry_is_kept() -> None:
    assert decode_record(encode_record(nested(150))) == nested(150)


@pytest.mark.parametrize(
    ("record", "path", "code"),
    [
        ({"a": {"b": [0, float("nan")]}}, ("a", "b", 1), "not_finite"),
        ({"fine": {"a": [1, None]}, "bad": float("-inf")}, ("bad",), "not_finite"),
        ({"a": {1: "x"}}, ("a",), "key_type"),
        ({"a": (1, 2)}, ("a",), "not_json"),
        ({"a": [{"b": b"bytes"}]}, ("a", 0, "b"), "not_json"),
        ({"a": Decimal("1.5")}, ("a",), "not_json"),
        ({"a": object()}, ("a",), "not_json"),
        ({"a": "\ud800"}, ("a",), "not_unicode"),
        (MappingProxyType({"a": b"bytes"}), ("a",), "not_json"),
        (None, (), "not_json"),
        ([("a", 1)], (), "not_json"),
        ("text", (), "not_json"),
    ],
)
def test_what_json_would_change_is_refused_with_its_place(record: Any, path: tuple[str | int, ...], code: str) -> None:
    with pytest.raises(InvalidRecordError) as caught:
        encode_record(cast("dict[str, Any]", record))

    (issue,) = caught.value.issues
    assert (issue.path, issue.code) == (path, code)
    assert str(issue) in str(caught.value)
    assert isinstance(caught.value, (ArvoError, ValueError))


@pytest.mark.parametrize("depth", [500, 1_000, 2_000, 100_000])
def test_a_record_of_any_depth_is_kept_or_refused_but_never_breaks_anything(depth: int) -> None:
    record = {"fine": True, "deep": nested(depth)}
    try:
        outcome = "kept" if encode_record(record).count(b"{") == depth + 2 else "damaged"
    except InvalidRecordError as refused:
        outcome = refused.issues[0].code

    assert outcome in ("kept", "too_deep")


def test_a_previous_record_that_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidRecordError):
        encode_previous({"a": object()})
    assert encode_previous(None) is None


@pytest.mark.parametrize(
    ("stored", "previous"), [(None, None), (b"{}", b"{}"), (b'{"a":1,"b":2}', b'{ "b":2, "a":1 }')]
)
def test_the_current_previous_is_accepted(stored: bytes | None, previous: bytes | None) -> None:
    check_previous("a", stored, previous)


@pytest.mark.parametrize(
    ("stored", "previous", "reason"),
    [
        (b"{}", None, "exists already"),
        (None, b"{}", "does not exist"),
        (b'{"a":1}', b'{"a":2}', "was changed by somebody else"),
        (b'{"a":1}', b'{"a":1.0}', "was changed by somebody else"),
        (b'{"a":1}', b'{"a":true}', "was changed by somebody else"),
    ],
)
def test_a_stale_previous_is_refused_with_the_reason(stored: bytes | None, previous: bytes | None, reason: str) -> None:
    with pytest.raises(StaleWriteError, match=f"Record 'order-1' {reason}") as caught:
        check_previous("order-1", stored, previous)

    assert caught.value.id == "order-1"
    assert caught.value.expected_none == (previous is None)
    assert caught.value.found_none == (stored is None)


def test_long_ids_are_shortened_in_messages_but_not_in_the_error() -> None:
    subject = "eJx" + "x" * 500
    with pytest.raises(StaleWriteError) as caught:
        check_previous(subject, b"{}", None)

    assert len(str(caught.value)) < 300
    assert caught.value.id == subject


@pytest.mark.parametrize(("id_", "holder"), [("", "h"), ("i", ""), ("\ud800", "h"), ("i", "\udfff")])
def test_empty_or_broken_names_are_refused(id_: str, holder: str) -> None:
    with pytest.raises(InvalidRecordError, match="must be a text of at least one character"):
        check_names(id=id_, holder=holder)


@given(records, records)
def test_members_that_are_text_already_read_back_like_any_other(known: dict[str, Any], given: dict[str, Any]) -> None:
    as_text = {name: Raw(json.dumps(value).encode()) for name, value in known.items()}

    assert decode_record(encode_members(as_text, given)) == {**known, **given}


def test_given_members_are_checked_and_known_ones_trusted() -> None:
    with pytest.raises(InvalidRecordError) as refusal:
        encode_members({"status": "active"}, {"state": {"tags": {1, 2}}, "definition": Raw(b'"x"')})

    assert [issue.path for issue in refusal.value.issues] == [("state", "tags")]


def test_text_that_no_back_end_could_give_back_is_refused_even_where_it_is_known() -> None:
    with pytest.raises(InvalidRecordError, match="lone surrogate") as refusal:
        encode_members({"events": Raw(b'{"consumed":{"name":"\\ud800"}}')}, {})

    assert [issue.path for issue in refusal.value.issues] == [("events", "consumed", "name")]


def test_escapes_in_known_text_are_fine() -> None:
    text = encode_members({"events": Raw(b'{"name":"\\u00e9\\u0001\\\\"}')}, {})

    assert decode_record(text) == {"events": {"name": "\u00e9\x01\\"}}
