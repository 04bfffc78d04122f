"""All checks, and the runner that goes through them and reports every broken promise at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from arvo.testing import conformance
from arvo.testing.machine_memory.fault_checks import FAULT_CHECKS
from arvo.testing.machine_memory.lock_checks import LOCK_CHECKS
from arvo.testing.machine_memory.record_checks import RECORD_CHECKS
from arvo.testing.machine_memory.under_test import MemoryUnderTest
from arvo.testing.machine_memory.write_checks import WRITE_CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.testing.machine_memory.check import Check
    from arvo.testing.machine_memory.under_test import MakeMemory

__all__ = ["CHECKS", "Report", "check_machine_memory"]

CHECKS: tuple[Check, ...] = (*RECORD_CHECKS, *WRITE_CHECKS, *LOCK_CHECKS, *FAULT_CHECKS)

Report: TypeAlias = conformance.Report[MemoryUnderTest]


async def check_machine_memory(make: MakeMemory, checks: Iterable[Check] = CHECKS) -> Report:
    """Run every check, each on a memory freshly made, and report; an ExceptionGroup holds all broken promises.

    `make` returns an async context manager that gives a `MemoryUnderTest` over an empty store.
    """
    return await conformance.run_checks("MachineMemory", make, checks)
