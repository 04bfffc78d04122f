"""A statechart as its author gave it: implementations attached, names of states still text.

Both front doors, the XState document and the Python builder, produce this; `compilation` turns it into a `Definition`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from arvo.statecharts.actions import Action, Effect
    from arvo.statecharts.definition import Constant, ContextFunction, DelayFunction, Kind, OutputFunction, Path
    from arvo.statecharts.guards import Guard, GuardFunction

DEFAULT_MAX_MICROSTEPS = 10_000
"""How many transitions one event may lead to before the chart counts as endless."""


@dataclass(slots=True)
class TransitionBlueprint:
    """One candidate of an event; no targets means that nothing is left or entered."""

    targets: tuple[str, ...] = ()
    guard: Guard | None = None
    actions: tuple[Action, ...] = ()
    reenter: bool = False
    meta: Mapping[str, Any] | None = None
    description: str | None = None
    path: Path = ()


@dataclass(slots=True)
class DelayBlueprint:
    """A delayed transition: `key` is what names the delay in the timer's event."""

    key: str
    duration: timedelta | DelayFunction
    transitions: list[TransitionBlueprint]


@dataclass(slots=True)
class StateBlueprint:
    """One state and those below it, in document order. `path` says where the author wrote it."""

    key: str
    kind: Kind
    id: str | None = None
    children: list[StateBlueprint] = field(default_factory=list["StateBlueprint"])
    initial: str | None = None
    initial_actions: tuple[Action, ...] = ()
    entry: tuple[Action, ...] = ()
    exit: tuple[Action, ...] = ()
    on: dict[str, list[TransitionBlueprint]] = field(default_factory=dict[str, "list[TransitionBlueprint]"])
    always: list[TransitionBlueprint] = field(default_factory=list["TransitionBlueprint"])
    on_done: list[TransitionBlueprint] = field(default_factory=list["TransitionBlueprint"])
    after: list[DelayBlueprint] = field(default_factory=list["DelayBlueprint"])
    deep: bool = False
    history_targets: tuple[str, ...] = ()
    output: OutputFunction | Constant | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] | None = None
    description: str | None = None
    path: Path = ()


@dataclass(slots=True)
class ChartBlueprint:
    """A whole chart: its root state and what belongs to the machine rather than to a state."""

    root: StateBlueprint
    context: ContextFunction | Constant
    guards: Mapping[str, GuardFunction] = field(default_factory=dict[str, "GuardFunction"])
    effects: Mapping[str, Effect] = field(default_factory=dict[str, "Effect"])
    version: str | None = None
    max_microsteps: int = DEFAULT_MAX_MICROSTEPS
