"""What an action of a statechart does when its turn comes: change the context, emit, raise, or choose more actions.

An effect is the implementation, an `Action` its use in one place of a chart. Nothing here does I/O; the order in
which actions run is decided in `macrostep`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from arvo.statecharts.definition import Definition

Context: TypeAlias = dict[str, Any]
AssignFunction: TypeAlias = Callable[[Context, Any, Any], Mapping[str, Any] | None]
EventFunction: TypeAlias = Callable[[Context, Any, Any], Any]
EnqueueFunction: TypeAlias = Callable[[Context, Any, Any, "ActionQueue"], None]


class Scope(Protocol):
    """The part of a running step that effects may read and change."""

    definition: Definition
    context: Context
    event: Any
    assigned: bool

    def emit(self, event: Any, /) -> None:
        """Hand an event to the outside."""
        ...

    def raise_event(self, event: Any, /) -> None:
        """Queue an event for the chart itself."""
        ...

    def check(self, guard: str | Mapping[str, Any], /) -> bool:
        """Whether a guard, given as in a document, holds now."""
        ...


class Effect(Protocol):
    """The implementation of an action."""

    def apply(self, scope: Scope, params: Any, /) -> None:
        """Do it. `params` are the static parameters of the action."""
        ...


@dataclass(frozen=True, slots=True)
class Action:
    """An effect as a chart uses it: under a name, with static parameters."""

    name: str
    effect: Effect
    params: Any = None


@dataclass(frozen=True, slots=True)
class Assign:
    """Merges the mapping that `function` returns into the context; `None` leaves the context alone."""

    function: AssignFunction

    def apply(self, scope: Scope, params: Any) -> None:
        """Call the function and merge."""
        update = self.function(scope.context, scope.event, params)
        if update is not None:
            scope.context = {**scope.context, **update}
            scope.assigned = True


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Hands the event that `function` returns to the outside, once the step is over."""

    function: EventFunction

    def apply(self, scope: Scope, params: Any) -> None:
        """Call the function and emit."""
        event = self.function(scope.context, scope.event, params)
        if event is None:
            raise TypeError("The function of an EmitEvent action returned None. Return the event to emit.")
        scope.emit(event)


@dataclass(frozen=True, slots=True)
class RaiseEvent:
    """Queues the event that `function` returns for the chart itself, to be taken within the same step."""

    function: EventFunction

    def apply(self, scope: Scope, params: Any) -> None:
        """Call the function and raise."""
        scope.raise_event(self.function(scope.context, scope.event, params))


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Lets `function` choose, with guards, which actions run next."""

    function: EnqueueFunction

    def apply(self, scope: Scope, params: Any) -> None:
        """Call the function, then run what it queued."""
        chosen = ActionQueue(scope)
        self.function(scope.context, scope.event, params, chosen)
        for effect, effect_params in chosen.entries:
            effect.apply(scope, effect_params)


class ActionQueue:
    """Collects the actions an `enqueue` function chooses; they run in this order as soon as it returns."""

    __slots__ = ("_scope", "entries")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.entries: list[tuple[Effect, Any]] = []

    def check(self, guard: str | Mapping[str, Any]) -> bool:
        """Whether a guard, given as in a document, holds: for the newest context, but the states of before."""
        return self._scope.check(guard)

    def run(self, name: str, params: Any = None) -> None:
        """Queue one of the chart's named actions."""
        self.entries.append((self._scope.definition.effect(name), params))

    def assign(self, update: Mapping[str, Any] | AssignFunction) -> None:
        """Queue a context update, or a function `(context, event, params)` that returns one."""
        self.entries.append((Assign(update if callable(update) else _always(update)), None))

    def emit(self, event: Any) -> None:
        """Queue an event for the outside."""
        self.entries.append((EmitEvent(_always(event)), None))

    def raise_event(self, event: Any) -> None:
        """Queue an event for the chart itself."""
        self.entries.append((RaiseEvent(_always(event)), None))


def _always(value: Any) -> Callable[[Context, Any, Any], Any]:
    return lambda _context, _event, _params: value
