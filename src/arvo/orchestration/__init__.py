"""Workflows: handlers that keep state between events (SEMANTICS 5).

`Resumable` is the imperative kind. What all kinds share is in `execution.py`, which runs a step of a workflow between
reading its record and writing it; `workflow.py` says what a new kind has to bring.
"""

from arvo.orchestration.binding import BoundWorkflow
from arvo.orchestration.execution import run_with_memory
from arvo.orchestration.machine import Machine
from arvo.orchestration.resumable import Resumable, ResumableFunction
from arvo.orchestration.turn import Done, Turn, Wait
from arvo.orchestration.workflow import Ignored, Outcome

__all__ = [
    "BoundWorkflow",
    "Done",
    "Ignored",
    "Machine",
    "Outcome",
    "Resumable",
    "ResumableFunction",
    "Turn",
    "Wait",
    "run_with_memory",
]
