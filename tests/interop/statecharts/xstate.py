"""Runs statecharts of the recorded vocabulary in node, with the npm package xstate: the side to agree with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.interop.node_packages import run_node

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Journey:
    """What node is to do: start a chart with an input, or go on from a snapshot, and take events."""

    config: Json
    events: list[Json]
    input: Any = None
    snapshot: Json | None = None

    def as_json(self) -> Json:
        return {"config": self.config, "events": self.events, "input": self.input, "snapshot": self.snapshot}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row for each step and the last snapshot, or why XState's answer to this chart is worth nothing."""

    rows: list[Json]
    snapshot: Json
    unusable: str | None


def run_in_node(journeys: Iterable[Journey]) -> list[Outcome]:
    """The outcome of each journey, all of them travelled by one process."""
    answers = run_node("charts.cjs", {"op": "run", "items": [journey.as_json() for journey in journeys]})
    return [Outcome(answer.get("rows", []), answer.get("snapshot", {}), answer.get("unusable")) for answer in answers]
