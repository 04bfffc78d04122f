"""JSON text in and out: what is read is bounded and checked, what is written is what `JSON.stringify` writes.

Reads raise `MalformedJsonError` and writes `UnwritableJsonError`, for callers in this package to turn into their own.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

import msgspec
from msgspec import Raw

from arvo.events.bounds import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "JsonPath",
    "MalformedJsonError",
    "UnwritableJsonError",
    "check_depth",
    "format_json",
    "js_number",
    "parse_json",
    "refuse_non_finite",
    "with_js_numbers",
    "write_json",
    "write_texts",
]

JsonPath: TypeAlias = tuple[str | int, ...]

_string_literals = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_as_square_brackets = bytes.maketrans(b"{}", b"[]")
_all_but_brackets: Final = bytes(code for code in range(256) if code not in b"[]{}")


class MalformedJsonError(ValueError):
    """The text is not JSON, or asks for more than the bounds allow."""


class UnwritableJsonError(ValueError):
    """The value cannot be written as JSON; `path` leads to the trouble where that is known."""

    def __init__(self, message: str, path: JsonPath = ()) -> None:
        super().__init__(message)
        self.path = path


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


def write_json(value: object) -> bytes:
    """`value` as `JSON.stringify` writes it, but with integers exactly as they are; dates and decimals are strings.

    Raises UnwritableJsonError for what has no JSON form: infinite numbers, other objects, nesting that is too deep.
    """
    try:
        raw = _encoder.encode(value)
        # A number that is not finite was written as null, without a word. That there is one is found out at less cost
        # than where.
        if b"null" in raw:
            plain = msgspec.to_builtins(value, enc_hook=_encode_other)
            if _decoder.decode(raw) != plain:
                refuse_non_finite(plain)
        raw = with_js_numbers(raw)
        check_depth(raw)
    except UnicodeEncodeError:
        return _write_with_lone_surrogates(value)
    except RecursionError as error:
        raise UnwritableJsonError("it nests too deeply, or holds itself") from error
    except (TypeError, MalformedJsonError) as error:
        raise UnwritableJsonError(str(error)) from error
    except ValueError as error:
        if isinstance(error, UnwritableJsonError):
            raise
        raise UnwritableJsonError(str(error)) from error
    return raw


def write_texts(value: object) -> bytes:
    """What `write_json` makes of a few objects in which there is nothing but texts and nulls."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _write_with_lone_surrogates(value)


def refuse_non_finite(value: object) -> None:
    """Raises UnwritableJsonError when there is a float in these nested containers that JSON has no spelling for."""
    for path, number in _floats(value, ()):
        if not math.isfinite(number):
            raise UnwritableJsonError(f"{number} is not a JSON number", path)


def with_js_numbers(raw: bytes) -> bytes:
    """The same compact JSON with every float spelled as JavaScript spells it: `1` for `1.0`, `1e+21` for `1e21`."""
    return _encoder.encode(_js_number_decoder.decode(raw))


def format_json(raw: bytes, indent: int) -> bytes:
    """The same JSON laid out with this indent, or without any blanks when it is negative."""
    try:
        return msgspec.json.format(raw, indent=indent)
    except msgspec.DecodeError:
        # Lone surrogates again, which only the standard library takes.
        separators = (",", ":") if indent < 0 else None
        text = json.dumps(json.loads(raw), ensure_ascii=False, indent=max(indent, 0) or None, separators=separators)
        return text.encode("utf-8", "backslashreplace")


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


def _encode_other(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form; convert it first")


def _read_js_number(text: str) -> Raw:
    return Raw(js_number(float(text)).encode())


_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder(enc_hook=_encode_other)
_js_number_decoder = msgspec.json.Decoder(float_hook=_read_js_number)


def _floats(value: object, path: JsonPath) -> Iterator[tuple[JsonPath, float]]:
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            yield from _floats(item, (*path, str(key)))
    elif isinstance(value, list | tuple | set | frozenset):
        for index, item in enumerate(cast("list[object]", value)):
            yield from _floats(item, (*path, index))


def _write_with_lone_surrogates(value: object) -> bytes:
    """The standard library's writer, which leaves surrogates to be escaped here; it spells floats as Python does."""
    try:
        plain = msgspec.to_builtins(value, enc_hook=_encode_other)
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise UnwritableJsonError(str(error)) from error
    return text.encode("utf-8", "backslashreplace")


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedJsonError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedJsonError(f"{text} is out of range")
    return value
