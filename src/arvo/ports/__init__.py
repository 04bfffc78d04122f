"""What Arvo needs from the world outside, as Protocols whose docstrings are the promises.

Back ends implement them under `arvo.backends`; `arvo.testing` checks that they do. No back end is imported here.
"""

from arvo.ports.clock import Clock, SystemClock
from arvo.ports.machine_memory import (
    BrowsableMemory,
    InvalidRecordError,
    MachineMemory,
    StaleWriteError,
    StoredRecord,
)

__all__ = [
    "BrowsableMemory",
    "Clock",
    "InvalidRecordError",
    "MachineMemory",
    "StaleWriteError",
    "StoredRecord",
    "SystemClock",
]
