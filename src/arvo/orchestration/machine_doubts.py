"""What works in a machine but is hardly meant: replies nobody waits for, services nobody calls, states nobody leaves.

Doubts never stop anything. Those about the chart alone are in `arvo.statecharts`; errors are raised when a chart is
compiled. What an action calls is seen by its return annotation (`visible_calls.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from arvo.errors import Issue
from arvo.orchestration.visible_calls import called_by
from arvo.statecharts import doubts, event_label, reachable_states, transitions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from arvo.contracts import ContractVersion, Services
    from arvo.statecharts import Action, Definition, StateNode

__all__ = ["machine_doubts"]


def machine_doubts(definition: Definition, services: Services[Any, Any]) -> tuple[Issue, ...]:
    """The doubts about a machine; the path of each begins with the state it is about."""
    reachable = reachable_states(definition)
    reached = [state for state in definition.states if state in reachable]
    calls = _Calls.seen(reached, services)
    return (
        *doubts(definition),
        *_dead_ends(definition, reached),
        *_shadowed(reached),
        *_never_called(definition, services, calls),
        *_never_taken(definition, services, calls, reached),
        *_races(services, reached),
    )


@dataclass(frozen=True, slots=True)
class _Calls:
    """Which reachable states call which service."""

    by_service: dict[ContractVersion[Any, Any], list[StateNode]]
    all_seen: bool

    @staticmethod
    def seen(reached: Iterable[StateNode], services: Services[Any, Any]) -> _Calls:
        by_service: dict[ContractVersion[Any, Any], list[StateNode]] = {}
        all_seen = True
        for state in reached:
            for action in _actions(state):
                called = called_by(action, services)
                if called is None:
                    all_seen = False
                else:
                    for service in called:
                        callers = by_service.setdefault(service, [])
                        if state not in callers:
                            callers.append(state)
        return _Calls(by_service, all_seen)


def _actions(state: StateNode) -> Iterator[Action]:
    yield from (*state.entry, *state.exit, *state.initial_actions)
    for transition in transitions_of(state):
        yield from transition.actions


def _dead_ends(definition: Definition, reached: list[StateNode]) -> Iterator[Issue]:
    root = definition.root
    if root.kind != "parallel" and not any(state.is_final and state.parent is root for state in reached):
        yield _doubt(root, "it never ends, since no final state of it can be reached", "never_ends")
    for state in reached:
        stuck = state.is_leaf and not state.is_final and not any(transitions_of(each) for each in state.lineage)
        if stuck:
            yield _doubt(state, "nothing leads out of this state, and it is not final", "dead_end")
        done = state.on.get(state.done_type)
        if done and state.kind == "compound" and not any(child.is_final for child in state.children):
            yield _doubt(state, "it is never done, since it has no final state", "never_done")


def _shadowed(reached: list[StateNode]) -> Iterator[Issue]:
    for state in reached:
        for event, group in (*state.on.items(), ("always", state.always)):
            if any(transition.guard is None for transition in group[:-1]):
                message = (
                    f"a transition on {event_label(state, event)} is never tried, since one before it has no condition"
                )
                yield _doubt(state, message, "never_tried")


def _never_called(definition: Definition, services: Services[Any, Any], calls: _Calls) -> Iterator[Issue]:
    for service in services.versions if calls.all_seen else ():
        if service not in calls.by_service:
            message = f"{service.dataschema} is among its services, but no state that can be reached calls it"
            yield _doubt(definition.root, message, "never_called")


def _never_taken(
    definition: Definition, services: Services[Any, Any], calls: _Calls, reached: list[StateNode]
) -> Iterator[Issue]:
    for service in services.versions:
        callers = calls.by_service.get(service, [])
        if calls.all_seen and not callers:
            continue
        for event_type, name in _replies(service).items():
            if any(state.candidates(event_type) for state in reached):
                continue
            message = f"no state that can be reached takes {name} ({event_type}), a reply of {service.dataschema}"
            for state in callers or [definition.root]:
                yield _doubt(state, f"{message}, which is called here" if callers else message, "never_taken")


def _races(services: Services[Any, Any], reached: list[StateNode]) -> Iterator[Issue]:
    """A reply is given to all regions, though it may be meant for one: guards may tell them apart, if there are any."""
    replies = {event_type: name for service in services.versions for event_type, name in _replies(service).items()}
    for state in reached:
        for first, second in combinations(state.children if state.kind == "parallel" else (), 2):
            for event_type, name in replies.items():
                here, there = (_takers(region, event_type, reached) for region in (first, second))
                if here and there and not all(_is_guarded(taker, event_type) for taker in (*here, *there)):
                    takers = " and ".join(f"#{taker.id}" for taker in (here[0], there[0]))
                    message = f"its regions race for {name} ({event_type}): {takers} both take it"
                    yield _doubt(state, message, "race")


def _takers(region: StateNode, event_type: str, reached: list[StateNode]) -> list[StateNode]:
    return [state for state in reached if (state is region or region.contains(state)) and state.candidates(event_type)]


def _is_guarded(state: StateNode, event_type: str) -> bool:
    return all(transition.guard is not None for transition in state.candidates(event_type))


def _replies(service: ContractVersion[Any, Any]) -> dict[str, str]:
    """The event types of a service's replies, with how to call them."""
    return {
        service.system_error_type: "the system error",
        **{event_type: payload.__name__ for payload, event_type in service.emit_types.items()},
    }


def _doubt(state: StateNode, message: str, code: str) -> Issue:
    return Issue((f"#{state.id}",), message, code)
