"""Runs a chart as an SCXML session: it sends itself events, now or later, on a clock that the test moves on."""

from __future__ import annotations

import heapq
import json
import re
from typing import TYPE_CHECKING, Any

from arvo.statecharts import transition
from tests.acceptance.scxml.vocabulary import SENT

if TYPE_CHECKING:
    from arvo.statecharts import Definition, Step

_DURATION = re.compile(r"([\d.]+)(m?s)")


class Session:
    """A running chart. Between two events all there is of it is the JSON text of its snapshot."""

    def __init__(self, chart: Definition) -> None:
        self._chart = chart
        self._now = 0.0
        self._pending: list[tuple[float, int, dict[str, Any]]] = []
        """What the chart sent itself: when it is due, which number it was, and the event."""
        self._count = 0
        self._text = ""
        self.configuration: set[str] = set()
        self._keep(transition(chart, None, None))

    def wait(self, milliseconds: float) -> None:
        """Let time go by, and take what the chart sent itself and falls due; with no time to go, what is due now."""
        end = self._now + milliseconds
        while self._pending and self._pending[0][0] <= end:
            self._now, _, event = heapq.heappop(self._pending)
            self.send(event)
        self._now = end

    def send(self, event: dict[str, Any]) -> None:
        """Take one event."""
        self._keep(transition(self._chart, json.loads(self._text), event))

    def _keep(self, step: Step) -> None:
        self._text = json.dumps(step.snapshot)
        self.configuration = {leaf.id for leaf in step.leaves}
        for emitted in step.emitted:
            assert emitted["type"] == SENT
            self._count += 1
            due = self._now + milliseconds(emitted["delay"])
            heapq.heappush(self._pending, (due, self._count, emitted["event"]))


def milliseconds(duration: str) -> float:
    """An SCXML duration."""
    found = _DURATION.fullmatch(duration)
    assert found, duration
    return float(found[1]) * (1 if found[2] == "ms" else 1000)
