"""Planted bugs are found, the package as it is is not blamed, and a seed is the same run wherever it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.simulation.mutations import MUTATIONS, ORDERS, WATCHING, Mutation
from tests.acceptance.simulation.planting import PACKAGE, ROOT, UnplantableError, planted, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOUND = [mutation for mutation in MUTATIONS if mutation.seed is not None]
LOGS = """
import sys
from arvo.cli.simulate_command import Order, system_of
from arvo.testing.simulation import FaultKind, try_out
reference, workload = sys.argv[1:]
order = Order(reference=reference, workload=workload, faults=tuple(FaultKind), workers=3, inputs=4)
for seed in range(25):
    print(*try_out(system_of(order), system_of(order).scenario(seed)).log.lines(), sep="\\n")
"""


def test_nearly_every_planted_bug_is_found_by_one_of_the_first_seeds() -> None:
    assert len(MUTATIONS) >= 20
    assert len(MUTATIONS) - len(FOUND) <= 1
    assert all(mutation.seed < 2000 for mutation in FOUND if mutation.seed is not None)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutation", FOUND, ids=lambda mutation: mutation.name)
def test_a_planted_bug_is_found(mutation: Mutation, tmp_path: Path) -> None:
    package = planted(mutation, tmp_path)
    result = simulated(mutation.app, "--seed", str(mutation.seed), package=package)
    if result["good"]:
        # Any change of the worker makes other runs of the seeds, so the first one that finds it may be another now.
        result = simulated(mutation.app, "--seeds", "2000", package=package)
    assert not result["good"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("app", [ORDERS, WATCHING], ids=["orders", "watching"])
def test_without_a_bug_the_same_seeds_find_nothing(app: tuple[str, str]) -> None:
    seeds = [mutation.seed for mutation in FOUND if mutation.seed is not None]
    result = simulated(app, "--seeds", str(max(60, *(seed + 1 for seed in seeds if seed < 300))))
    assert result["good"], result


def test_a_bug_that_can_no_longer_be_planted_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnplantableError, match="The code has changed"):
        planted(Mutation("gone", "runtime/app.py", "text that is not there", ""), tmp_path)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("app", [ORDERS, WATCHING], ids=["orders", "watching"])
def test_a_seed_is_the_same_run_in_every_process_and_version_of_python(app: tuple[str, str]) -> None:
    here = _logs(sys.executable, app, hash_seed="1")
    assert len(here) > 1000
    assert here == _logs(sys.executable, app, hash_seed="2")
    for python in _other_pythons():
        assert here == _logs(python, app, hash_seed="3"), python


def _logs(python: str, app: tuple[str, str], *, hash_seed: str) -> list[str]:
    path = os.pathsep.join([str(PACKAGE.parent), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", LOGS, *app],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def _other_pythons() -> Iterator[str]:
    """Other versions that have what the package needs: on the path, or named in ARVO_PYTHONS."""
    named = os.environ.get("ARVO_PYTHONS", "").split(os.pathsep)
    for python in (*filter(None, named), *map(shutil.which, ("python3.11", "python3.12", "python3.13"))):
        usable = "import click, cronsim, msgspec, opentelemetry, pydantic"
        if python and subprocess.run([python, "-c", usable], capture_output=True, check=False).returncode == 0:
            yield python
