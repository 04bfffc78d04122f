"""The side of python-statemachine: the charts of `charts.json` as its users write them. A process of its own.

Its state of a chart is a set of names in the model, which is what gets saved and restored here.
"""

from __future__ import annotations

import asyncio
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
from statemachine import State, StateChart
from statemachine.orderedset import OrderedSet

from benchmarks.protocol import serve
from benchmarks.statecharts.cases import cases

if TYPE_CHECKING:
    from collections.abc import Callable

OUTER_STATES = frozenset({"everything", "one", "two", "three"})


class Model:
    def __init__(self, state: Any, n: int) -> None:
        self.state = state
        self.n = n
        self.emitted: list[dict[str, Any]] = []


class Actions:
    model: Model

    def count(self) -> None:
        self.model.n += 1

    def counted(self) -> bool:
        return self.model.n >= 0

    def announce(self) -> None:
        self.model.emitted.append({"type": "announced"})


class Flat(Actions, StateChart[Model]):
    a = State(initial=True)
    b = State()
    c = State()
    go = a.to(b, on="count") | b.to(c, cond="counted") | c.to(a, on="announce")


class Parallel(Actions, StateChart[Model]):
    class everything(State.Parallel):  # noqa: N801 - its name is the state's
        class one(State.Compound):  # noqa: N801
            a1 = State(initial=True)
            b1 = State()
            go = a1.to(b1, on="count") | b1.to(a1)

        class two(State.Compound):  # noqa: N801
            a2 = State(initial=True)
            b2 = State()
            go = a2.to(b2, cond="counted") | b2.to(a2)

        class three(State.Compound):  # noqa: N801
            a3 = State(initial=True)
            b3 = State()
            go = a3.to(b3, on="announce") | b3.to(a3)


class Chart:
    def __init__(self, chart: Callable[[Model], StateChart[Model]]) -> None:
        self.chart = chart
        self.restore = msgspec.json.Decoder().decode
        self.encode = msgspec.json.Encoder().encode
        model = Model(None, 0)
        chart(model)
        self.save(model)

    def save(self, model: Model) -> None:
        several = isinstance(model.state, OrderedSet)
        self.text = self.encode({"state": list(model.state) if several else model.state, "n": model.n})

    def take(self, _: Any) -> list[dict[str, Any]]:
        stored = self.restore(self.text)
        state = stored["state"]
        model = Model(state if isinstance(state, str) else OrderedSet(state), stored["n"])
        self.chart(model).send("go")  # pyright: ignore[reportUnknownMemberType] - it leaves its arguments untyped
        self.save(model)
        return model.emitted

    def look(self) -> tuple[list[str], int]:
        stored = self.restore(self.text)
        state: str | list[str] = stored["state"]
        names = [state] if isinstance(state, str) else state
        return [name for name in names if name not in OUTER_STATES], stored["n"]


def main() -> None:
    charts = {"flat": partial(Chart, Flat), "parallel": partial(Chart, Parallel)}
    versions = [f"python-statemachine {version('python-statemachine')}"]
    asyncio.run(serve(cases(charts), versions=versions))


if __name__ == "__main__":
    main()
