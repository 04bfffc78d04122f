"""All checks, and the runner that goes through them and reports every broken promise at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import SkipTest

from arvo.testing.machine_memory.check import PromiseBrokenError
from arvo.testing.machine_memory.fault_checks import FAULT_CHECKS
from arvo.testing.machine_memory.lock_checks import LOCK_CHECKS
from arvo.testing.machine_memory.record_checks import RECORD_CHECKS
from arvo.testing.machine_memory.write_checks import WRITE_CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.testing.machine_memory.check import Check
    from arvo.testing.machine_memory.under_test import MakeMemory

__all__ = ["CHECKS", "Report", "check_machine_memory"]

CHECKS: tuple[Check, ...] = (*RECORD_CHECKS, *WRITE_CHECKS, *LOCK_CHECKS, *FAULT_CHECKS)


@dataclass(frozen=True, slots=True)
class Report:
    """Which promises were checked and kept, and which could not be checked."""

    kept: tuple[Check, ...]
    skipped: tuple[Check, ...]


async def check_machine_memory(make: MakeMemory, checks: Iterable[Check] = CHECKS) -> Report:
    """Run every check, each on a memory freshly made, and report; an ExceptionGroup holds all broken promises.

    `make` returns an async context manager that gives a `MemoryUnderTest` over an empty store.
    """
    kept: list[Check] = []
    skipped: list[Check] = []
    broken: list[PromiseBrokenError] = []
    for check in checks:
        try:
            await check.run(make)
        except SkipTest:
            skipped.append(check)
        except PromiseBrokenError as error:
            broken.append(error)
        else:
            kept.append(check)
    if broken:
        raise ExceptionGroup(f"{len(broken)} of the promises of MachineMemory are broken", broken)
    return Report(tuple(kept), tuple(skipped))
