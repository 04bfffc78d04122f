"""The development environment is pinned completely, by names and versions only."""

from __future__ import annotations

import re
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+")
OURS = "arvo-event-handler"


def needed() -> set[str]:
    """Every distribution that the project and its extras pull in here, directly or not."""
    found: set[str] = set()
    open_ends = [(OURS, frozenset({"dev"}))]
    while open_ends:
        name, extras = open_ends.pop()
        for line in requires(name) or ():
            requirement = Requirement(line)
            wanted = any(
                requirement.marker is None or requirement.marker.evaluate({"extra": extra}) for extra in extras or {""}
            )
            key = canonicalize_name(requirement.name)
            if wanted and (key not in found or key == OURS):
                found.add(key)
                open_ends.append((requirement.name, frozenset(requirement.extras)))
    return found - {OURS}


def pins() -> set[str]:
    return {canonicalize_name(line.split("==")[0]) for line in LINES}


@pytest.mark.parametrize("line", LINES)
def test_pin_is_a_name_and_a_version(line: str) -> None:
    assert PIN.fullmatch(line)


def test_everything_that_gets_installed_is_pinned() -> None:
    assert needed() - pins() == set()


def test_nothing_is_pinned_that_is_not_needed() -> None:
    assert pins() - needed() == set()


def test_installed_versions_are_the_pinned_ones() -> None:
    installed = {line: distribution(line.split("==")[0]).version for line in LINES}

    assert [line for line, version in installed.items() if line.split("==")[1] != version] == []
