"""`docs/differences.md` has a line for every deviation that the replay of the recorded vectors declares."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tests.vectors
from tests.unit.docs.pages import ROOT

if TYPE_CHECKING:
    from tests.support.vectors import Deviation

ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
PAGE = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
NUMBERS = [int(row[0]) for row in ROW.findall(PAGE)]
DECLARED = sorted(Path(tests.vectors.__file__ or "").parent.glob("deviations_*.py"))


def deviations(path: Path) -> list[Deviation]:
    found: list[Deviation] = import_module(f"tests.vectors.{path.stem}").DEVIATIONS
    return found


@pytest.mark.parametrize("path", DECLARED, ids=lambda path: path.stem)
def test_every_deviation_has_its_line(path: Path) -> None:
    assert deviations(path)
    assert {each.quirk for each in deviations(path)} - set(NUMBERS) == set()


def test_there_are_deviations_to_look_for() -> None:
    assert len(DECLARED) >= 8


def test_each_number_has_one_line_in_order() -> None:
    assert sorted(set(NUMBERS)) == NUMBERS
