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
    Scope,
)
from arvo.statecharts.blueprint import ChartBlueprint, DelayBlueprint, StateBlueprint, TransitionBlueprint
from arvo.statecharts.compilation import compile_chart, raise_issues, transitions_of
from arvo.statecharts.definition import (
    ContextFunction,
    Definition,
    DelayFunction,
    OutputFunction,
    StateNode,
    Transition,
)
from arvo.statecharts.doubts import doubts, reachable_states
from arvo.statecharts.guards import BUILT_IN_GUARDS, AllOf, AnyOf, Guard, GuardFunction, NamedGuard, Not, StateIn
from arvo.statecharts.labels import event_label
from arvo.statecharts.macrostep import transition
from arvo.statecharts.mermaid import to_mermaid
from arvo.statecharts.references import escape_key
from arvo.statecharts.step import CancelTimer, StartTimer, Step, failed_snapshot
from arvo.statecharts.svg import to_svg
from arvo.statecharts.xstate_export import to_xstate
from arvo.statecharts.xstate_import import from_xstate

__all__ = [
    "BUILT_IN_GUARDS",
    "Action",
    "ActionQueue",
    "AllOf",
    "AnyOf",
    "Assign",
    "AssignFunction",
    "CancelTimer",
    "ChartBlueprint",
    "ContextFunction",
    "Definition",
    "DelayBlueprint",
    "DelayFunction",
    "Effect",
    "EmitEvent",
    "Enqueue",
    "Guard",
    "GuardFunction",
    "NamedGuard",
    "Not",
    "OutputFunction",
    "RaiseEvent",
    "Scope",
    "StartTimer",
    "StateBlueprint",
    "StateIn",
    "StateNode",
    "Step",
    "Transition",
    "TransitionBlueprint",
    "compile_chart",
    "doubts",
    "escape_key",
    "event_label",
    "failed_snapshot",
    "from_xstate",
    "raise_issues",
    "reachable_states",
    "to_mermaid",
    "to_svg",
    "to_xstate",
    "transition",
    "transitions_of",
]
