"""Runs both checkers over the `cases_*.py` beside it: right uses must pass, and every wrong use must be reported."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CASES = sorted(HERE.glob("cases_*.py"))
WRONG_USE = re.compile(r"# type: ignore\[.+\]  # pyright: ignore\[.+\]")


def run(*command: str) -> str:
    """What a checker has to say; nothing if it is content."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_mypy_agrees_with_every_case() -> None:
    assert run("mypy", "--strict", *map(str, CASES)) == ""


def test_pyright_agrees_with_every_case() -> None:
    assert run("pyright", "--project", str(HERE / "pyrightconfig.json")) == ""


def test_enough_wrong_uses_are_reported() -> None:
    wrong_uses = [line for case in CASES for line in case.read_text().splitlines() if WRONG_USE.search(line)]
    assert len(wrong_uses) >= 30


@pytest.mark.parametrize("checker", [("mypy", "--strict"), ("pyright",)], ids=lambda checker: checker[0])
def test_an_error_nobody_made_would_be_noticed(checker: tuple[str, ...], tmp_path: Path) -> None:
    mistaken = tmp_path / "cases_mistaken.py"
    mistaken.write_text("number: int = 1  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]\n")
    (tmp_path / "pyrightconfig.json").write_text((HERE / "pyrightconfig.json").read_text())
    target = ["--project", str(tmp_path)] if checker[0] == "pyright" else [str(mistaken)]
    assert "ignore" in run(*checker, *target)
