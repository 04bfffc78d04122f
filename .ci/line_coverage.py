"""Fails when line coverage is under the floor, and reports branch coverage beside it.

coverage.py's own `fail_under` judges lines and branches mixed into one number, which says neither.
"""

import json
import sys
from pathlib import Path

LINE_FLOOR_PERCENT = 95.0


def main(report: Path) -> int:
    """Judge one JSON report of coverage.py; the result is the exit code."""
    totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    lines = 100.0 * totals["covered_lines"] / totals["num_statements"]
    branches = 100.0 * totals["covered_branches"] / totals["num_branches"]
    enough = lines >= LINE_FLOOR_PERCENT
    verdict = "enough" if enough else "too low"
    sys.stdout.write(
        f"Lines {lines:.1f} % ({verdict}: the floor is {LINE_FLOOR_PERCENT:.0f} %), branches {branches:.1f} %\n"
    )
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
