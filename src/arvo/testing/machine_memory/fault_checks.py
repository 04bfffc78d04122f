"""Checks of a failing store: what is tried again, what fails at once, and that "no answer" never reads as "nothing"."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from arvo.errors import BackendError
from arvo.testing.machine_memory.check import check_of, faults_of, require

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from arvo.testing.machine_memory.under_test import MemoryUnderTest

__all__ = ["FAULT_CHECKS"]

_ALWAYS = 1_000_000
_BUDGET_SECONDS = 1.0


async def read_survives_a_hiccup(subject: MemoryUnderTest) -> None:
    """A read whose first try fails is tried again and succeeds."""
    await subject.memory.write("a", {"n": 1}, None)
    faults_of(subject).fail_next(1)
    found = await subject.memory.read("a")
    require(found == {"n": 1}, f"it returned {found!r}")


async def read_gives_up_within_a_second(subject: MemoryUnderTest) -> None:
    """A read on a failing store raises BackendError after two or three tries and within one second."""
    await subject.memory.write("a", {"n": 1}, None)
    faults = faults_of(subject)
    faults.fail_next(_ALWAYS)
    started = monotonic()
    await _require_backend_error(subject.memory.read("a"), "read")
    took = monotonic() - started
    tries = faults.accesses
    require(took < _BUDGET_SECONDS, f"it took {took:.2f} s")
    require(2 <= tries <= 3, f"it reached for the store {tries} times")


async def failed_read_is_not_nothing(subject: MemoryUnderTest) -> None:
    """A read on a failing store never returns None, not even where nothing was written."""
    await subject.memory.read("nobody-wrote-this")
    faults_of(subject).fail_next(_ALWAYS)
    await _require_backend_error(subject.memory.read("nobody-wrote-this"), "read")


async def write_fails_at_once(subject: MemoryUnderTest) -> None:
    """A write on a failing store raises BackendError at the first try and changes nothing."""
    await subject.memory.write("a", {"n": 1}, None)
    faults = faults_of(subject)
    faults.fail_next(_ALWAYS)
    await _require_backend_error(subject.memory.write("a", {"n": 2}, {"n": 1}), "write")
    tries = faults.accesses
    require(tries == 1, f"it reached for the store {tries} times")
    faults.heal()
    found = await subject.memory.read("a")
    require(found == {"n": 1}, f"the failed write left {found!r}")


async def failed_lock_is_not_denied(subject: MemoryUnderTest) -> None:
    """A lock on a failing store raises BackendError within one second; it never returns False, let alone True."""
    await subject.memory.lock("b", "first")
    faults_of(subject).fail_next(_ALWAYS)
    started = monotonic()
    await _require_backend_error(subject.memory.lock("a", "first"), "lock")
    took = monotonic() - started
    require(took < _BUDGET_SECONDS, f"it took {took:.2f} s")


async def failed_unlock_is_tolerated(subject: MemoryUnderTest) -> None:
    """An unlock that cannot reach the store raises nothing; the lock then expires by itself."""
    await subject.memory.lock("a", "first")
    faults = faults_of(subject)
    faults.fail_next(_ALWAYS)
    await subject.memory.unlock("a", "first")
    faults.heal()
    await subject.let_time_pass(subject.lock_ttl * 1.1)
    require(await subject.memory.lock("a", "second") is True, "the lock was still held after its time to live")


async def memory_recovers_with_its_store(subject: MemoryUnderTest) -> None:
    """Once the store answers again, the same memory works again."""
    await subject.memory.write("a", {"n": 1}, None)
    faults = faults_of(subject)
    faults.fail_next(_ALWAYS)
    await _require_backend_error(subject.memory.read("a"), "read")
    await _require_backend_error(subject.memory.write("a", {"n": 2}, {"n": 1}), "write")
    await _require_backend_error(subject.memory.lock("a", "first"), "lock")
    faults.heal()
    require(await subject.memory.lock("a", "first") is True, "the lock was denied")
    await subject.memory.write("a", {"n": 2}, {"n": 1})
    found = await subject.memory.read("a")
    require(found == {"n": 2}, f"a write then left {found!r}")


async def _require_backend_error(call: Awaitable[object], what: str) -> None:
    try:
        answer = await call
    except BackendError:
        return
    require(False, f"{what} answered {answer!r} although the store failed")


FAULT_CHECKS = (
    check_of(read_survives_a_hiccup),
    check_of(read_gives_up_within_a_second),
    check_of(failed_read_is_not_nothing),
    check_of(write_fails_at_once),
    check_of(failed_lock_is_not_denied),
    check_of(failed_unlock_is_tolerated),
    check_of(memory_recovers_with_its_store),
)
