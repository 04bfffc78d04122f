"""What one event made of a statechart, in a form in which rows of either language compare."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from arvo.statecharts import transition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from arvo.statecharts import Definition, Step

Json = dict[str, Any]


def steps(
    chart: Definition, events: Sequence[Mapping[str, Any]], *, snapshot: str | None = None, given: Any = None
) -> Iterator[tuple[Step, str]]:
    """Each step with the JSON text of its snapshot, which is all that the next one gets.

    With no snapshot the chart starts with the input `given`, which is a step of its own.
    """
    text = snapshot
    if text is None:
        step = transition(chart, None, given)
        text = json.dumps(step.snapshot)
        yield step, text
    for event in events:
        step = transition(chart, json.loads(text), event)
        text = json.dumps(step.snapshot)
        yield step, text


def row_of(step: Step) -> Json:
    """A step of ours as a row that compares."""
    snapshot = step.snapshot
    assert snapshot["children"] == {}
    assert snapshot.get("output") == step.output
    return comparable({**snapshot, "emitted": list(step.emitted), "tags": step.tags})


def comparable(row: Mapping[str, Any]) -> Json:
    """A recorded row without what carries no meaning: the order of tags and of remembered states."""
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
