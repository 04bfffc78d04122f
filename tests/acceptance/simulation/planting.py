"""Puts a bug into a copy of the package, and has the copy simulated in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import arvo

if TYPE_CHECKING:
    from tests.acceptance.simulation.mutations import Mutation

__all__ = ["UnplantableError", "planted", "simulated"]

ROOT = Path(__file__).parents[3]
PACKAGE = Path(arvo.__file__).parent


class UnplantableError(Exception):
    """The text to be replaced is not there any more, or not there once."""


def planted(mutation: Mutation, folder: Path) -> Path:
    """A folder that holds a copy of the package with the bug in it, to be put on the path."""
    shutil.copytree(PACKAGE, folder / "arvo", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "arvo" / mutation.file
    text = file.read_text(encoding="utf-8")
    found = text.count(mutation.before)
    if found != 1:
        raise UnplantableError(
            f"The bug {mutation.name!r} cannot be planted: {mutation.file} holds the text {mutation.before!r} {found} "
            "times, not once. The code has changed: bring tests/acceptance/simulation/mutations.py up to date, and "
            "look for the seed with python -m tests.acceptance.simulation.search."
        )
    file.write_text(text.replace(mutation.before, mutation.after), encoding="utf-8")
    return folder


def simulated(app: tuple[str, str], *options: str, package: Path = PACKAGE.parent) -> dict[str, Any]:
    """What `arvo simulate --json` says of an app, run by the package in a folder."""
    reference, workload = app
    command = [sys.executable, "-W", "ignore", "-m", "arvo", "simulate", reference, "--workload", workload]
    done = subprocess.run(
        [*command, *options, "--jobs", "1", "--no-shrink", "--json"],
        cwd=ROOT,
        # Whoever measures the tests measures the package itself; in copies of it that only costs time.
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("COV")},
            "PYTHONPATH": f"{package}{os.pathsep}{ROOT}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
