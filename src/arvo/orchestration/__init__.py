"""Workflows: handlers that keep state between events (SEMANTICS 5).

`Resumable` is the imperative kind, `Orchestrator` the one of statecharts. What they share is in `execution.py`, which
runs a step of a workflow between reading its record and writing it; `workflow.py` says what a new kind has to bring.
"""

from arvo.orchestration.binding import BoundWorkflow
from arvo.orchestration.conditions import Guard, all_of, any_of, not_
from arvo.orchestration.execution import run_with_memory
from arvo.orchestration.machine import ChartMachine
from arvo.orchestration.machine_builder import Machine
from arvo.orchestration.orchestrator import Orchestrator
from arvo.orchestration.resumable import Resumable, ResumableFunction
from arvo.orchestration.state_functions import Signal
from arvo.orchestration.states import Result, State, Target
from arvo.orchestration.timers import Timeout, wanted_timers
from arvo.orchestration.turn import Done, Turn, Wait
from arvo.orchestration.workflow import Ignored, Outcome

__all__ = [
    "BoundWorkflow",
    "ChartMachine",
    "Done",
    "Guard",
    "Ignored",
    "Machine",
    "Orchestrator",
    "Outcome",
    "Result",
    "Resumable",
    "ResumableFunction",
    "Signal",
    "State",
    "Target",
    "Timeout",
    "Turn",
    "Wait",
    "all_of",
    "any_of",
    "not_",
    "run_with_memory",
    "wanted_timers",
]
