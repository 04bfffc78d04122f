"""What is missing or impossible in a machine written in Python, before it becomes a chart: each is an error.

What only looks wrong is a doubt, and found in the chart itself (`machine_doubts.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.errors import Issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arvo.orchestration.drafted_state import DraftedState

__all__ = ["draft_issues"]


def draft_issues(root: DraftedState, *, starts: bool) -> Iterator[Issue]:
    """The errors, each with the path of its state."""
    if not starts:
        message = "nothing makes its first state; decorate a function with @machine.start(at=...)"
        yield Issue((), message, "missing_start")
    for state in root.walk():
        for message, code in _problems(state):
            yield Issue(state.path, message, code)


def _problems(state: DraftedState) -> Iterator[tuple[str, str]]:
    blueprint = state.blueprint
    has_states = any(child.blueprint.kind != "history" for child in state.children)
    if blueprint.kind == "parallel" and not has_states:
        yield "it is parallel without states in it; add some, or make it an ordinary state", "no_states"
    elif state.children and not has_states:
        yield "its history has nothing to remember; add states to it, or remove the history", "no_states"
    if blueprint.on_done and state.parent is None:
        yield "nothing can follow once the whole machine is done; remove its on_done", "never_done"
    elif blueprint.on_done and not has_states:
        yield "it can never be done, for there are no states in it; remove its on_done", "never_done"
    if blueprint.kind != "final":
        return
    if blueprint.on or blueprint.always or blueprint.after or state.others:
        yield "it is final, so nothing leads out of it; remove its transitions, or make it an ordinary state", "final"
    ends_machine = state.parent is not None and state.parent.parent is None
    if ends_machine and blueprint.output is None:
        message = "it ends the machine without an output; decorate a function with @machine.final(at=...)"
        yield message, "missing_output"
