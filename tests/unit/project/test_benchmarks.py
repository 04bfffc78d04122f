"""The benchmark runs, and leaves its figures where tools look for them. How fast anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.paired import SAME, require_same_work
from benchmarks.statecharts.comparison import CHARTS, require_same_steps
from benchmarks.workflows.comparison import WORKFLOWS

ROOT = Path(__file__).resolve().parents[3]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_every_case_is_timed_on_both_sides_with_and_without_an_sdk(tmp_path: Path) -> None:
    target = tmp_path / "results" / "latest.json"

    cases = {"factory", "factory_in_subject", "handle", "parse", "parse_and_read", "serialise", "hop"}

    done = bench(
        *cases,
        *CHARTS,
        *WORKFLOWS,
        "durable_sqlite",
        "--rounds",
        "1",
        "--seconds",
        "0.001",
        "--warm-up",
        "20",
        "--output",
        str(target),
    )

    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    durable = {f"durable_sqlite_{concurrency}" for concurrency in (1, 16, 64)}
    timed = cases | {f"{case}_with_sdk" for case in cases} | {*CHARTS, *WORKFLOWS} | durable
    assert set(figures["ratios"]) == timed
    assert all(ratio > 0 for ratio in figures["ratios"].values())
    assert all(case in done.stdout for case in [*cases, *CHARTS, *WORKFLOWS])


def test_a_queue_is_worked_off_by_every_number_of_tasks_and_processes(tmp_path: Path) -> None:
    target = tmp_path / "latest.json"

    done = bench("queues_sqlite", "--rows", "100", "--output", str(target))

    assert done.returncode == 0, done.stderr
    figures = json.loads(target.read_text(encoding="utf-8"))["durable"]["queues_sqlite"]
    rates = {name: rate for name, rate in figures.items() if name.endswith("processes")}
    assert len(rates) == 6
    assert all(rate > 0 for rate in rates.values())
    assert figures["100 worked off"]["resident_mebibytes"]


def test_an_unknown_case_is_refused_with_the_known_ones() -> None:
    done = bench("speed")

    assert done.returncode == 2
    assert "no such case: speed; there are factory," in done.stderr


@pytest.mark.parametrize("attribute", ["to", "data"])
def test_sides_that_do_different_work_are_not_compared(attribute: str) -> None:
    here: dict[str, Any] = dict.fromkeys(SAME)

    with pytest.raises(ValueError, match=f"not do the same work on both sides: {attribute} is None here and 'x' there"):
        require_same_work("parse", here, {**here, attribute: "x"})


def test_what_the_sides_know_alike_may_stand_beside_what_only_one_knows() -> None:
    here: dict[str, Any] = dict.fromkeys(SAME)

    require_same_work("parse", {**here, "domain": None, "id": "a"}, {**here, "id": "b"})


def test_charts_that_take_different_steps_are_not_compared() -> None:
    steps = {"rows": [{"states": ["a"], "n": 1, "emitted": []}]}

    require_same_steps("chart_flat", steps, steps)
    with pytest.raises(ValueError, match="'chart_flat' does not do the same work on both sides"):
        require_same_steps("chart_flat", steps, {"rows": []})
