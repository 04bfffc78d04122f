"""One check of a memory: a promise with a name, the code that tries to break it, and how its failure reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias
from unittest import SkipTest

from arvo.testing import conformance
from arvo.testing.conformance import PromiseBrokenError, check_of, require
from arvo.testing.machine_memory.under_test import MemoryUnderTest

if TYPE_CHECKING:
    from arvo.ports.machine_memory import MachineMemory
    from arvo.testing.machine_memory.under_test import StoreFaults

__all__ = ["Check", "PromiseBrokenError", "check_of", "faults_of", "peer_of", "require"]

Check: TypeAlias = conformance.Check[MemoryUnderTest]


def faults_of(subject: MemoryUnderTest) -> StoreFaults:
    """Return the means to break the store, or skip the check that asks for them."""
    if subject.faults is None:
        raise SkipTest("the check needs MemoryUnderTest.faults, which was not given")
    return subject.faults


def peer_of(subject: MemoryUnderTest) -> MachineMemory:
    """Return the second memory on the same store, or skip the check that asks for it."""
    if subject.peer is None:
        raise SkipTest("the check needs MemoryUnderTest.peer, which was not given")
    return subject.peer
