"""Runs the paired rounds with and without an OpenTelemetry SDK, prints the tables and keeps the figures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.durable.comparison import DURABLE, compare_durable
from benchmarks.durable.queues import QUEUES, measure_queues
from benchmarks.paired import Effort, measure
from benchmarks.protocol import Worker, environment
from benchmarks.report import Comparison, keep
from benchmarks.statecharts.comparison import CHARTS, compare_charts
from benchmarks.workflows.comparison import WORKFLOWS, compare_workflows
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
    return Worker(command, environment())


def their_worker(*, sdk: bool) -> Worker:
    node = find_node()
    environment = node.environment(NODE_PATH=str(node_modules()), WITH_SDK="1" if sdk else "0")
    return Worker([node.executable, str(HERE / "theirs.cjs")], environment)


def compare(cases: Sequence[str], effort: Effort, *, sdk: bool) -> Comparison:
    """All cases of events and handlers, in one pair of processes."""
    with our_worker(sdk=sdk) as ours, their_worker(sdk=sdk) as theirs:
        done = Comparison(str(ours), str(theirs), suffix="_with_sdk" if sdk else "")
        title = f", {'with an' if sdk else 'no'} OpenTelemetry SDK, microseconds, 1 KB of data"
        done.tabulate(title, ((measure(case, ours, theirs, effort), WHAT[case]) for case in cases))
        return done


def main(arguments: Sequence[str] | None = None) -> int:
    usual = Effort()
    known = [*WHAT, *CHARTS, *WORKFLOWS, *DURABLE, *QUEUES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"which cases (default: all): {', '.join(known)}")
    parser.add_argument("--rounds", type=int, default=usual.rounds, help="paired rounds a case (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="a measurement (default %(default)s)")
    parser.add_argument("--warm-up", type=int, default=usual.warm_up_iterations, help="iterations (%(default)s)")
    parser.add_argument("--rows", type=int, default=50_000, help="in a long queue (default %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the figures go (default %(default)s)")
    asked = parser.parse_args(arguments)
    unknown = set(asked.cases) - set(known)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    effort = Effort(warm_up_iterations=asked.warm_up, seconds=asked.seconds, rounds=asked.rounds)
    events = [case for case in WHAT if not asked.cases or case in asked.cases]
    charts = [case for case in CHARTS if not asked.cases or case in asked.cases]
    workflows = not asked.cases or not WORKFLOWS.keys().isdisjoint(asked.cases)
    durable = [case for case in DURABLE if not asked.cases or case in asked.cases]
    queues = [case for case in QUEUES if not asked.cases or case in asked.cases]
    print("Timing this package and others in turn; a ratio above 1 means that this package is faster.")
    try:
        comparisons = [compare(events, effort, sdk=sdk) for sdk in (False, True) if events]
        comparisons += compare_charts(charts, effort)
        comparisons += [compare_workflows(effort)] if workflows else []
        durables = [compare_durable(case, effort) for case in durable]
        durables += [measure_queues(case, asked.rows) for case in queues]
    except KeyboardInterrupt:
        print("\nStopped; nothing was written.")
        return 130
    keep(comparisons, durables, effort, asked.output)
    print(f"\nWritten to {asked.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
