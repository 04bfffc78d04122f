"""Snapshots in XState v5's persisted form, to and from the active leaves and the history of a step.

A snapshot may come from another language, another release of the chart or a damaged store, so restoring checks it
against the chart and raises `InvalidSnapshot`. Restoring never runs an action.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

from arvo.errors import InvalidSnapshot, Issue
from arvo.statecharts.document import as_list, as_object
from arvo.statecharts.movement import NO_HISTORY, History, default_leaves, document_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from arvo.statecharts.definition import Definition, StateNode

_STATUSES = ("active", "done", "error", "stopped")


def restore_leaves(definition: Definition, value: Any) -> list[StateNode]:
    """The active leaves of a state value, in the order in which eventless transitions visit them.

    States that the value leaves out, as one written before they existed does, are filled in with their defaults.
    """
    leaves: list[StateNode] = []
    _collect(definition, definition.root, value, leaves)
    return leaves


def restore_history(definition: Definition, recorded: Any) -> History:
    """The recorded history states. An empty record counts as none."""
    if not recorded:
        return NO_HISTORY
    members = as_object(recorded)
    if members is None:
        _refuse(definition, ("historyValue",), f"it is {_kind(recorded)}, not a mapping of history states")
    history: dict[str, tuple[StateNode, ...]] = {}
    for history_id, entries in members.items():
        path = ("historyValue", str(history_id))
        remembering = definition.by_id.get(history_id)
        if remembering is None or remembering.kind != "history":
            _refuse(definition, path, f"the chart has no history state with the id {history_id!r}")
        listed = as_list(entries)
        if listed is None:
            _refuse(definition, path, f"it is {_kind(entries)}, not a list of states")
        states = [_recorded_state(definition, entry, (*path, place)) for place, entry in enumerate(listed)]
        _check_recorded(definition, remembering, states, path)
        if states:
            history[history_id] = tuple(states)
    return history


def restore_context(definition: Definition, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """The context of a snapshot, after a look at everything beside the states."""
    status = snapshot.get("status")
    if status not in _STATUSES:
        _refuse(definition, ("status",), f"it is {status!r}, not one of {', '.join(_STATUSES)}")
    if snapshot.get("children"):
        message = f"it holds {snapshot['children']!r:.60}; charts start no actors here, so none can go on"
        _refuse(definition, ("children",), message)
    context = snapshot.get("context", {})
    if not isinstance(context, dict):
        _refuse(definition, ("context",), f"it is {_kind(context)}, not a mapping")
    return context  # pyright: ignore[reportUnknownVariableType]  # JSON objects have string keys


def state_value(leaves: Sequence[StateNode]) -> Any:
    """The state value of a set of leaves: a key, or a mapping from keys to values, in document order."""
    if len(leaves) > 1:
        leaves = sorted(leaves, key=document_order)
    value: dict[str, Any] = {}
    for leaf in leaves:
        if not leaf.value_key:
            return leaf.value or {}
        place = value
        for key in leaf.value_path:
            place = place.setdefault(key, {})
        place[leaf.value_key] = leaf.value or {}
    return value


def history_value(history: History) -> dict[str, list[dict[str, str]]]:
    """The recorded history in XState's form."""
    return {history_id: [{"id": state.id} for state in states] for history_id, states in history.items()}


def _collect(definition: Definition, state: StateNode, value: Any, leaves: list[StateNode]) -> None:
    """Adds the leaves below `state`: those beside each other first, then those of each branch in turn."""
    if isinstance(value, str):
        child = _child(definition, state, value)
        leaves.extend((child,) if child.is_leaf else default_leaves(child))
        named = 1
    elif isinstance(value, dict):
        members: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        children = [_child(definition, state, key) for key in members]
        named = len(children)
        if named > 1:
            _check_regions(definition, state, children)
            children.sort(key=document_order)
        for child in children:
            if child.is_leaf:
                _collect_child(definition, child, members[child.key], leaves)
        for child in children:
            if not child.is_leaf:
                below = members[child.key]
                leaf = child.by_key.get(below) if type(below) is str else None
                if leaf is not None and leaf.is_leaf and child.kind == "compound":
                    # What most regions are in; found without another call.
                    leaves.append(leaf)
                else:
                    _collect(definition, child, below, leaves)
    else:
        _refuse(definition, _value_path(state), f"it is {_kind(value)}, not a state key or a mapping of them")
    if named < (len(state.children) if state.kind == "parallel" else 1):
        _fill(state, leaves)


def _fill(state: StateNode, leaves: list[StateNode]) -> None:
    for region in state.children if state.kind == "parallel" else (state,):
        if not region.is_active(leaves):
            leaves.extend(default_leaves(region))


def _check_regions(definition: Definition, state: StateNode, children: Sequence[StateNode]) -> None:
    if state.kind != "parallel":
        both = " and ".join(repr(child.key) for child in children)
        message = f"{both} cannot be active together in #{state.id}, which is no parallel state"
        _refuse(definition, _value_path(state), message)


def _collect_child(definition: Definition, child: StateNode, value: Any, leaves: list[StateNode]) -> None:
    if value == {}:
        leaves.append(child)
    else:
        message = f"#{child.id} has no states of its own, so {value!r:.60} cannot be active"
        _refuse(definition, _value_path(child), message)


def _child(definition: Definition, state: StateNode, key: str) -> StateNode:
    child = state.by_key.get(key)
    if child is None or child.kind == "history":
        known = ", ".join(each.key for each in state.children) or "none"
        message = f"#{state.id} has no state {key!r} to be active (its states: {known})"
        _refuse(definition, _value_path(state), message)
    return child


def _value_path(state: StateNode) -> tuple[str, ...]:
    return ("value", *(ancestor.key for ancestor in state.lineage[1:]))


def _recorded_state(definition: Definition, entry: Any, path: tuple[str | int, ...]) -> StateNode:
    state_id = (as_object(entry) or {}).get("id")
    if not isinstance(state_id, str):
        _refuse(definition, path, f"it is {_kind(entry)}, not a mapping with the 'id' of a state")
    state = definition.by_id.get(state_id)
    if state is None or state.kind == "history":
        _refuse(definition, path, f"the chart has no state with the id {state_id!r} to be active")
    return state


def _check_recorded(
    definition: Definition, remembering: StateNode, states: list[StateNode], path: tuple[str, ...]
) -> None:
    parent = remembering.parent
    assert parent is not None, "the compiler refuses a history state as the root"  # noqa: S101
    ordered = sorted(states, key=document_order)
    for state in ordered:
        if not (state.is_leaf if remembering.deep else state.parent is parent) or not parent.contains(state):
            wanted = "a leaf in" if remembering.deep else "a child of"
            _refuse(
                definition, path, f"#{state.id} is not {wanted} #{parent.id}, whose states #{remembering.id} remembers"
            )
    for first, second in pairwise(ordered):
        shared = next(a for a in reversed(first.lineage) if a is second or a.contains(second))
        if shared.kind != "parallel":
            _refuse(definition, path, f"#{first.id} and #{second.id} cannot be active together")


def _kind(value: Any) -> str:
    return "missing" if value is None else f"{type(value).__name__} {value!r:.60}"


def _refuse(definition: Definition, path: tuple[str | int, ...], message: str) -> NoReturn:
    issue = Issue(path, message, "snapshot")
    raise InvalidSnapshot(
        f"A stored snapshot does not fit statechart {definition.id!r}: {issue}. It was changed, damaged, or written by "
        f"another version of the chart; restore it or bind that version. The state was left as it is.",
        issues=[issue],
    )
