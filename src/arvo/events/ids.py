"""Event ids: random, derived from the event they answer, or carrying a value of the author's (SEMANTICS 1).

Every id of an emitted event is derived, so that a redelivered event gives the very same outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha1
from typing import Any, Final, cast
from uuid import UUID

from arvo.errors import InvalidEvent, Issue
from arvo.events.origin import id_bytes
from arvo.events.packing import NotPackedError, pack, unpack

__all__ = ["ManagedId", "derive_event_id", "managed_event_id", "new_event_id", "parse_managed_event_id"]

# A version 5 UUID is a hash within a namespace; this one belongs to events emitted by Arvo handlers.
_NAMESPACE: Final = UUID("6f1d0c2e-7a55-5d0b-9c5e-0b8a6f3f2d41").bytes
# The variant is the top two bits of a digit of which the other two are free.
_VARIANT_DIGITS: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


@dataclass(frozen=True, slots=True)
class ManagedId:
    """What a managed id holds: a UUID that makes it unique, and the author's value."""

    uuid: str
    value: str


def new_event_id() -> str:
    """A fresh random id (UUID version 4)."""
    return _uuid_text(id_bytes().hex(), version="4")


def derive_event_id(consumed_source: str, consumed_id: str, source: str, position: int, domain: str | None) -> str:
    """The id of the `position`-th event that `source` emits on consuming an event, for `domain` (UUID version 5).

    The same five values give the same id in every process, which is what lets receivers drop duplicates. The consumed
    event is known by source and id together, as in CloudEvents 1.0: two clients may both call theirs "1".
    """
    # NUL ends each part, and cannot be in an address, so that no two different fives read alike.
    name = f"{source}\0{position}\0{'' if domain is None else domain}\0{consumed_source}\0{consumed_id}"
    digest = sha1(_NAMESPACE + name.encode("utf-8", "surrogatepass"), usedforsecurity=False)
    return _uuid_text(digest.hexdigest(), version="5")


def managed_event_id(value: str) -> str:
    """A unique id that carries `value`, which `parse_managed_event_id` gives back. Surrounding blanks are dropped."""
    value = value.strip()
    if not value:
        message = "A managed id needs a value that is not blank. Leave the id out to get a random one."
        raise InvalidEvent(message, issues=[Issue(("id",), message, "empty")])
    try:
        return pack({"uuid": new_event_id(), "value": value})
    except NotPackedError as error:
        message = f"The value of a managed id is too long: {error}."
        raise InvalidEvent(message, issues=[Issue(("id",), message, "too_large")]) from error


def parse_managed_event_id(event_id: str) -> ManagedId | None:
    """What the managed id `event_id` holds, or None when it is an id of another kind."""
    try:
        content = unpack(event_id)
    except NotPackedError:
        return None
    if not isinstance(content, dict):
        return None
    members = cast("dict[str, Any]", content)
    uuid, value = members.get("uuid"), members.get("value")
    return ManagedId(uuid, value) if isinstance(uuid, str) and isinstance(value, str) else None


def _uuid_text(digits: str, *, version: str) -> str:
    """The first 32 digits as a UUID; twice as fast as `uuid.UUID`'s arithmetic, and every emitted event has one."""
    variant = _VARIANT_DIGITS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
