"""`make test` fails when too few lines are covered, however many branches are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / ".ci" / "line_coverage.py"


def judge(folder: Path, lines: int, branches: int) -> subprocess.CompletedProcess[str]:
    totals = {"covered_lines": lines, "num_statements": 1000, "covered_branches": branches, "num_branches": 100}
    report = folder / "coverage.json"
    report.write_text(json.dumps({"totals": totals}), encoding="utf-8")
    return subprocess.run([sys.executable, SCRIPT, report], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("lines", "branches", "exit_code"), [(950, 10, 0), (1000, 100, 0), (949, 100, 1)])
def test_lines_alone_decide(tmp_path: Path, lines: int, branches: int, exit_code: int) -> None:
    assert judge(tmp_path, lines, branches).returncode == exit_code


def test_lines_and_branches_are_both_reported(tmp_path: Path) -> None:
    assert judge(tmp_path, 949, 72).stdout == "Lines 94.9 % (too low: the floor is 95 %), branches 72.0 %\n"
