"""Statecharts with XState v5's semantics: a compiled `Definition`, and `transition`, from snapshot to snapshot, pure.

Nothing here knows contracts, handlers or memory. Start at `from_xstate` for documents and `macrostep` for the rules.
"""

from arvo.statecharts.actions import (
    Action,
    ActionQueue,
    Assign,
    AssignFunction,
    Effect,
    EmitEvent,
    Enqueue,
    RaiseEvent,
)
from arvo.statecharts.definition import ContextFunction, Definition, OutputFunction, StateNode, Transition
from arvo.statecharts.doubts import doubts, reachable_states
from arvo.statecharts.guards import GuardFunction
from arvo.statecharts.macrostep import transition
from arvo.statecharts.mermaid import to_mermaid
from arvo.statecharts.step import CancelTimer, StartTimer, Step, failed_snapshot
from arvo.statecharts.svg import to_svg
from arvo.statecharts.xstate_export import to_xstate
from arvo.statecharts.xstate_import import from_xstate

__all__ = [
    "Action",
    "ActionQueue",
    "Assign",
    "AssignFunction",
    "CancelTimer",
    "ContextFunction",
    "Definition",
    "Effect",
    "EmitEvent",
    "Enqueue",
    "GuardFunction",
    "OutputFunction",
    "RaiseEvent",
    "StartTimer",
    "StateNode",
    "Step",
    "Transition",
    "doubts",
    "failed_snapshot",
    "from_xstate",
    "reachable_states",
    "to_mermaid",
    "to_svg",
    "to_xstate",
    "transition",
]
