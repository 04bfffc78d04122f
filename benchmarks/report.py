"""Prints the measured cases as tables, and keeps the figures where tools look for them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.paired import Effort, Measured

WIDTH = 34


@dataclass(frozen=True, slots=True)
class Comparison:
    """Cases measured in one pair of processes."""

    ours: str
    theirs: str
    suffix: str = ""
    """What sets the names of these ratios apart from those of the same cases in another comparison."""
    rows: list[Measured] = field(default_factory=list["Measured"])

    def tabulate(self, title: str, measured: Iterable[tuple[Measured, str]]) -> None:
        """Print and keep each row as soon as it is there, with what the case is."""
        print(f"\n{self.ours} against {self.theirs}{title}\n")
        print(f"{'case':<{WIDTH}}{'ours':>9}{'theirs':>9}{'ratio':>8}   {'lowest-highest':<16}what", flush=True)
        for row, what in measured:
            spread = f"{row.lowest_ratio:.2f}-{row.highest_ratio:.2f}"
            times = f"{row.ours_microseconds:>9.2f}{row.theirs_microseconds:>9.2f}{row.ratio:>8.2f}"
            print(f"{row.case:<{WIDTH}}{times}   {spread:<16}{what}", flush=True)
            self.rows.append(row)


def keep(
    comparisons: Sequence[Comparison], durables: Sequence[Mapping[str, Any]], effort: Effort, target: Path
) -> None:
    """Write the figures; every ratio stands under `ratios`."""
    ratios = {row.case + done.suffix: round(row.ratio, 3) for done in comparisons for row in done.rows}
    for done in durables:
        ratios |= done["ratios"]
    figures = {
        "ratios": ratios,
        "comparisons": [asdict(done) for done in comparisons],
        "durable": {case: sides for done in durables for case, sides in done["figures"].items()},
        "effort": asdict(effort),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
