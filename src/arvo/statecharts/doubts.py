"""What works in a chart but is probably not meant: states nobody can reach, and event descriptors that match nothing.

Errors are the compiler's business. A doubt never stops anything; whoever builds or checks a chart may show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.errors import Issue
from arvo.statecharts import movement
from arvo.statecharts.compilation import is_wildcard, transitions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arvo.statecharts.definition import Definition, StateNode


def doubts(definition: Definition) -> tuple[Issue, ...]:
    """The doubts about a chart, in document order; each names its state."""
    reachable = reachable_states(definition)
    return tuple(doubt for state in definition.states for doubt in _doubts_about(state, reachable))


def reachable_states(definition: Definition) -> frozenset[StateNode]:
    """The states that some sequence of events and guard results can make active.

    Every guard is taken to let through, and every event to be possible.
    """
    pending = [state for _, state, _ in definition.initial_arrivals]
    reached = set(pending)
    while pending:
        for transition in transitions_of(pending.pop()):
            move = movement.move_of(definition, transition, movement.NO_HISTORY)
            for _, state, _ in movement.arrivals(definition, move, movement.NO_HISTORY):
                if state not in reached:
                    reached.add(state)
                    pending.append(state)
    return frozenset(reached)


def _doubts_about(state: StateNode, reachable: frozenset[StateNode]) -> Iterator[Issue]:
    path = (f"#{state.id}",)
    parent = state.parent
    # Below a state that cannot be reached nothing can; the outermost one says it all.
    if state.kind != "history" and state not in reachable and (parent is None or parent in reachable):
        if state.is_final:
            end = "the chart" if parent is None or parent.parent is None else f"#{parent.id}"
            yield Issue(
                path, f"no transition leads to this final state, so {end} never ends in it", "unreachable_final"
            )
        else:
            yield Issue(path, "no transition leads to this state", "unreachable_state")
    for descriptor in state.on:
        if "*" in descriptor and not is_wildcard(descriptor):
            message = "a star is a wildcard only alone or as the last part after a dot; here it matches no event"
            yield Issue((*path, "on", descriptor), message, "dead_descriptor")
