"""A whole workflow as a statechart, beside the same one as a resumable: both are ours, so no ratio here is one to npm.

Both show that they emit the same events before anything is timed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.paired import Contender, Effort, Measured, race
from benchmarks.protocol import Worker, environment
from benchmarks.report import Comparison
from benchmarks.statecharts.comparison import require_same_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

BESIDE_RESUMABLE = "workflow_beside_resumable"
WORKFLOWS = {BESIDE_RESUMABLE: "start, call, reply, completion: our statechart against our resumable"}


def compare_workflows(effort: Effort) -> Comparison:
    """The statechart ("ours") against the resumable ("theirs"), in one process."""
    command = [sys.executable, "-m", "benchmarks.workflows.ours"]
    with Worker(command, environment()) as worker:
        comparison = Comparison(str(worker), "itself")
        comparison.tabulate(", a whole workflow, microseconds, 1 KB of data", _races(worker, effort))
        return comparison


def _races(worker: Worker, effort: Effort) -> Iterator[tuple[Measured, str]]:
    ours, theirs = "workflow", "workflow_resumable"
    require_same_steps(BESIDE_RESUMABLE, worker.show(f"{ours}_events"), worker.show(f"{theirs}_events"))
    chart, resumable = Contender(worker, ours), Contender(worker, theirs)
    yield race(BESIDE_RESUMABLE, chart, resumable, effort), WORKFLOWS[BESIDE_RESUMABLE]
