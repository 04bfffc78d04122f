"""What tests of Arvo applications and back ends need.

For applications: `Harness` runs a whole app in one test, `Suite` runs declared cases against handlers, and the pytest
plugin `pytest_arvo` gives both to tests. For back ends, conformance kits are modules: `machine_memory.CHECKS`,
`machine_memory.check_machine_memory`; `store.CHECKS`, `store.check_store`; `broker.CHECKS`, `broker.check_broker`.
"""

from arvo.testing import broker, machine_memory, store
from arvo.testing.clock import ShiftableClock
from arvo.testing.harness import Harness, ManualClock, NoAnswerError, RecordedEvents, StuckError
from arvo.testing.suites import Case, Expect, Repeat, Step, Suite, SuiteFailedError
from arvo.testing.telemetry import RecordedTelemetry, recorded_telemetry

__all__ = [
    "Case",
    "Expect",
    "Harness",
    "ManualClock",
    "NoAnswerError",
    "RecordedEvents",
    "RecordedTelemetry",
    "Repeat",
    "ShiftableClock",
    "Step",
    "StuckError",
    "Suite",
    "SuiteFailedError",
    "broker",
    "machine_memory",
    "recorded_telemetry",
    "store",
]
