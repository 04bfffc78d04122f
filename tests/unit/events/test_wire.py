"""Events as messages: both modes of CloudEvents, ours and those of strangers."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import InvalidEvent
from arvo.events import Event, create_event
from arvo.events.wire import STRUCTURED_CONTENT_TYPE, WireMessage, from_wire, to_binary, to_structured
from tests.unit.events.strategies import any_texts, attributes

PREFIXES = ("ce-", "ce_", "cloudEvents:", "cloudEvents_")


def foreign(**members: Any) -> dict[str, Any]:
    """A CloudEvent with no more than CloudEvents requires."""
    return {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.order.place", **members}


def structured(document: object, content_type: str | None = "application/cloudevents+json") -> WireMessage:
    return WireMessage(json.dumps(document).encode(), content_type)


@given(attributes)
def test_structured_mode_gives_the_same_event_back(given: dict[str, Any]) -> None:
    event = create_event(**given)
    message = to_structured(event)
    assert message.content_type == STRUCTURED_CONTENT_TYPE
    assert from_wire(message) == event


@given(attributes, st.sampled_from(PREFIXES))
def test_binary_mode_gives_the_same_event_back_with_extensions_as_text(given: dict[str, Any], prefix: str) -> None:
    event = create_event(**given)
    read = from_wire(to_binary(event, prefix=prefix))
    expected = event.to_dict() | {"datacontenttype": "application/json"}
    for name, value in event.extensions.items():
        del expected[name]
        if value is not None:
            expected[name] = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    assert {name: value for name, value in read.to_dict().items() if value is not None} == {
        name: value for name, value in expected.items() if value is not None
    }


@given(attributes)
def test_percent_encoded_headers_are_visible_ascii(given: dict[str, Any]) -> None:
    for name, value in to_binary(create_event(**given)).headers.items():
        assert name.isascii()
        assert all("\x21" <= character <= "\x7e" for character in value)


def test_json_content_type_is_kept_in_binary_mode() -> None:
    event = Event(
        type="com.a.b", source="s", subject="x", data={"a": 1}, datacontenttype="application/json; charset=utf-8"
    )
    message = to_binary(event)
    assert message.content_type == "application/json; charset=utf-8"
    assert from_wire(message) == event


@pytest.mark.parametrize("content_type", [None, "", "application/json", "text/plain"])
def test_document_without_a_telling_content_type_is_structured(content_type: str | None) -> None:
    event = Event(type="com.a.b", source="s", subject="x", data={"a": 1})
    assert from_wire(WireMessage(event.to_json(), content_type)) == event


def test_foreign_event_needs_nothing_of_ours() -> None:
    event = from_wire(structured(foreign()))
    assert (event.to, event.subject, event.data) == ("com.order.place", "/shop#1", {})
    assert event.datacontenttype == "application/json"


def test_foreign_events_of_different_sources_have_different_subjects() -> None:
    one, other = (from_wire(structured(foreign(source=source))) for source in ("/a", "/b"))
    assert one.subject != other.subject


def test_foreign_subject_is_encoded_when_it_is_no_uri() -> None:
    assert from_wire(structured(foreign(subject="größe 1"))).subject == "gr%C3%B6%C3%9Fe%201"
    assert from_wire(structured(foreign(subject="order/1"))).subject == "order/1"


def test_foreign_event_keeps_its_data_and_extensions() -> None:
    event = from_wire(structured(foreign(data={"a": [1, 2]}, myextension=5, time="2024-03-05T06:07:08Z")))
    assert event.data == {"a": [1, 2]}
    assert event.extensions == {"myextension": 5}
    assert event.time == "2024-03-05T06:07:08Z"


def test_foreign_event_in_binary_mode() -> None:
    headers = {
        "ce-specversion": "1.0",
        "Ce-Id": "1",
        "ce-source": "/shop",
        "ce-type": "com.order.place",
        "ce-subject": "Euro%20%E2%82%AC",
        "ce-executionunits": "1.5",
        "x-other": "ignored",
    }
    event = from_wire(WireMessage(b'{"a":1}', "application/json", headers))
    assert (event.id, event.source, event.data) == ("1", "/shop", {"a": 1})
    assert event.subject == "Euro%20%E2%82%AC"
    assert event.executionunits == 1.5
    assert event.extensions == {}


def test_binary_mode_without_a_body_has_no_data() -> None:
    headers = {f"ce-{name}": value for name, value in foreign().items()}
    assert from_wire(WireMessage(b"", None, headers)).data == {}


def test_body_in_binary_mode_cannot_pass_for_attributes() -> None:
    headers = {f"ce-{name}": value for name, value in foreign().items()}
    with pytest.raises(InvalidEvent, match="not JSON"):
        from_wire(WireMessage(b'{},"to":"com.evil.place"', "application/json", headers))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (WireMessage(b"garbage", None), "not JSON"),
        (WireMessage(b"\xff\xfe", "application/cloudevents+json"), "UTF-8"),
        (structured([foreign()], "application/cloudevents-batch+json"), "cloudevents-batch"),
        (WireMessage(b"x", "application/cloudevents+avro"), "avro"),
        (structured([foreign()]), "not an object"),
        (structured(foreign(type="OrderPlaced")), "three or more"),
        (structured(foreign(data="text")), "data"),
        (structured(foreign(data_base64="AAAA")), "data_base64"),
        (structured({"a": 1}), "source"),
        (structured(foreign(datacontenttype="text/xml")), "datacontenttype"),
    ],
)
def test_what_is_no_event_says_why(message: WireMessage, said: str) -> None:
    with pytest.raises(InvalidEvent, match=said):
        from_wire(message)


def test_event_that_claims_to_be_ours_must_be_complete() -> None:
    ours = {**Event(type="com.a.b", source="s", subject="x", data={"a": 1}).to_dict(), "subject": None}
    with pytest.raises(InvalidEvent, match="subject"):
        from_wire(structured(ours))


def test_too_large_message_is_refused_in_both_modes() -> None:
    event = Event(type="com.a.b", source="s", subject="x", data={"a": "x" * 200_000})
    for message in (to_structured(event), to_binary(event)):
        with pytest.raises(InvalidEvent, match="larger"):
            from_wire(message, max_bytes=100_000)


@given(
    st.binary(max_size=60),
    st.none() | any_texts,
    st.dictionaries(any_texts | st.sampled_from(["ce-id", "ce-specversion"]), any_texts),
)
def test_reading_raises_nothing_else(body: bytes, content_type: str | None, headers: dict[str, str]) -> None:
    with suppress(InvalidEvent):
        from_wire(WireMessage(body, content_type, headers))
