"""Reads documents that are out of the ordinary into the members of an event, and says what is wrong with them.

The ordinary document, with no extensions and every attribute of its own type, never gets here: `Event.from_json`
decodes it in one call. Both ways end in the same check, in `checking.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import UNSET, Raw

from arvo.errors import InvalidEvent, Issue
from arvo.events.bounds import MAX_DEPTH
from arvo.events.data import write_data
from arvo.events.envelope import Envelope
from arvo.events.json_text import MalformedJsonError, check_depth, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UNREADABLE", "check_document_depth", "document_bytes", "members_of_json", "members_of_mapping"]

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoders of msgspec raise."""

_ATTRIBUTES: Final = frozenset(Envelope.__struct_fields__) - {"extensions"}
_REQUIRED: Final = ("source", "type", "subject", "data")
# For other producers null says the same as absent. Not so for `to`, which may be null in events not of Arvo's type.
_ABSENT_WHEN_NULL: Final = ("datacontenttype", "time")

_members_decoder = msgspec.json.Decoder(dict[str, Raw])


def document_bytes(document: bytes | str, max_bytes: int) -> bytes:
    """The document as bytes; raises InvalidEvent when it is too large or not UTF-8."""
    if len(document) > max_bytes:
        raise _unreadable(f"it is larger than {max_bytes} bytes (raise max_bytes to read it)", "too_large")
    if isinstance(document, str):
        try:
            document = document.encode("utf-8")
        except UnicodeEncodeError as error:
            raise _unreadable("it holds a lone surrogate that is not written as an escape", "not_json") from error
        if len(document) > max_bytes:
            raise _unreadable(f"it is larger than {max_bytes} bytes (raise max_bytes to read it)", "too_large")
    elif not document.isascii():
        try:
            document.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _unreadable(f"it is not UTF-8 ({error})", "not_json") from error
    return document


def check_document_depth(raw: bytes) -> None:
    """Raises InvalidEvent when the data nests too deeply; the document around it is one level more."""
    try:
        check_depth(raw, MAX_DEPTH + 1)
    except MalformedJsonError as error:
        raise _unreadable(str(error), "too_deep") from error


def members_of_json(raw: bytes) -> dict[str, Any]:
    """The members of the event in this document; raises InvalidEvent when it is no JSON object."""
    members: dict[str, Any]
    try:
        document = _members_decoder.decode(raw)
        members = {name: value if name == "data" else parse_json(bytes(value)) for name, value in document.items()}
    except (*UNREADABLE, MalformedJsonError):
        # Either no JSON object, or one with lone surrogates in it, which only this parser reads.
        try:
            found = parse_json(raw)
        except MalformedJsonError as error:
            raise _unreadable(f"it is not JSON ({error})", "not_json") from error
        if not isinstance(found, dict):
            raise _unreadable("it is JSON, but not an object", "type") from None
        members = cast("dict[str, Any]", found)
        if "data" in members:
            members["data"] = write_data(members["data"])
    check_document_depth(raw)
    return _as_arguments(members)


def members_of_mapping(document: Mapping[str, Any]) -> dict[str, Any]:
    """The members of the event in this parsed document."""
    members = dict(document)
    if "data" in members:
        members["data"] = write_data(members["data"])
    return _as_arguments(members)


def _as_arguments(members: dict[str, Any]) -> dict[str, Any]:
    if "data_base64" in members:
        message = "carries binary data (data_base64), but the data of an Arvo event is a JSON object"
        raise InvalidEvent(f"The event {message}.", issues=[Issue(("data",), message, "type")])
    arguments = {name: members.get(name, UNSET) for name in _REQUIRED}
    extensions: dict[str, Any] = {}
    for name, value in members.items():
        if name not in _ATTRIBUTES:
            extensions[name] = value
        elif value is not None or name not in _ABSENT_WHEN_NULL:
            arguments[name] = value
    if extensions:
        arguments["extensions"] = extensions
    return arguments


def _unreadable(why: str, code: str) -> InvalidEvent:
    message = f"The document holds no event: {why}."
    return InvalidEvent(message, issues=[Issue((), message, code)])
