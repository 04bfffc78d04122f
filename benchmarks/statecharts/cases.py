"""What both Python engines are asked: to take one event after another, and to show what the first ones did."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from benchmarks.protocol import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SHOWN_EVENTS = 7


class StoredChart(Protocol):
    """A chart that is only ever a text between two events."""

    def take(self, given: Any, /) -> Sequence[Any]:
        """Restore the chart from its text, let it take the event `go`, save it; what it emitted."""
        ...

    def look(self) -> tuple[list[str], int]:
        """The innermost active states, and the counter in the context."""
        ...


def cases(charts: Mapping[str, Callable[[], StoredChart]]) -> dict[str, Case]:
    """For each chart the case that is timed, and under `NAME_trace` the one that shows what is done."""
    steps = {name: Case(prepare=int, run=make().take) for name, make in charts.items()}
    traces = {f"{name}_trace": Case(prepare=int, run=partial(_trace, make())) for name, make in charts.items()}
    return steps | traces


def _trace(chart: StoredChart, _: Any) -> bytes:
    rows: list[dict[str, Any]] = []
    for number in range(SHOWN_EVENTS):
        emitted = chart.take(number)
        states, n = chart.look()
        rows.append({"states": sorted(states), "n": n, "emitted": emitted})
    return msgspec.json.encode({"rows": rows})
