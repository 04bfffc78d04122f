"""How a record becomes text and back, and when two records are the same; shared by every back end.

Records are stored as the JSON text of exactly what was given, so that another language or a person can read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, cast

import msgspec
from msgspec import Raw

from arvo.errors import Issue
from arvo.ports.machine_memory import InvalidRecordError, StaleWriteError

__all__ = [
    "check_names",
    "check_previous",
    "decode_record",
    "encode_members",
    "encode_previous",
    "encode_record",
    "is_same_record",
]

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
_encode_canonical = msgspec.json.Encoder(order="sorted").encode
_ENCODING_ERRORS = (TypeError, ValueError, RecursionError, msgspec.MsgspecError)
_DEEPEST_SEARCHED = 200


def encode_record(data: Mapping[str, Any]) -> bytes:
    """Return the JSON text of a record, or raise InvalidRecordError when reading it back would give another value."""
    cause: Exception | None = None
    try:
        text = _encode(_as_dict(data))
        if _decode(text) == data:
            return text
    except _ENCODING_ERRORS as error:
        cause = error
    raise _not_json(data) from cause


def encode_members(known: Mapping[str, Any], given: Mapping[str, Any]) -> bytes:
    """Return the JSON text of a record of which some is known to be JSON: `known`, and whatever is `msgspec.Raw`.

    The members of `given`, which stand behind those of `known`, are checked like `encode_record` does.
    """
    encode_record({name: value for name, value in given.items() if type(value) is not Raw})
    for name, value in known.items():
        if type(value) is Raw:
            _check_unicode(name, bytes(value))
    return _encode({**known, **given})


def _check_unicode(name: str, text: bytes) -> None:
    """JSON may spell a lone surrogate, which is no Unicode, so that back ends could not give it back."""
    # One byte is looked for much faster than two, and is rarely there.
    if b"\\" in text and b"\\u" in text:
        try:
            msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise _not_json({name: json.loads(text)}) from error


def encode_previous(previous: Mapping[str, Any] | None) -> bytes | None:
    """Return the JSON text of the record that a write starts from, to be compared with the stored one.

    Spares the check of `encode_record`: what JSON would change cannot equal anything stored.
    """
    if previous is None:
        return None
    try:
        return _encode(_as_dict(previous))
    except _ENCODING_ERRORS as error:
        raise _not_json(previous) from error


def decode_record(text: bytes | str) -> dict[str, Any]:
    """Return the record whose JSON text this is."""
    return _decode(text)


def is_same_record(stored: bytes, other: bytes) -> bool:
    """Tell whether two texts hold the same JSON object; spacing and order of members do not count."""
    return stored == other or _encode_canonical(_decode(stored)) == _encode_canonical(_decode(other))


def check_previous(id: str, stored: bytes | None, previous: bytes | None) -> None:
    """Raise StaleWriteError unless `previous` is the record stored under `id` (None: no record)."""
    if stored is None or previous is None:
        if stored is not previous:
            raise StaleWriteError(id, expected_none=previous is None, found_none=stored is None)
    elif not is_same_record(stored, previous):
        raise StaleWriteError(id, expected_none=False, found_none=False)


def check_names(*, id: str, holder: str = "-") -> None:
    """Raise InvalidRecordError when the id of a record or the holder of a lock is empty or not Unicode."""
    if id and holder and id.isascii() and holder.isascii():
        return
    for name, value in (("id of a record", id), ("holder of a lock", holder)):
        if not value or not _is_unicode(value):
            raise InvalidRecordError(
                f"The {name} is {value!r}. It must be a text of at least one character, without lone surrogates. "
                "Use the subject of the workflow as id, and a value unique to this piece of work as holder."
            )


def _as_dict(data: Mapping[str, Any]) -> dict[str, Any]:
    return data if isinstance(data, dict) else dict(data)


def _not_json(data: object) -> InvalidRecordError:
    issue = Issue((), f"a {type(data).__name__} is not a JSON object", "not_json")
    if isinstance(data, Mapping):
        issue = _first_issue(dict(cast("Mapping[object, object]", data)), ()) or issue
    return InvalidRecordError(
        f"The record cannot be kept as JSON: {issue}. A record holds objects with string keys, lists, strings, "
        "finite numbers, booleans and null. Convert it first (a Pydantic model: model_dump(mode='json')).",
        issues=[issue],
    )


def _first_issue(value: object, path: tuple[str | int, ...]) -> Issue | None:
    """Find the first member that JSON would change; runs only when it is known that there is one."""
    if len(path) > _DEEPEST_SEARCHED:
        return Issue((), f"it is nested more than {_DEEPEST_SEARCHED} levels deep", "too_deep")
    members: Iterable[tuple[object, object]]
    if isinstance(value, dict):
        members = cast("dict[object, object]", value).items()
    elif isinstance(value, list):
        members = enumerate(cast("list[object]", value))
    else:
        return _scalar_issue(value, path)
    for key, member in members:
        if isinstance(value, dict) and not isinstance(key, str):
            return Issue(path, f"key {key!r} is not a string", "key_type")
        if found := _first_issue(member, (*path, cast("str | int", key))):
            return found
    return None


def _scalar_issue(value: object, path: tuple[str | int, ...]) -> Issue | None:
    if value is None or isinstance(value, int):
        return None
    if isinstance(value, float):
        return None if isfinite(value) else Issue(path, f"{value} is not a JSON number", "not_finite")
    if isinstance(value, str):
        return None if _is_unicode(value) else Issue(path, "a lone surrogate in a text is not Unicode", "not_unicode")
    return Issue(path, f"a {type(value).__name__} is not a JSON value", "not_json")


def _is_unicode(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False
