"""One event of a statechart, restoring and saving included: ours beside XState's, python-statemachine's and our own.

Every chart is the same on all sides, which show their first steps before anything is timed.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.paired import Contender, Effort, Measured, race
from benchmarks.protocol import Worker, environment
from benchmarks.report import Comparison
from tests.interop.node_packages import find_node, node_modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ChartCase:
    """What two charts run against each other; `opponent` is the side of the second one."""

    ours: str
    opponent: str
    theirs: str
    what: str


CHARTS = {
    "chart_flat": ChartCase("flat", "xstate", "flat", "3 states"),
    "chart_parallel": ChartCase("parallel", "xstate", "parallel", "3 regions that all move"),
    "chart_flat_python_statemachine": ChartCase("flat", "python-statemachine", "flat", "3 states"),
    "chart_parallel_python_statemachine": ChartCase(
        "parallel", "python-statemachine", "parallel", "3 regions that all move"
    ),
    "chart_1000_states": ChartCase("thousand", "ours", "flat", "1000 states against our own chart of 3"),
}


def compare_charts(cases: Sequence[str], effort: Effort) -> list[Comparison]:
    """The cases, those against one opponent together."""
    done: list[Comparison] = []
    for opponent in dict.fromkeys(CHARTS[case].opponent for case in cases):
        chosen = {name: CHARTS[name] for name in cases if CHARTS[name].opponent == opponent}
        with ExitStack() as running:
            ours = running.enter_context(worker("ours"))
            theirs = ours if opponent == "ours" else running.enter_context(worker(opponent))
            comparison = Comparison(str(ours), str(theirs))
            comparison.tabulate(
                ", one event of a statechart, microseconds", _races(chosen, ours, theirs, _limited(effort, opponent))
            )
            done.append(comparison)
    return done


def worker(side: str) -> Worker:
    """A process of one of the sides."""
    if side == "xstate":
        node = find_node()
        return Worker(
            [node.executable, str(HERE / "xstate.cjs")], dict(node.environment(NODE_PATH=str(node_modules())))
        )
    module = "benchmarks.statecharts." + side.replace("-", "_")
    return Worker([sys.executable, "-m", module], environment())


def require_same_steps(case: str, here: object, there: object) -> None:
    """Raises ValueError when the first steps of a chart differ between the sides."""
    if here != there:
        raise ValueError(f"The case {case!r} does not do the same work on both sides: {here} here and {there} there.")


def _races(cases: dict[str, ChartCase], ours: Worker, theirs: Worker, effort: Effort) -> Iterator[tuple[Measured, str]]:
    for name, case in cases.items():
        if case.ours == case.theirs:
            require_same_steps(name, ours.show(f"{case.ours}_trace"), theirs.show(f"{case.theirs}_trace"))
        yield race(name, Contender(ours, case.ours), Contender(theirs, case.theirs), effort), case.what


def _limited(effort: Effort, opponent: str) -> Effort:
    # Nothing compiles while it runs there, and the usual warm-up would take half a minute.
    if opponent == "python-statemachine":
        return replace(effort, warm_up_iterations=effort.warm_up_iterations // 20)
    return effort
