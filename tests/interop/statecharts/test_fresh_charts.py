"""Statecharts that nobody has seen before take every step here as they do in XState, whose process runs beside us."""

from __future__ import annotations

import sys
from collections import Counter
from random import Random

from tests.interop.statecharts.xstate import Journey, run_in_node
from tests.support.chart_generator import LEVELS, generate_chart
from tests.support.chart_rows import comparable, row_of, steps
from tests.support.chart_vocabulary import load_chart

COUNT = 300
SPARE = 60


def test_every_step_of_a_fresh_chart_equals_that_of_xstate(seed: int) -> None:
    random = Random(seed)
    charts = [generate_chart(random, LEVELS[place % len(LEVELS)]) for place in range(COUNT + SPARE)]

    outcomes = run_in_node(Journey(chart.config, chart.events, chart.input) for chart in charts)

    compared: Counter[int] = Counter()
    skipped: Counter[str] = Counter()
    for place, (chart, outcome) in enumerate(zip(charts, outcomes, strict=True)):
        if outcome.unusable:
            skipped[outcome.unusable] += 1
            continue
        sent = [{"type": "xstate.init"}, *chart.events]
        taken = steps(load_chart(chart.config), chart.events, given=chart.input)
        for row, event, (step, _) in zip(outcome.rows, sent, taken, strict=True):
            assert row_of(step) == comparable(row), f"chart {place} of seed {seed}, after {event}: {chart.config}"
        compared[chart.level] += 1
    sys.stdout.write(f"Compared by level: {dict(sorted(compared.items()))}. Skipped: {dict(skipped) or 'none'}.\n")
    assert compared.total() >= COUNT
