"""The public API changes only when its author means it to."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.unit.project.exports import exported_names, exports, public_modules

SNAPSHOT = Path(__file__).with_name("exports.txt")
EXTRAS = ("cloudevents", "opentelemetry.sdk", "uvloop")
WITHOUT_EXTRAS = f"""
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {EXTRAS!r}:
            raise ModuleNotFoundError("not installed: " + name, name=name)

sys.meta_path.insert(0, Absent())
import arvo, arvo.ports, arvo.testing, arvo.cli
"""


def test_the_public_names_are_those_of_the_snapshot() -> None:
    expected = SNAPSHOT.read_text(encoding="utf-8").splitlines()

    assert exports() == expected, (
        "The public names changed. If you mean it, say so in CHANGELOG.md and run: "
        "python -m tests.unit.project.exports > tests/unit/project/exports.txt"
    )


@pytest.mark.parametrize("module", public_modules())
def test_every_exported_name_is_there_once(module: str) -> None:
    names = exported_names(module)

    assert [name for name in names if not hasattr(import_module(module), name)] == []
    assert len(names) == len(set(names))


def test_importing_the_package_needs_no_extra() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
