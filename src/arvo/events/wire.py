"""Events as messages of a broker: the CloudEvents bindings in structured and binary mode, as pure functions.

What other systems send is read generously: a CloudEvent needs nothing of Arvo's. Brokers only carry the result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - dataclass fields are looked at
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, unquote

import msgspec
from msgspec import Raw

from arvo.errors import InvalidEvent, Issue
from arvo.events.bounds import MAX_EVENT_BYTES
from arvo.events.event import Event
from arvo.events.json_text import MalformedJsonError, js_number, parse_json
from arvo.events.rules import ARVO_CONTENT_TYPE
from arvo.events.uri import encode_uri, is_encoded_uri

if TYPE_CHECKING:
    from arvo.events.frozen import JsonObject

__all__ = ["STRUCTURED_CONTENT_TYPE", "WireMessage", "from_wire", "to_binary", "to_structured"]

STRUCTURED_CONTENT_TYPE: Final = "application/cloudevents+json; charset=UTF-8"
_STRUCTURED: Final = "application/cloudevents+json"
_ANY_CLOUDEVENTS: Final = "application/cloudevents"
_JSON: Final = "application/json"
_LARGEST_ENVELOPE: Final = 64 * 1024
"""In binary mode the attributes do not count as part of the body."""

_PERCENT_PREFIX: Final = "ce-"
"""Of HTTP and NATS, where values are percent-encoded."""
_PLAIN_PREFIXES: Final = ("ce_", "cloudevents:", "cloudevents_")
"""Of Kafka and AMQP, where values are text."""
_VISIBLE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')

_number = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?").fullmatch
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class WireMessage:
    """A message: its body, what that is, and the other headers."""

    body: bytes
    content_type: str | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def to_structured(event: Event[Any]) -> WireMessage:
    """The event in structured mode: its JSON document is the body. Raises InvalidEvent when its data is no JSON."""
    return WireMessage(event.to_json(), STRUCTURED_CONTENT_TYPE)


def to_binary(event: Event[Any], *, prefix: str = _PERCENT_PREFIX) -> WireMessage:
    """The event in binary mode: its data is the body, its attributes are headers.

    `prefix` is that of the binding: `ce-` for NATS and HTTP, `ce_` for Kafka, `cloudEvents:` for AMQP. Extensions
    become text, and Arvo's content type, which says structured mode, becomes `application/json`.
    """
    spell = _percent_encoded if prefix == _PERCENT_PREFIX else str
    headers: dict[str, str] = {}
    for name, value in event.to_dict().items():
        if value is not None and name not in ("data", "datacontenttype"):
            headers[prefix + name] = spell(_text_of(value))
    is_structured = _media_type(event.datacontenttype).startswith(_ANY_CLOUDEVENTS)
    return WireMessage(event.data_json, _JSON if is_structured else event.datacontenttype, headers)


def from_wire(message: WireMessage, *, max_bytes: int = MAX_EVENT_BYTES) -> Event[JsonObject]:
    """The event in a message of either mode, by its content type and headers; raises InvalidEvent.

    Without a content type that says so, and without attributes in the headers, the body is taken for the document. A
    CloudEvent that does not claim to be Arvo's may lack what CloudEvents does not require: `subject` becomes its source
    and id together, `to` its type, `data` an empty object; a subject that is no encoded URI is encoded.
    """
    media_type = _media_type(message.content_type or "")
    if media_type.startswith(_ANY_CLOUDEVENTS):
        if media_type != _STRUCTURED:
            raise _unreadable(f"its content type is {media_type!r:.80}, and only {_STRUCTURED} is read", "content_type")
        return _document(message.body, max_bytes)
    attributes = _attributes_in(message.headers)
    if "specversion" not in attributes:
        return _document(message.body, max_bytes)
    if message.content_type is not None:
        attributes["datacontenttype"] = message.content_type
    return _document(_encode({**attributes, "data": _data_in(message.body)}), max_bytes + _LARGEST_ENVELOPE)


def _document(body: bytes, max_bytes: int) -> Event[JsonObject]:
    try:
        return Event.from_json(body, max_bytes=max_bytes)
    except InvalidEvent as error:
        completed = _completed(body) if len(body) <= max_bytes else None
        if completed is None:
            raise
        try:
            return Event.from_dict(completed)
        except InvalidEvent as still:
            raise still from error


def _completed(body: bytes) -> dict[str, Any] | None:
    """The document with what others may leave out; None when it claims to be Arvo's, or is no document at all."""
    try:
        found = parse_json(body)
    except MalformedJsonError:
        return None
    if not isinstance(found, dict):
        return None
    document = {name: value for name, value in cast("dict[str, Any]", found).items() if value is not None}
    if document.get("datacontenttype") == ARVO_CONTENT_TYPE or "data_base64" in document:
        return None
    subject = document.get("subject")
    if subject is None:
        document["subject"] = encode_uri(f"{document.get('source')}#{document.get('id')}")
    elif isinstance(subject, str) and not is_encoded_uri(subject):
        document["subject"] = encode_uri(subject)
    document.setdefault("data", {})
    document.setdefault("datacontenttype", _JSON)
    return document


def _attributes_in(headers: Mapping[str, str]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for header, value in headers.items():
        name = header.lower()
        if name.startswith(_PERCENT_PREFIX):
            attributes[name[len(_PERCENT_PREFIX) :]] = unquote(value)
        else:
            for prefix in _PLAIN_PREFIXES:
                if name.startswith(prefix):
                    attributes[name[len(prefix) :]] = value
    units = attributes.get("executionunits")
    if units is not None and (found := _number(units)):
        attributes["executionunits"] = float(units) if found[1] or found[2] else int(units)
    return attributes


def _data_in(body: bytes) -> Raw:
    """The data, known to be JSON, so that nothing in it can pass for another member of the document."""
    if not body.strip():
        return Raw(b"{}")
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(f"its body is not JSON ({error})", "not_json") from error
    return Raw(body)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return js_number(value) if isinstance(value, float) else str(value)


def _percent_encoded(text: str) -> str:
    return quote(text, safe=_VISIBLE)


def _unreadable(why: str, code: str) -> InvalidEvent:
    return InvalidEvent(f"The message holds no event: {why}.", issues=[Issue((), why, code)])
