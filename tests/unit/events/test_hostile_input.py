"""Whatever a stranger sends, every decoder ends soon, in bounded memory, and raises what it documents."""

from __future__ import annotations

import inspect
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import DefinitionError, InvalidEvent, InvalidSubject
from arvo.events import (
    MAX_DEPTH,
    DataSchema,
    Event,
    SemanticVersion,
    Subject,
    create_event,
    decode_uri,
    encode_uri,
    is_domain,
    is_encoded_uri,
    is_event_type,
    parse_managed_event_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = create_event(id="1", type="com.a.b", source="s", subject="s", data={}, time="2024-03-05T06:07:08Z").to_json()


def _document(data: bytes, *, extension: bytes = b"") -> bytes:
    return DOCUMENT.replace(b'"data":{}', b'"data":' + data + extension)


def _nested(levels: int, *, string: str = "x") -> bytes:
    """An object of that many levels."""
    inner = b'{"a":' * (levels - 1) + json.dumps({"s": string}).encode()
    return inner + b"}" * (levels - 1)


@pytest.mark.parametrize("extension", [b"", b',"x":1'])
@pytest.mark.parametrize("string", ["x", '[[{"', '\\"[', "}" * 300])
def test_data_may_nest_so_deep_and_no_deeper(extension: bytes, string: str) -> None:
    deep = Event.from_json(_document(_nested(MAX_DEPTH, string=string), extension=extension))
    assert Event.from_dict(deep.to_dict()) == deep
    assert deep.data == json.loads(deep.data_json)
    too_deep = _nested(MAX_DEPTH + 1, string=string)
    with pytest.raises(InvalidEvent, match="nest deeper") as refusal:
        Event.from_json(_document(too_deep, extension=extension))
    assert refusal.value.issues[0].code == "too_deep"
    with pytest.raises(InvalidEvent, match="nest deeper"):
        Event(type="com.a.b", source="s", subject="s", data=json.loads(too_deep))


def test_many_brackets_are_not_deep() -> None:
    data = json.dumps({"rows": [{"cells": [[]] * 3, "text": "]]}"}] * 2000}).encode()
    assert len(Event.from_json(_document(data)).data["rows"]) == 2000


HOSTILE = {
    "open arrays": b"[" * 100_000,
    "open objects": b'{"a":' * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep array": b"[" * 100_000 + b"]" * 100_000,
    "fairly deep objects": b'{"b":[' + b",".join([b"[" * 800 + b"]" * 800] * 500) + b"]}",
    "backslashes": b'{"a":"' + b"\\" * 100_001,
    "wide array": b'{"a":' + b"[]," * 200_000 + b"[]}",
    "no UTF-8": b'{"a":"\xff"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "control character": b'{"a":"\x01"}',
    "unknown escape": b'{"a":"\\x"}',
    "surrogate and NaN": b'{"a":"\\ud800","b":NaN}',
    "surrogate and no JSON": b'{"a":"\\ud800",}',
    "leading zero": b'{"a":01}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "trailing comma": b'{"a":1,}',
    "one brace too many": b'{"a":1}}',
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("extension", [b"", b',"x":1'])
def test_hostile_documents_are_refused_at_once(name: str, extension: bytes) -> None:
    data = HOSTILE[name]
    started = time.thread_time()
    with pytest.raises(InvalidEvent) as refusal:
        Event.from_json(_document(data, extension=extension))
    assert time.thread_time() - started < 0.5
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize("digits", [4000, 5000, 500_000])
def test_an_integer_bomb_does_not_go_off(digits: int) -> None:
    number = b"1" * digits
    event = Event.from_json(_document(b'{"a":' + number + b"}"))
    assert number in event.to_json()
    started = time.thread_time()
    if digits < 4300:
        assert len(str(event.data["a"])) == digits
    else:
        with pytest.raises(InvalidEvent, match="out of range"):
            _ = event.data
    with pytest.raises(InvalidEvent):
        Event.from_json(DOCUMENT.replace(b'"executionunits":null', b'"executionunits":' + number))
    assert time.thread_time() - started < 0.5


def test_an_integer_that_could_not_be_read_is_not_written() -> None:
    for value in (10**5000, [10**5000], {"b": -(10**5000)}):
        with pytest.raises(InvalidEvent, match="digits"):
            Event(type="com.a.b", source="s", subject="s", data={"a": value})


def test_a_document_may_be_so_large_and_no_larger() -> None:
    document = _document(json.dumps({"a": "x" * 5000}).encode())
    assert Event.from_json(document, max_bytes=len(document))
    for given_document in (document, document.decode()):
        with pytest.raises(InvalidEvent, match="larger than 4000 bytes") as refusal:
            Event.from_json(given_document, max_bytes=4000)
        assert refusal.value.issues[0].code == "too_large"
    with pytest.raises(InvalidEvent, match="larger than 1048576 bytes"):
        Event.from_json(b" " * (1024 * 1024 + 1))
    # Fewer characters than bytes.
    with pytest.raises(InvalidEvent, match="larger than"):
        Event.from_json("é" * 60, max_bytes=100)


def test_data_that_holds_itself_is_refused() -> None:
    cyclic: dict[str, Any] = {}
    cyclic["a"] = [cyclic]
    with pytest.raises(InvalidEvent, match="holds itself"):
        Event(type="com.a.b", source="s", subject="s", data=cyclic)
    cyclic["b"] = "\ud800"
    with pytest.raises(InvalidEvent):
        Event(type="com.a.b", source="s", subject="s", data=cyclic)


def test_bytes_that_are_no_text_and_text_that_is_no_utf8_are_refused() -> None:
    with pytest.raises(InvalidEvent, match="not UTF-8"):
        Event.from_json(DOCUMENT.replace(b'"id":"1"', b'"id":"\xff"'))
    with pytest.raises(InvalidEvent, match="lone surrogate"):
        Event.from_json(DOCUMENT.decode().replace('"id":"1"', '"id":"\ud800"'))
    with pytest.raises(InvalidEvent, match="lone surrogate") as refusal:
        Event.from_json(DOCUMENT.replace(b'"id":"1"', b'"id":"\\ud800"'))
    assert refusal.value.issues[0].path == ("id",)


def _descend(frames: int, then: Callable[[], object]) -> object:
    return then() if frames == 0 else _descend(frames - 1, then)


def test_a_reader_deep_in_the_stack_gets_the_documented_error() -> None:
    deep = Event.from_json(_document(_nested(MAX_DEPTH)))
    room = sys.getrecursionlimit() - len(inspect.stack(0))
    with pytest.raises(InvalidEvent, match="recursion"):
        _descend(room - 60, lambda: deep.data)
    assert deep.data == json.loads(deep.data_json)


damaged = st.tuples(st.integers(0, len(DOCUMENT)), st.integers(0, 40), st.binary(max_size=6)).map(
    lambda cut: DOCUMENT[: cut[0]] + cut[2] + DOCUMENT[cut[0] + cut[1] :]
)


@given(damaged | st.binary(max_size=80) | st.text(max_size=80))
def test_any_document_is_an_event_or_an_invalid_event(document: bytes | str) -> None:
    try:
        event = Event.from_json(document)
    except InvalidEvent as refusal:
        assert refusal.issues  # noqa: PT017
    else:
        assert Event.from_json(event.to_json()).to_json() == event.to_json()


@given(
    st.text() | st.text("%aé0123456789ABCDEF\ud800/", max_size=12) | st.binary().map(lambda raw: raw.decode("latin-1"))
)
def test_every_other_decoder_raises_what_it_documents(text: str) -> None:
    assert isinstance(is_encoded_uri(text), bool)
    assert isinstance(is_event_type(text), bool)
    assert isinstance(is_domain(text), bool)
    assert isinstance(DataSchema.parse(text), DataSchema | None)
    assert parse_managed_event_id(text) is None
    for decode, documented in (
        (decode_uri, InvalidEvent),
        (encode_uri, InvalidEvent),
        (Subject.parse, InvalidSubject),
        (SemanticVersion.parse, DefinitionError),
    ):
        try:
            decode(text)
        except documented as refusal:
            assert str(refusal)  # noqa: PT017
