"""ECMAScript's `encodeURI` and `decodeURI`, to the letter: the wire rule for every address in an event.

Nothing here knows about events. `rules.py` says which attributes must be encoded, `creation.py` encodes them.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from arvo.errors import InvalidEvent, Issue

__all__ = ["decode_uri", "encode_uri", "is_encoded_uri", "is_plain"]

_RESERVED: Final = ";/?:@&=+$,#"
_KEPT_WHEN_ENCODING: Final = _RESERVED + "-_.!~*'()"
# Text in which every character stands for itself in a URI, if there is any: it is encoded as it is.
is_plain = re.compile(r"[A-Za-z0-9;/?:@&=+$,#\-_.!~*'()]+").fullmatch
_escape_runs = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def encode_uri(text: str) -> str:
    """`text` with everything escaped that may not stand in a URI; `%` is escaped too, so encode once only.

    Raises InvalidEvent when `text` holds a lone surrogate, as JavaScript raises a URIError.

    >>> encode_uri("my source/é")
    'my%20source/%C3%A9'
    """
    if is_plain(text):
        return text
    try:
        return quote(_with_paired_surrogates(text), safe=_KEPT_WHEN_ENCODING, encoding="utf-8", errors="strict")
    except UnicodeEncodeError as error:
        raise _malformed(text, "it holds a lone surrogate, which no URI can carry") from error


def decode_uri(text: str) -> str:
    """`text` with its escapes resolved, except those of reserved characters (`%2F` stays `%2F`).

    Raises InvalidEvent for a `%` that starts no escape and for escapes that are not UTF-8: where JavaScript raises a
    URIError.
    """
    if "%" not in text:
        return text
    if "%" in _escape_runs.sub("", text):
        raise _malformed(text, "a '%' is not followed by two hexadecimal digits")
    try:
        return _escape_runs.sub(lambda run: _decode_run(run[0]), text)
    except UnicodeDecodeError as error:
        raise _malformed(text, "its escapes are not valid UTF-8") from error


def is_encoded_uri(text: str) -> bool:
    """Whether `text` is what `encode_uri` makes of its own decoding: the wire rule for addresses."""
    if is_plain(text):
        return True
    try:
        return encode_uri(decode_uri(text)) == text
    except InvalidEvent:
        return False


def _decode_run(run: str) -> str:
    decoded = bytes.fromhex(run.replace("%", "")).decode("utf-8")
    if not any(character in _RESERVED for character in decoded):
        return decoded
    # A reserved character is one byte, so its escape can be copied from where it stood, in the case it stood in.
    parts: list[str] = []
    position = 0
    for character in decoded:
        end = position + 3 * len(character.encode("utf-8"))
        parts.append(run[position:end] if character in _RESERVED else character)
        position = end
    return "".join(parts)


def _with_paired_surrogates(text: str) -> str:
    """JavaScript strings are UTF-16: two surrogates that make a pair are one character there."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _malformed(text: str, why: str) -> InvalidEvent:
    message = f"{text[:80]!a} is not a well-formed URI: {why}."
    return InvalidEvent(message, issues=[Issue((), message, "malformed_uri")])
