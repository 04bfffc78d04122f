"""Addresses are encoded and decoded as the ECMAScript specification words it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import InvalidEvent
from arvo.events import decode_uri, encode_uri, is_encoded_uri

ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
RESERVED = ";/?:@&=+$,"
UNESCAPED = ALPHANUMERIC + "-_.!~*'()"
HEX = "0123456789ABCDEFabcdef"

awkward = st.lists(
    st.sampled_from(
        ["%", "%2", "%2F", "%2f", "%41", "%C3", "%A9", "%E2%82%AC", "%F0%9F", "%98%80", "%ED%A0%80", "%C0%80"]
    )
    | st.sampled_from(["a", "#", "é", "€", "😀", "\ud83d", "\ude00", " ", "\x00", "[", "%F4%90%80%80"])
    | st.text(max_size=2),
    max_size=8,
).map("".join)


def _code_units(text: str) -> list[int]:
    raw = text.encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2], "little") for at in range(0, len(raw), 2)]


def _text(units: list[int]) -> str:
    return b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "surrogatepass")


def _encode_by_the_book(text: str) -> str | None:
    """Abstract operation Encode(string, reservedURISet + "#"), step by step; None where it throws."""
    units, result, k = _code_units(text), "", 0
    while k < len(units):
        unit = units[k]
        if chr(unit) in UNESCAPED + RESERVED + "#":
            result, k = result + chr(unit), k + 1
            continue
        if 0xDC00 <= unit <= 0xDFFF:
            return None
        if 0xD800 <= unit <= 0xDBFF:
            if k + 1 == len(units) or not 0xDC00 <= units[k + 1] <= 0xDFFF:
                return None
            unit, k = (unit - 0xD800) * 0x400 + (units[k + 1] - 0xDC00) + 0x10000, k + 1
        result, k = result + "".join(f"%{octet:02X}" for octet in chr(unit).encode()), k + 1
    return result


def _octet(units: list[int], k: int) -> int | None:
    digits = "".join(map(chr, units[k + 1 : k + 3]))
    if units[k : k + 1] != [0x25] or len(digits) != 2 or any(digit not in HEX for digit in digits):
        return None
    return int(digits, 16)


def _decode_by_the_book(text: str) -> str | None:
    """Abstract operation Decode(string, reservedURISet + "#"), step by step; None where it throws."""
    units, result, k = _code_units(text), list[int](), 0
    while k < len(units):
        if units[k] != 0x25:
            result, k = [*result, units[k]], k + 1
            continue
        first = _octet(units, k)
        if first is None:
            return None
        length = 1 if first < 0x80 else (8 - (~first & 0xFF).bit_length())
        octets = [_octet(units, k + 3 * at) for at in range(length)] if length in (1, 2, 3, 4) else [None]
        if (first >= 0x80 and length == 1) or any(octet is None for octet in octets):
            return None
        try:
            character = bytes(octet for octet in octets if octet is not None).decode()
        except UnicodeDecodeError:
            return None
        end = k + 3 * length
        result, k = [*result, *(units[k:end] if character in RESERVED + "#" else _code_units(character))], end
    return _text(result)


@given(awkward | st.text())
def test_encoding_follows_the_specification(text: str) -> None:
    expected = _encode_by_the_book(text)
    if expected is None:
        with pytest.raises(InvalidEvent, match="surrogate"):
            encode_uri(text)
    else:
        assert encode_uri(text) == expected


@given(awkward | st.text())
def test_decoding_follows_the_specification(text: str) -> None:
    expected = _decode_by_the_book(text)
    if expected is None:
        with pytest.raises(InvalidEvent, match="not a well-formed URI"):
            decode_uri(text)
    else:
        assert _code_units(decode_uri(text)) == _code_units(expected)


@given(awkward)
def test_an_address_is_encoded_when_decoding_and_encoding_give_it_back(text: str) -> None:
    decoded = _decode_by_the_book(text)
    assert is_encoded_uri(text) is (decoded is not None and _encode_by_the_book(decoded) == text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_decoding_undoes_encoding(text: str) -> None:
    assert decode_uri(encode_uri(text)) == text
    assert is_encoded_uri(encode_uri(text)) or any(f"%{ord(kept):02X}" in text for kept in RESERVED + "#")


def test_a_refusal_shows_a_long_address_shortened() -> None:
    with pytest.raises(InvalidEvent) as refusal:
        decode_uri("%" + "x" * 10_000)
    assert len(str(refusal.value)) < 300
    assert refusal.value.issues[0].code == "malformed_uri"
