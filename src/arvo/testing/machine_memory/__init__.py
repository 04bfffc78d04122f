"""Conformance kit: checks any `MachineMemory` against every promise of the port.

`make` returns an async context manager that gives a `MemoryUnderTest`: your memory over an empty store. Framework-free:
`await check_machine_memory(make)` runs everything. Under pytest each check can be a test of its own:

    @pytest.mark.parametrize("check", CHECKS, ids=str)
    async def test_keeps_its_promise(check: Check) -> None:
        await check.run(make)
"""

from arvo.testing.machine_memory.check import Check, PromiseBrokenError
from arvo.testing.machine_memory.kit import CHECKS, Report, check_machine_memory
from arvo.testing.machine_memory.under_test import MakeMemory, MemoryUnderTest, StoreFaults

__all__ = [
    "CHECKS",
    "Check",
    "MakeMemory",
    "MemoryUnderTest",
    "PromiseBrokenError",
    "Report",
    "StoreFaults",
    "check_machine_memory",
]
