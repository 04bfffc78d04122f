"""Replays every recorded statechart: each event starts from nothing but the JSON text of the snapshot before it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from arvo.statecharts import to_xstate
from tests.support.chart_rows import comparable, row_of, steps
from tests.support.chart_vocabulary import load_chart
from tests.support.vectors import folder

if TYPE_CHECKING:
    from arvo.statecharts import Definition

Json = dict[str, Any]
RECORDS: list[Json] = [
    json.loads(line)
    for path in sorted((folder() / "statecharts").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: str(record["id"]))
def test_machine_takes_every_event_as_recorded(record: Json) -> None:
    replay(load_chart(record["config"]), record)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: str(record["id"]))
def test_exported_machine_takes_every_event_as_recorded(record: Json) -> None:
    document = json.loads(json.dumps(to_xstate(load_chart(record["config"]))))
    replay(load_chart(record["config"], document), record)


def replay(chart: Definition, record: Json) -> None:
    sent = [{"type": "xstate.init"}, *record["events"]]
    taken = steps(chart, record["events"], given=record.get("input"))
    for place, (event, row, (step, _)) in enumerate(zip(sent, record["trace"], taken, strict=True)):
        where = f"machine {record['id']}, row {place}, after {event}"
        assert row_of(step) == comparable(row), where
