"""The words of a diagram: how a transition, its guard and its actions read. Escaping is each diagram's own business."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.statecharts.guards import AllOf, AnyOf, Guard, NamedGuard, Not, StateIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arvo.statecharts.definition import StateNode, Transition


def event_label(state: StateNode, descriptor: str) -> str:
    """What a state waits for, in words: the descriptor of an event, unless the chart itself sends that event."""
    if descriptor == state.done_type:
        return "done"
    for delay in state.after:
        if delay.event_type == descriptor:
            return f"after {delay.duration if isinstance(delay.duration, timedelta) else delay.key}"
    return descriptor


def labelled_transitions(state: StateNode) -> Iterator[tuple[str, Transition]]:
    """Every transition written on a state, each with its label `event [guard] / actions`."""
    for descriptor, transitions in state.on.items():
        event = event_label(state, descriptor)
        for transition in transitions:
            yield _label(event, transition), transition
    for transition in state.always:
        yield _label("always", transition), transition


def _label(event: str, transition: Transition) -> str:
    guard = f" [{guard_label(transition.guard)}]" if transition.guard is not None else ""
    actions = f" / {', '.join(action.name for action in transition.actions)}" if transition.actions else ""
    return f"{event}{guard}{actions}"


def guard_label(guard: Guard) -> str:
    """A guard in words."""
    match guard:
        case NamedGuard():
            return guard.name
        case AllOf():
            return " and ".join(_grouped(part) for part in guard.guards) or "true"
        case AnyOf():
            return " or ".join(_grouped(part) for part in guard.guards) or "false"
        case Not():
            return f"not {_grouped(guard.guard)}"
        case StateIn():
            return f"in {guard.state}"


def _grouped(guard: Guard) -> str:
    label = guard_label(guard)
    return f"({label})" if isinstance(guard, AllOf | AnyOf) and len(guard.guards) > 1 else label
