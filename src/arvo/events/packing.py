"""base64(zlib(JSON)): the packing that subjects and managed ids share, unpacked within bounds.

Reads what Node's `Buffer.from(text, "base64")` and pako's `inflate` read: URL-safe and unpadded base64 with foreign
characters in it, zlib or gzip, several members, a byte order mark, broken UTF-8. Only the size is not negotiable.
"""

from __future__ import annotations

import binascii
import re
import zlib
from typing import Any, Final

from arvo.events.bounds import MAX_INFLATED_BYTES
from arvo.events.json_text import MalformedJsonError, check_depth, parse_json, write_json

__all__ = ["NotPackedError", "pack", "pack_json", "read_packed", "unpack", "unpack_json"]

# Stored, not compressed, the largest content takes a little more than its own size, and base64 adds a third.
_MAX_PACKED_CHARACTERS: Final = 2 * MAX_INFLATED_BYTES
# One is what everybody writes. Each costs a fresh inflater, so a stranger must not choose their number.
_MAX_MEMBERS: Final = 8
# Up to here a window of 4 KiB and a block of 2048 symbols hold all of it, so that the compressed bytes are the same.
_SHORT_BYTES: Final = 1024
_ZLIB_HEADER: Final = b"\x78\x9c"
_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32
_foreign_characters = re.compile(rb"[^A-Za-z0-9+/]+")
_url_safe_to_standard = bytes.maketrans(b"-_", b"+/")


class NotPackedError(ValueError):
    """The text is not packed JSON, or unpacks to more than the bounds allow."""


def pack(content: Any) -> str:
    """`content`, plain JSON values, as base64(zlib(JSON)). Raises NotPackedError when it is too large to be read."""
    return pack_json(write_json(content))


def pack_json(raw: bytes) -> str:
    """Like `pack`, for what is written as JSON already."""
    if len(raw) > MAX_INFLATED_BYTES:
        raise NotPackedError(f"its {len(raw)} bytes are more than {MAX_INFLATED_BYTES}")
    return binascii.b2a_base64(_deflate(raw), newline=False).decode("ascii")


def unpack(text: str) -> Any:
    """The JSON value packed in `text`. Raises NotPackedError, whatever `text` holds; never inflates past the bound."""
    return read_packed(unpack_json(text))


def unpack_json(text: str) -> bytes:
    """What is packed in `text`, which may be JSON; bounded like `unpack`, and always UTF-8."""
    if len(text) > _MAX_PACKED_CHARACTERS:
        raise NotPackedError(f"it is {len(text)} characters long, more than {_MAX_PACKED_CHARACTERS}")
    try:
        raw = _inflate(_decode_base64(text))
    except (binascii.Error, zlib.error) as error:
        raise NotPackedError(str(error)) from error
    if raw.isascii():
        return raw
    # The replacement character, and a byte order mark dropped, as TextDecoder has it.
    return raw.decode("utf-8-sig", "replace").encode("utf-8")


def read_packed(raw: bytes) -> Any:
    """The JSON value in what `unpack_json` gave. Raises NotPackedError when it is none."""
    try:
        value = parse_json(raw)
        check_depth(raw)
    except MalformedJsonError as error:
        raise NotPackedError(str(error)) from error
    return value


def _deflate(raw: bytes) -> bytes:
    """The bytes of `zlib.compress(raw)`, for which a short text does not pay with tables made for long ones."""
    if len(raw) > _SHORT_BYTES:
        return zlib.compress(raw)
    deflater = zlib.compressobj(wbits=-12, memLevel=5)
    checksum = zlib.adler32(raw).to_bytes(4, "big")
    return b"".join((_ZLIB_HEADER, deflater.compress(raw), deflater.flush(), checksum))


def _decode_base64(text: str) -> bytes:
    raw = text.encode("ascii", "replace")
    try:
        return binascii.a2b_base64(raw, strict_mode=True)
    except binascii.Error:
        # Padding ends the text, whatever follows.
        kept = _foreign_characters.sub(b"", raw.partition(b"=")[0].translate(_url_safe_to_standard))
        if len(kept) % 4 == 1:
            kept = kept[:-1]
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def _inflate(packed: bytes) -> bytes:
    members: list[bytes] = []
    room = MAX_INFLATED_BYTES
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(_ZLIB_OR_GZIP)
        members.append(member.decompress(packed, room + 1))
        room -= len(members[-1])
        if room < 0:
            raise NotPackedError(f"it inflates to more than {MAX_INFLATED_BYTES} bytes")
        if not member.eof:
            raise NotPackedError("its compressed content is cut off")
        packed = member.unused_data.lstrip(b"\0")
        if not packed:
            return b"".join(members)
    raise NotPackedError(f"it has more than {_MAX_MEMBERS} compressed members")
