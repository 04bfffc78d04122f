"""The SCXML tests of the npm package `@scion-scxml/test-framework`, and the catalogue of what becomes of each.

The package installs with the others of `tests/interop/node`. Its entry in the lock file names none of its dependencies,
which belong to a test client for a server: only its documents are wanted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import parse

from tests.interop.node_packages import node_modules

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PASSES = "passes"
CATALOGUE: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "catalogue.json").read_text("utf-8"))
"""`reasons` says why tests may be left out, and `tests` gives for each test one of them, or that it passes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The states that a test wants active, after so many milliseconds and an event; at first after neither."""

    configuration: set[str]
    wait: float = 0
    event: dict[str, Any] | None = None


@dataclass(frozen=True)
class Fixture:
    """One test: a document, and mostly what is expected of it."""

    name: str

    @cached_property
    def document(self) -> Element:
        """The root element of the SCXML document."""
        return parse(self._path(".scxml")).getroot()  # noqa: S314 - of a package pinned by its hash

    @property
    def has_expectations(self) -> bool:
        """Whether the package says what should become of the document."""
        return self._path(".json").exists()

    @cached_property
    def expectations(self) -> list[Expected]:
        """What is expected, step by step."""
        told = json.loads(self._path(".json").read_text("utf-8"))
        later = [
            Expected(set(step["nextConfiguration"]), step.get("after", 0), {"type": step["event"]["name"]})
            for step in told["events"]
        ]
        return [Expected(set(told["initialConfiguration"])), *later]

    def _path(self, suffix: str) -> Path:
        plain = tests_folder() / (self.name + suffix)
        return plain if plain.exists() else plain.with_name(f"{plain.stem}.txml{suffix}")


def tests_folder() -> Path:
    """Where the package keeps its tests, in folders by theme."""
    return node_modules() / "@scion-scxml" / "test-framework" / "test"


def names_in_package() -> set[str]:
    """The name of every test in the package."""
    paths = (path.relative_to(tests_folder()).as_posix() for path in tests_folder().rglob("*.scxml"))
    return {path.removesuffix(".scxml").removesuffix(".txml") for path in paths}
