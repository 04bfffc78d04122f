"""Files stay small, and are named after what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LONGEST = 400
FOLDERS = ("src", "tests", "examples", "benchmarks")
SAYS_NOTHING = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}
FILES = [path.relative_to(ROOT) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_file_is_short_and_named_after_what_it_holds(path: Path) -> None:
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())

    assert lines <= LONGEST, f"{path} has {lines} lines. What does it hide?"
    assert not SAYS_NOTHING & {part.removesuffix(".py") for part in path.parts}
