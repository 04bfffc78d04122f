"""How addresses become subjects and names of consumers: one to one, and readable where the address is.

Part of what is stored on the server: changing it needs a migration of every system.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from arvo.errors import DefinitionError

__all__ = ["Names"]

_LONGEST: Final = 180
"""Longer names are shortened: the server makes folders of the names of consumers."""

_system_name = re.compile(r"[A-Za-z0-9_-]{1,32}").fullmatch
_unsafe = re.compile(r"[^A-Za-z0-9_.-]|(?<=\.)\.|^\.|\.$")


@dataclass(frozen=True, slots=True)
class Names:
    """The names on the server that belong to one system of apps."""

    system: str

    def __post_init__(self) -> None:
        if _system_name(self.system) is None:
            raise DefinitionError(
                f"system={self.system!r:.60} cannot name streams. Use 1 to 32 letters, digits, '-' and '_'."
            )

    @property
    def stream(self) -> str:
        """The stream that holds what waits."""
        return self.system

    @property
    def dead_stream(self) -> str:
        """The stream that holds dead letters."""
        return f"{self.system}-dead"

    def subject(self, address: str) -> str:
        """The subject of what is published to an address."""
        return f"{self.system}.event.{_token(address)}"

    def dead_subject(self, address: str) -> str:
        """The subject of what was given up at an address."""
        return f"{self.system}.dead.{_token(address)}"

    def consumer(self, address: str) -> str:
        """The name of the consumer that all processes share which consume an address; dots are not allowed there."""
        return _token(address).replace("_", "=5F").replace(".", "_")

    @property
    def subjects(self) -> str:
        """The subjects of the stream."""
        return f"{self.system}.event.>"

    @property
    def dead_subjects(self) -> str:
        """The subjects of dead letters."""
        return f"{self.system}.dead.>"


def _token(address: str) -> str:
    """The address with everything escaped that means something in a subject; `=` begins an escape."""
    escaped = _unsafe.sub(_escape, address)
    if len(escaped) <= _LONGEST:
        return escaped
    digest = blake2b(address.encode(), digest_size=16).hexdigest()
    return f"{escaped[: _LONGEST - 40].rstrip('.=')}.=={digest}"


def _escape(found: re.Match[str]) -> str:
    return "".join(f"={byte:02X}" for byte in found[0].encode())
