"""Plays events on a chart, with every snapshot going through JSON text, and builds small charts to play on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from arvo.statecharts import Assign, Definition, EmitEvent, RaiseEvent, Step, from_xstate, transition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arvo.statecharts import Effect

Json = Any


def play(chart: Definition, *events: Json, given: Json = None) -> list[Step]:
    """The steps of the start and of each event; an event may be given as its type alone."""
    steps = [transition(chart, None, given)]
    for event in events:
        sent = {"type": event} if isinstance(event, str) else event
        steps.append(transition(chart, stored(steps[-1]), sent))
    return steps


def last(chart: Definition, *events: Json, given: Json = None) -> Step:
    """The step of the last event."""
    return play(chart, *events, given=given)[-1]


def stored(step: Step) -> dict[str, Json]:
    """The snapshot of a step as a store gives it back."""
    return json.loads(json.dumps(step.snapshot))  # type: ignore[no-any-return]


def chart_of(states: Mapping[str, Json], initial: str | None = None, **root: Json) -> Definition:
    """A chart with the id `m` whose actions say in the context and the emitted events what they did."""
    first = {} if root.get("type") == "parallel" else {"initial": initial or next(iter(states))}
    return from_xstate({"id": "m", **first, "states": states, **root}, actions=ACTIONS, guards=GUARDS)


def emitted(step: Step) -> list[str]:
    """The names of the events a step emitted."""
    return [event["name"] for event in step.emitted]


def saying(name: str) -> dict[str, Json]:
    """An action that emits its name."""
    return {"type": "say", "params": name}


def raising(event_type: str) -> dict[str, Json]:
    """An action that raises an event."""
    return {"type": "raise", "params": event_type}


ACTIONS: dict[str, Effect] = {
    "say": EmitEvent(lambda _context, _event, name: {"type": "said", "name": name}),
    "raise": RaiseEvent(lambda _context, _event, event_type: {"type": event_type}),
    "count": Assign(lambda context, _event, _params: {"count": context.get("count", 0) + 1}),
}

GUARDS: dict[str, Callable[[Json, Json, Json], object]] = {
    "below": lambda context, _event, limit: context.get("count", 0) < limit
}
