"""Errors of structure that show once all states are connected: each would make impossible states active together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.errors import Issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arvo.statecharts.definition import Definition, StateNode


def structure_issues(definition: Definition) -> Iterator[Issue]:
    """What is wrong with history states and with transitions that have several targets."""
    for state in definition.states:
        if state.kind == "history":
            yield from _history_issues(state)
        for transition in (*(each for group in state.on.values() for each in group), *state.always):
            yield from _together(transition.targets, (*transition.path, "target"))


def _history_issues(state: StateNode) -> Iterator[Issue]:
    parent = state.parent
    if parent is None:
        yield Issue(
            (), "the root cannot be a history state; it has no parent whose states it could remember", "history"
        )
        return
    path = ("#" + state.id, "target")
    for target in state.history_targets:
        if target.kind == "history":
            yield Issue(path, f"the default of #{state.id} is another history state, #{target.id}", "history")
        elif not parent.contains(target):
            message = f"its default #{target.id} does not lie in #{parent.id}, whose states it remembers"
            yield Issue(path, message, "history")
    yield from _together(state.history_targets, path)
    if parent.initial is state and not state.history_targets:
        message = f"#{state.id} is the initial state of its parent, so it needs a 'target' for the first time"
        yield Issue(path, message, "history")


def _together(targets: tuple[StateNode, ...], path: tuple[str | int, ...]) -> Iterator[Issue]:
    """Several targets have to lie in different regions of a parallel state, or they cannot be active together."""
    for position, first in enumerate(targets):
        for second in targets[position + 1 :]:
            if not _can_be_active_together(first, second):
                message = f"#{first.id} and #{second.id} do not lie in different regions of one parallel state"
                yield Issue(path, message, "targets")


def _can_be_active_together(first: StateNode, second: StateNode) -> bool:
    shared = [a for a, b in zip(first.lineage, second.lineage, strict=False) if a is b]
    return first not in shared and second not in shared and shared[-1].kind == "parallel"
