"""A workflow that one language began the other finishes: for every recorded statechart, handed over half-way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.interop.statecharts.xstate import Journey, run_in_node
from tests.support.chart_rows import comparable, row_of, steps
from tests.support.chart_vocabulary import load_chart
from tests.support.vectors import folder

Json = dict[str, Any]


@pytest.fixture(scope="module")
def halved() -> list[tuple[Json, int]]:
    """The records with at least two events, each with how many of them come before the handover."""
    paths = sorted((folder() / "statecharts").glob("*.jsonl"))
    records = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    found = [(record, len(record["events"]) // 2) for record in records if len(record["events"]) > 1]
    assert found
    return found


def rest_of(record: Json, half: int) -> list[Json]:
    """The recorded rows from the handover on; row 0 is the start."""
    return [comparable(row) for row in record["trace"][half + 1 :]]


def test_what_node_began_ends_here_as_recorded(halved: list[tuple[Json, int]]) -> None:
    begun = run_in_node(
        Journey(record["config"], record["events"][:half], record.get("input")) for record, half in halved
    )

    for (record, half), outcome in zip(halved, begun, strict=True):
        text = json.dumps(outcome.snapshot)
        ended = steps(load_chart(record["config"]), record["events"][half:], snapshot=text)
        assert [row_of(step) for step, _ in ended] == rest_of(record, half), record["id"]


def test_what_began_here_ends_in_node_as_recorded(halved: list[tuple[Json, int]]) -> None:
    journeys: list[Journey] = []
    for record, half in halved:
        *_, (_, text) = steps(load_chart(record["config"]), record["events"][:half], given=record.get("input"))
        journeys.append(Journey(record["config"], record["events"][half:], snapshot=json.loads(text)))

    for (record, half), outcome in zip(halved, run_in_node(journeys), strict=True):
        assert [comparable(row) for row in outcome.rows] == rest_of(record, half), record["id"]
