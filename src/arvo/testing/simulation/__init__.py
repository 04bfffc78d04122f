"""A whole system in one process, on simulated time, under faults that a seed chooses: the same seed is the same run.

The workers are those of `arvo.runtime`, unchanged; the store, the clocks, the network and the event loop are simulated.
Start in `trial` (one seed) and `run`; `ledger` knows the promises, `faults` what goes wrong, `shrinking` makes failures
short.
"""

from arvo.testing.simulation.faults import Fault, FaultKind
from arvo.testing.simulation.loop import RealWorldError, SimulatedLoop
from arvo.testing.simulation.run import Outcome
from arvo.testing.simulation.shrinking import Shrunk, shrink
from arvo.testing.simulation.system import Scenario, System
from arvo.testing.simulation.trial import SeedReport, report_on, try_out
from arvo.testing.simulation.violations import Rule, Violation

__all__ = [
    "Fault",
    "FaultKind",
    "Outcome",
    "RealWorldError",
    "Rule",
    "Scenario",
    "SeedReport",
    "Shrunk",
    "SimulatedLoop",
    "System",
    "Violation",
    "report_on",
    "shrink",
    "try_out",
]
