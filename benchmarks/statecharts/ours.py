"""Our side: the charts of `charts.json`, and the flat one blown up to 1000 states. Runs as a process of its own."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from arvo.statecharts import Assign, EmitEvent, from_xstate, transition
from benchmarks.protocol import serve
from benchmarks.statecharts.cases import cases

DOCUMENTS: dict[str, Any] = json.loads((Path(__file__).parent / "charts.json").read_text(encoding="utf-8"))
EVENT = {"type": "go"}


def counted(context: dict[str, Any], _event: Any, _params: Any) -> bool:
    return bool(context["n"] >= 0)


def count(context: dict[str, Any], _event: Any, _params: Any) -> dict[str, Any]:
    return {"n": context["n"] + 1}


def announce(_context: Any, _event: Any, _params: Any) -> dict[str, Any]:
    return {"type": "announced"}


class Chart:
    def __init__(self, document: dict[str, Any]) -> None:
        self.chart = from_xstate(
            document,
            guards={"counted": counted},
            actions={"count": Assign(count), "announce": EmitEvent(announce)},
        )
        self.restore = msgspec.json.Decoder().decode
        self.save = msgspec.json.Encoder().encode
        self.text = self.save(transition(self.chart, None, None).snapshot)

    def take(self, _: Any) -> tuple[Any, ...]:
        step = transition(self.chart, self.restore(self.text), EVENT)
        self.text = self.save(step.snapshot)
        return step.emitted

    def look(self) -> tuple[list[str], int]:
        snapshot = self.restore(self.text)
        return innermost(snapshot["value"]), snapshot["context"]["n"]


def innermost(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [state for below in value.values() for state in innermost(below)]


def thousand_states() -> dict[str, Any]:
    """The flat chart 333 times over, as one ring: an event does what it does there, among many more states."""
    flat: dict[str, Any] = DOCUMENTS["flat"]["states"]
    names = [f"{key}{turn}" for turn in range(333) for key in flat]
    states: dict[str, Any] = {"(unused)": {}}
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        states[name] = {"on": {"go": {**flat[name[0]]["on"]["go"], "target": following}}}
    return {"id": "thousand", "context": {"n": 0}, "initial": names[0], "states": states}


def main() -> None:
    documents = {**DOCUMENTS, "thousand": thousand_states()}
    charts = {name: partial(Chart, document) for name, document in documents.items()}
    asyncio.run(serve(cases(charts), versions=[f"arvo-event-handler {version('arvo-event-handler')}"]))


if __name__ == "__main__":
    main()
