"""Statecharts with XState v5's semantics: a compiled `Definition`, and `transition`, from snapshot to snapshot, pure.

Nothing here knows contracts, handlers or memory. Start at `from_xstate` for documents and `macrostep` for the rules.
"""

from arvo.statecharts.actions import Action, ActionQueue, Assign, Effect, EmitEvent, Enqueue, RaiseEvent
from arvo.statecharts.definition import Definition, StateNode, Transition
from arvo.statecharts.macrostep import transition
from arvo.statecharts.step import CancelTimer, StartTimer, Step, failed_snapshot
from arvo.statecharts.xstate_import import from_xstate

__all__ = [
    "Action",
    "ActionQueue",
    "Assign",
    "CancelTimer",
    "Definition",
    "Effect",
    "EmitEvent",
    "Enqueue",
    "RaiseEvent",
    "StartTimer",
    "StateNode",
    "Step",
    "Transition",
    "failed_snapshot",
    "from_xstate",
    "transition",
]
