"""Semantic versions and the dataschema `{contract uri}/{version}` that carries one.

Contracts compare and look up versions through these; nothing here knows what a contract is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from arvo.errors import DefinitionError

__all__ = ["WILDCARD_VERSION", "DataSchema", "SemanticVersion"]

WILDCARD_VERSION: Final = "0.0.0"
"""Reserved: the version under which system errors are published."""

# Far above any real version, and below the length at which Python refuses to read an integer.
_MAX_DIGITS: Final = 400
_semantic_version = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)").fullmatch


@dataclass(frozen=True, slots=True, order=True)
class SemanticVersion:
    """A version `major.minor.patch`; compares in semantic order.

    >>> SemanticVersion.parse("1.10.0") > SemanticVersion.parse("1.9.2")
    True
    """

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> SemanticVersion:
        """The version that `text` spells; raises DefinitionError when it is not exactly three numbers."""
        found = _semantic_version(text)
        if found is None or len(text) > _MAX_DIGITS:
            raise DefinitionError(
                f"{text[:80]!r} is not a semantic version: it must be three numbers, like '1.0.0', and nothing else."
            )
        return cls(int(found[1]), int(found[2]), int(found[3]))

    @staticmethod
    def is_valid(text: str) -> bool:
        """Whether `text` spells a semantic version; as in the TypeScript packages, with leading zeros if it likes."""
        return len(text) <= _MAX_DIGITS and _semantic_version(text) is not None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True, slots=True)
class DataSchema:
    """A dataschema taken apart: which contract, which version. `str()` builds it again."""

    uri: str
    version: str

    @classmethod
    def parse(cls, text: str | None) -> DataSchema | None:
        """The parts of `text`, or None when it does not end in `/{version}`; an empty uri is possible.

        >>> DataSchema.parse("#/orders/1.0.0")
        DataSchema(uri='#/orders', version='1.0.0')
        """
        if text is None:
            return None
        uri, _, version = text.rpartition("/")
        return cls(uri, version) if SemanticVersion.is_valid(version) else None

    @property
    def is_wildcard(self) -> bool:
        """Whether this is the schema of a system error."""
        return self.version == WILDCARD_VERSION

    def __str__(self) -> str:
        return f"{self.uri}/{self.version}"
