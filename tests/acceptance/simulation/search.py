"""Looks for the first seed that finds each planted bug: python -m tests.acceptance.simulation.search [WORD]

Prints a line for each, and fails when fewer are found than the simulation promises.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.acceptance.simulation.mutations import MUTATIONS
from tests.acceptance.simulation.planting import planted, simulated

MOST_SEEDS = 2000
MOST_MISSED = 1


def main(word: str = "") -> int:
    """Search; the result is the exit code."""
    missed = 0
    for mutation in MUTATIONS:
        if word not in mutation.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            package = planted(mutation, Path(folder))
            result = simulated(mutation.app, "--seeds", str(MOST_SEEDS), package=package)
        missed += result["good"]
        found = "not found" if result["good"] else f"seed {result['seed']}: {result['violations'][0]['rule']}"
        sys.stdout.write(f"{mutation.name}: {found}\n")
        sys.stdout.flush()
    return 0 if missed <= MOST_MISSED else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
