"""How much of a stranger's input is looked at before it is refused."""

from __future__ import annotations

from typing import Final

MAX_EVENT_BYTES: Final = 1024 * 1024
"""Size of an event's JSON document; `Event.from_json(..., max_bytes=)` sets another."""

MAX_DEPTH: Final = 100
"""Nesting of arrays and objects in an event's data and in a subject."""

MAX_EXTENSIONS: Final = 64
MAX_EXTENSION_CHARACTERS: Final = 8 * 1024

MAX_INFLATED_BYTES: Final = 64 * 1024
"""What a subject or a managed id may inflate to."""
