"""Runs the paired rounds with and without an OpenTelemetry SDK, prints the tables and keeps the figures."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.paired import Effort, Measured, measure
from benchmarks.protocol import Worker
from tests.interop.node_packages import find_node, node_modules

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "latest.json"
WHAT = {
    "factory": "contract and fields -> event, with a new subject",
    "factory_in_subject": "contract and fields -> event, in a given subject",
    "handle": "event -> handler -> event",
    "parse": "JSON -> event (our data stays JSON until read)",
    "parse_and_read": "JSON -> event, data read",
    "serialise": "event -> JSON",
    "hop": "JSON -> event -> handler -> event -> JSON",
}


def our_worker(*, sdk: bool) -> Worker:
    command = [sys.executable, "-m", "benchmarks.ours", *(["--sdk"] if sdk else [])]
    return Worker(command, {**os.environ, "PYTHONPATH": str(HERE.parent)})


def their_worker(*, sdk: bool) -> Worker:
    node = find_node()
    environment = node.environment(NODE_PATH=str(node_modules()), WITH_SDK="1" if sdk else "0")
    return Worker([node.executable, str(HERE / "theirs.cjs")], environment)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All cases, measured in one pair of processes."""

    with_sdk: bool
    ours: str
    theirs: str
    rows: list[Measured]


def compare(cases: Sequence[str], effort: Effort, *, sdk: bool) -> Comparison:
    with our_worker(sdk=sdk) as ours, their_worker(sdk=sdk) as theirs:
        done = Comparison(sdk, str(ours), str(theirs), [])
        print(f"\n{done.ours} against {done.theirs}, {'with an' if sdk else 'no'} OpenTelemetry SDK")
        print("Microseconds, 1 KB of data\n")
        print(f"{'case':<20}{'ours':>9}{'theirs':>9}{'ratio':>8}   {'lowest-highest':<16}what", flush=True)
        for case in cases:
            row = measure(case, ours, theirs, effort)
            spread = f"{row.lowest_ratio:.2f}-{row.highest_ratio:.2f}"
            times = f"{row.ours_microseconds:>9.2f}{row.theirs_microseconds:>9.2f}{row.ratio:>8.2f}"
            print(f"{case:<20}{times}   {spread:<16}{WHAT[case]}", flush=True)
            done.rows.append(row)
    return done


def keep(comparisons: Sequence[Comparison], effort: Effort, target: Path) -> None:
    """Write the figures where tools look for them; every ratio stands under `ratios`."""
    figures = {
        "ratios": {
            row.case + ("_with_sdk" if done.with_sdk else ""): round(row.ratio, 3)
            for done in comparisons
            for row in done.rows
        },
        "comparisons": [asdict(done) for done in comparisons],
        "effort": asdict(effort),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    usual = Effort()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"which cases (default: all): {', '.join(WHAT)}")
    parser.add_argument("--rounds", type=int, default=usual.rounds, help="paired rounds a case (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="a measurement (default %(default)s)")
    parser.add_argument("--warm-up", type=int, default=usual.warm_up_iterations, help="iterations (%(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the figures go (default %(default)s)")
    asked = parser.parse_args(arguments)
    unknown = set(asked.cases) - set(WHAT)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(WHAT)}")
    effort = Effort(warm_up_iterations=asked.warm_up, seconds=asked.seconds, rounds=asked.rounds)
    print("Timing this package and the npm packages in turn; a ratio above 1 means that this package is faster.")
    try:
        comparisons = [compare(asked.cases or list(WHAT), effort, sdk=sdk) for sdk in (False, True)]
    except KeyboardInterrupt:
        print("\nStopped; nothing was written.")
        return 130
    keep(comparisons, effort, asked.output)
    print(f"\nWritten to {asked.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
