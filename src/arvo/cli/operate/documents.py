"""JSON that was stored, as it is shown: laid out for people, and as it is inside the objects of `--json`."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from arvo.events import Event

__all__ = ["event_type_in", "laid_out", "raw"]


class _Typed(msgspec.Struct):
    type: str


_type_in = msgspec.json.Decoder(_Typed).decode


def event_type_in(text: bytes) -> str:
    """The type of a stored event, `?` when it is none."""
    try:
        return _type_in(text).type
    except msgspec.DecodeError:
        return "?"


def laid_out(text: bytes | Event[Any]) -> str:
    """The JSON with line breaks; what is no JSON as it is, as far as it can be shown."""
    stored = text.to_json() if isinstance(text, Event) else text
    try:
        return msgspec.json.format(stored, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return stored.decode("utf-8", "backslashreplace")


def raw(text: bytes | None) -> Raw | str | None:
    """The JSON as a part of another document; what is no JSON as a text."""
    if text is None:
        return None
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return text.decode("utf-8", "backslashreplace")
    return Raw(text)
