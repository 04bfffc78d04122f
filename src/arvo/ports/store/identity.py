"""How lanes and deliveries are told apart: fixed-size digests, since subjects and event ids may have any length.

The digests are part of what is stored: changing one needs a migration of every store.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

__all__ = ["delivery_key", "lane_id", "name_key"]


_LONGEST_REMEMBERED = 2048
"""Subjects of workflows are shorter; what strangers send may be a thousand times as long."""


def lane_id(handler: str, subject: str) -> UUID:
    """Return what names the lane of `subject` at `handler` in every store."""
    if len(subject) > _LONGEST_REMEMBERED:
        return _lane_id.__wrapped__(handler, subject)
    return _lane_id(handler, subject)


@lru_cache(maxsize=4096)
def _lane_id(handler: str, subject: str) -> UUID:
    return UUID(bytes=blake2b(f"{handler}\0{subject}".encode(), digest_size=16).digest())


def delivery_key(lane: UUID, event_id: str) -> UUID:
    """Return what the store remembers of a delivery: the same event to the same lane has the same key."""
    return UUID(bytes=blake2b(lane.bytes + event_id.encode(), digest_size=16).digest())


def name_key(name: str) -> UUID:
    """Return a key of fixed size for a text that is looked up by equality: an event id, a parent subject."""
    return UUID(bytes=blake2b(name.encode(), digest_size=16).digest())
