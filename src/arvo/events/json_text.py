"""JSON text in and out: what is read is bounded and checked, what is written is what `JSON.stringify` writes.

Reads raise `MalformedJsonError`, for callers in this package to turn into their own error; writes take checked values.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final, NoReturn

import msgspec
from msgspec import Raw

from arvo.events.bounds import MAX_DEPTH

__all__ = ["MalformedJsonError", "check_depth", "js_number", "parse_json", "with_js_numbers", "write_json"]

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_string_literals = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_as_square_brackets = bytes.maketrans(b"{}", b"[]")
_all_but_brackets: Final = bytes(code for code in range(256) if code not in b"[]{}")


class MalformedJsonError(ValueError):
    """The text is not JSON, or asks for more than the bounds allow."""


def parse_json(raw: bytes) -> Any:
    """The value that `raw` spells; of duplicate keys the last one. Raises MalformedJsonError, whatever `raw` holds."""
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # JavaScript writes lone surrogates as escapes, which is JSON; only the standard library reads them.
        if b"\\u" not in raw or isinstance(error, RecursionError):
            raise MalformedJsonError(str(error)) from error
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise MalformedJsonError(str(error)) from error


def write_json(value: Any, *, has_floats: bool = True) -> bytes:
    """`value`, made of finite plain JSON values, as `JSON.stringify` writes it (integers exactly, however big)."""
    try:
        raw = _encoder.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=list)
        return text.encode("utf-8", "backslashreplace")
    return with_js_numbers(raw) if has_floats else raw


def with_js_numbers(raw: bytes) -> bytes:
    """The same compact JSON with every float spelled as JavaScript spells it: `1` for `1.0`, `1e+21` for `1e21`."""
    return _encoder.encode(_js_number_decoder.decode(raw))


def js_number(value: float) -> str:
    """A finite float as ECMAScript's Number::toString spells it."""
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    spelled = "".join(map(str, digits))
    point = len(spelled) + int(exponent)
    if len(spelled) <= point <= 21:
        spelled = spelled.ljust(point, "0")
    elif 0 < point <= 21:
        spelled = f"{spelled[:point]}.{spelled[point:]}"
    elif -6 < point <= 0:
        spelled = f"0.{'0' * -point}{spelled}"
    else:
        fraction = f".{spelled[1:]}" if len(spelled) > 1 else ""
        spelled = f"{spelled[0]}{fraction}e{point - 1:+d}"
    return f"-{spelled}" if sign else spelled


def check_depth(raw: bytes, levels: int = MAX_DEPTH) -> None:
    """Raises MalformedJsonError when arrays and objects nest deeper than `levels`; `raw` must be JSON otherwise."""
    if raw.count(b"[") + raw.count(b"{") <= levels:
        return
    # Outside of strings, brackets are all that counts; each round takes the innermost level away.
    bare = raw.split(b'"')[::2] if b"\\" not in raw else [_string_literals.sub(b"", raw)]
    brackets = b"".join(bare).translate(_as_square_brackets, _all_but_brackets)
    for _ in range(levels):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise MalformedJsonError(f"arrays and objects nest deeper than {levels} levels")


def _read_js_number(text: str) -> Raw:
    return Raw(js_number(float(text)).encode())


_js_number_decoder = msgspec.json.Decoder(float_hook=_read_js_number)


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedJsonError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise MalformedJsonError(f"{text} is out of range")
    return value
