"""The changelog keeps the form that tools and readers expect, and knows the version that is being built."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASE = re.compile(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}")
SECTIONS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def headings(level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", CHANGELOG, flags=re.MULTILINE)


def test_unreleased_changes_come_first_and_releases_follow_newest_first() -> None:
    first, *releases = headings(2)

    assert first == "[Unreleased]"
    found = [RELEASE.fullmatch(release) for release in releases]
    assert None not in found
    versions = [tuple(int(part) for part in match[1].split(".")) for match in found if match]
    assert versions == sorted(versions, reverse=True)


def test_changes_stand_under_the_known_sections() -> None:
    assert set(headings(3)) <= SECTIONS


def test_no_released_version_is_newer_than_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    released = [match[1] for match in map(RELEASE.fullmatch, headings(2)) if match]

    assert all(tuple(map(int, version.split("."))) <= tuple(map(int, project.split("."))) for version in released), (
        f"the project says {project}, the changelog {released}"
    )
