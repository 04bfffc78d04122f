"""The conformance kit finds what is broken, names it, and finds nothing where all is well."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from unittest import SkipTest

import pytest

from arvo.errors import BackendError
from arvo.testing import ShiftableClock
from arvo.testing.machine_memory import (
    CHECKS,
    Check,
    MemoryUnderTest,
    PromiseBrokenError,
    Report,
    StoreFaults,
    check_machine_memory,
)
from tests.unit.testing.broken_locks import BROKEN_LOCKS, BROKEN_UNDER_FAULTS
from tests.unit.testing.broken_memories import BROKEN_RECORDS, LetsTheLastWriteWin, TakesEmptyForNothing
from tests.unit.testing.reference_memory import LOCK_TTL, QuickClock, ReferenceMemory, Store, unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

BROKEN = [*BROKEN_RECORDS, *BROKEN_LOCKS, *BROKEN_UNDER_FAULTS]
# Broken locks may keep 32 tasks waiting for ever.
QUICK_CHECKS = {check.name: replace(check, limit_seconds=3) for check in CHECKS}


@asynccontextmanager
async def over_one_store(kind: type[ReferenceMemory]) -> AsyncGenerator[MemoryUnderTest]:
    store, clock, faults = Store(), QuickClock(), StoreFaults(unreachable)
    memory, peer = kind(store, clock, faults), kind(store, clock, faults)
    yield MemoryUnderTest(memory=memory, peer=peer, lock_ttl=LOCK_TTL, let_time_pass=clock.let_pass, faults=faults)


@asynccontextmanager
async def memory_alone() -> AsyncGenerator[MemoryUnderTest]:
    clock = QuickClock()
    memory = ReferenceMemory(Store(), clock, StoreFaults(unreachable))
    yield MemoryUnderTest(memory=memory, lock_ttl=LOCK_TTL, let_time_pass=clock.let_pass)


async def test_all_checks_pass_on_a_memory_that_keeps_its_promises() -> None:
    checks = tuple(QUICK_CHECKS.values())

    report = await check_machine_memory(partial(over_one_store, ReferenceMemory), checks)

    assert report == Report(kept=checks, skipped=())


@pytest.mark.parametrize(("kind", "name"), [pytest.param(*case, id=f"{case[0].__name__}-{case[1]}") for case in BROKEN])
async def test_a_broken_promise_fails_the_check_made_for_it(kind: type[ReferenceMemory], name: str) -> None:
    with pytest.raises(PromiseBrokenError, match=f"^{name}: "):
        await QUICK_CHECKS[name].run(partial(over_one_store, kind))


def test_every_check_is_proven_by_a_memory_that_fails_it() -> None:
    assert {name for _, name in BROKEN} == set(QUICK_CHECKS)


def test_checks_have_unique_names_and_state_their_promise_in_a_sentence() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert [check.name for check in CHECKS if not check.promise.endswith(".")] == []
    assert str(CHECKS[0]) == CHECKS[0].name


async def test_all_broken_promises_are_reported_together() -> None:
    checks = [QUICK_CHECKS[name] for name in ("unknown_id_reads_none", "stale_write_is_refused", "no_update_is_lost")]

    with pytest.raises(ExceptionGroup, match="2 of the promises") as caught:
        await check_machine_memory(partial(over_one_store, LetsTheLastWriteWin), checks)

    names = [str(error).partition(":")[0] for error in caught.value.exceptions]
    assert names == ["stale_write_is_refused", "no_update_is_lost"]


async def test_a_failure_tells_the_promise_and_what_was_seen() -> None:
    with pytest.raises(PromiseBrokenError) as caught:
        await QUICK_CHECKS["empty_record_is_a_record"].run(partial(over_one_store, TakesEmptyForNothing))

    assert str(caught.value) == (
        "empty_record_is_a_record: An empty object is a record like any other, not the absence of one. "
        "But an empty record was read as None."
    )


async def test_what_cannot_be_checked_is_skipped_and_reported() -> None:
    with pytest.raises(SkipTest, match="faults"):
        await QUICK_CHECKS["write_fails_at_once"].run(memory_alone)
    checks = [QUICK_CHECKS[name] for name in ("unknown_id_reads_none", "write_fails_at_once", "peer_sees_writes")]

    report = await check_machine_memory(memory_alone, checks)

    assert report == Report(kept=(checks[0],), skipped=(checks[1], checks[2]))


async def test_an_unexpected_exception_is_a_broken_promise_with_its_cause() -> None:
    async def explode(_: MemoryUnderTest) -> None:
        """Nothing explodes."""
        raise ZeroDivisionError("boom")

    with pytest.raises(PromiseBrokenError, match="But it raised ZeroDivisionError: boom") as caught:
        await Check("explode", "Nothing explodes.", explode).run(memory_alone)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def test_a_memory_that_hangs_is_given_up() -> None:
    async def hang(_: MemoryUnderTest) -> None:
        await asyncio.Event().wait()

    with pytest.raises(PromiseBrokenError, match=r"did not finish within 0\.05 s"):
        await Check("hang", "It ends.", hang, limit_seconds=0.05).run(memory_alone)


async def test_time_passes_for_real_unless_told_otherwise() -> None:
    memory = ReferenceMemory(Store(), QuickClock(), StoreFaults(unreachable))
    subject = MemoryUnderTest(memory=memory, lock_ttl=LOCK_TTL)
    started = time.monotonic()

    await subject.let_time_pass(timedelta(milliseconds=30))

    assert time.monotonic() - started >= 0.03


async def test_faults_strike_as_often_as_told_and_count() -> None:
    faults = StoreFaults(unreachable)
    faults.strike()
    faults.fail_next(2)
    for _ in range(2):
        with pytest.raises(BackendError):
            faults.strike()
    faults.strike()

    assert faults.accesses == 3


async def test_a_shifted_clock_moves_both_kinds_of_time_and_sleeps_for_real() -> None:
    clock = ShiftableClock()
    wall, ticks = clock.now(), clock.monotonic()

    await clock.let_pass(timedelta(days=1))
    await clock.sleep(0.01)

    assert timedelta(days=1, milliseconds=9) < clock.now() - wall < timedelta(days=1, seconds=30)
    assert 86_400.009 < clock.monotonic() - ticks < 86_430
