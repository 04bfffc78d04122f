"""Writes a chart as an XState v5 JSON document, for visual editors, for other languages, and for records.

Targets are written as ids, so that they mean the same wherever the state is moved. Functions have no JSON form: a
context or output that is computed is left out, and has to be passed again when the document is read (`from_xstate`).
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from arvo.statecharts.blueprint import DEFAULT_MAX_MICROSTEPS
from arvo.statecharts.definition import Constant
from arvo.statecharts.guards import AllOf, AnyOf, Guard, NamedGuard, Not, StateIn
from arvo.statecharts.references import escape_key

if TYPE_CHECKING:
    from arvo.statecharts.actions import Action
    from arvo.statecharts.definition import Definition, StateNode, Transition


def to_xstate(definition: Definition) -> dict[str, Any]:
    """The chart as an XState v5 document; reading it back gives a chart that behaves the same."""
    document: dict[str, Any] = {"id": definition.id}
    if definition.version is not None:
        document["version"] = definition.version
    if isinstance(definition.context, Constant):
        document["context"] = deepcopy(definition.context.value)
    if definition.max_microsteps != DEFAULT_MAX_MICROSTEPS:
        document["options"] = {"maxIterations": definition.max_microsteps}
    document.update(_state(definition.root))
    return document


def reference(state: StateNode) -> str:
    """How text names a state unmistakably, with the dots of its id escaped where they are not those of its path."""
    named = next((each for each in reversed(state.lineage) if each.id != default_id(each)), state.lineage[0])
    below = state.lineage[len(named.lineage) :]
    return "#" + ".".join([escape_key(named.id), *(escape_key(each.key) for each in below)])


def default_id(state: StateNode) -> str:
    """The id a state has when its author gave none."""
    return ".".join([state.lineage[0].id, *(ancestor.key for ancestor in state.lineage[1:])])


def _state(state: StateNode) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if state.parent is not None and state.id != default_id(state):
        config["id"] = state.id
    if state.kind in ("parallel", "final", "history"):
        config["type"] = state.kind
    config.update(_described(state))
    if state.tags:
        config["tags"] = list(state.tags)
    if state.kind == "history":
        config["history"] = "deep" if state.deep else "shallow"
        if state.history_targets:
            config["target"] = _targets(state.history_targets)
    else:
        _add_behaviour(config, state)
    return config


def _add_behaviour(config: dict[str, Any], state: StateNode) -> None:
    if state.initial is not None:
        config["initial"] = state.initial.key
        if state.initial_actions:
            config["initial"] = {"target": state.initial.key, "actions": _actions(state.initial_actions)}
    for key, actions in (("entry", state.entry), ("exit", state.exit)):
        if actions:
            config[key] = _actions(actions)
    _add_transitions(config, state)
    if isinstance(state.output, Constant):
        config["output"] = deepcopy(state.output.value)
    if state.by_key:
        config["states"] = {key: _state(child) for key, child in state.by_key.items()}


def _add_transitions(config: dict[str, Any], state: StateNode) -> None:
    delayed = {delay.event_type: delay.key for delay in state.after}
    on: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for descriptor, transitions in state.on.items():
        written = [_transition(transition) for transition in transitions]
        if descriptor == state.done_type and state.kind in ("compound", "parallel"):
            config["onDone"] = written
        elif descriptor in delayed:
            after[delayed[descriptor]] = written
        else:
            on[descriptor] = written
    if on:
        config["on"] = on
    if after:
        config["after"] = after
    if state.always:
        config["always"] = [_transition(transition) for transition in state.always]


def _transition(transition: Transition) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if transition.targets:
        config["target"] = _targets(transition.targets)
    if transition.guard is not None:
        config["guard"] = _guard(transition.guard)
    if transition.actions:
        config["actions"] = _actions(transition.actions)
    if transition.reenter:
        config["reenter"] = True
    config.update(_described(transition))
    return config


def _described(thing: StateNode | Transition) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if thing.description is not None:
        config["description"] = thing.description
    if thing.meta is not None:
        config["meta"] = deepcopy(dict(thing.meta))
    return config


def _targets(targets: tuple[StateNode, ...]) -> str | list[str]:
    names = [reference(target) for target in targets]
    return names[0] if len(names) == 1 else names


def _actions(actions: tuple[Action, ...]) -> list[str | dict[str, Any]]:
    return [_named(action.name, action.params) for action in actions]


def _guard(guard: Guard) -> str | dict[str, Any]:
    match guard:
        case NamedGuard():
            return _named(guard.name, guard.params)
        case AllOf():
            return _named("and", {"guards": [_guard(part) for part in guard.guards]})
        case AnyOf():
            return _named("or", {"guards": [_guard(part) for part in guard.guards]})
        case Not():
            return _named("not", {"guard": _guard(guard.guard)})
        case StateIn():
            return _named("stateIn", {"state": deepcopy(guard.state)})


def _named(name: str, params: Any) -> str | dict[str, Any]:
    return name if params is None else {"type": name, "params": deepcopy(params)}
