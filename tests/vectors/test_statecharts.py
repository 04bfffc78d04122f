"""Replays every recorded statechart: each event starts from nothing but the JSON text of the snapshot before it."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from arvo.statecharts import Step, transition
from tests.support.chart_vocabulary import load_chart
from tests.support.vectors import folder

Json = dict[str, Any]
RECORDS: list[Json] = [
    json.loads(line)
    for path in sorted((folder() / "statecharts").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: str(record["id"]))
def test_machine_takes_every_event_as_recorded(record: Json) -> None:
    chart = load_chart(record["config"])
    sent = [{"type": "xstate.init"}, *record["events"]]
    text: str | None = None
    for place, (event, row) in enumerate(zip(sent, record["trace"], strict=True)):
        if text is None:
            step = transition(chart, None, record.get("input"))
        else:
            step = transition(chart, cast("Json", json.loads(text)), event)
        text = json.dumps(step.snapshot)
        where = f"machine {record['id']}, row {place}, after {event}"
        assert _row_of(step) == _comparable(row), where


def _row_of(step: Step) -> Json:
    snapshot = step.snapshot
    assert snapshot["children"] == {}
    assert snapshot.get("output") == step.output
    return _comparable({**snapshot, "emitted": list(step.emitted), "tags": step.tags})


def _comparable(row: Json) -> Json:
    return {
        "value": row["value"],
        "status": row["status"],
        "context": row["context"],
        "emitted": row["emitted"],
        "output": row.get("output"),
        "tags": frozenset(row.get("tags", ())),
        "historyValue": {
            history_id: {state["id"] for state in states} for history_id, states in row.get("historyValue", {}).items()
        },
    }
