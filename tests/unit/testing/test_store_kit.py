"""The conformance kit for stores finds what is broken, names it, and finds nothing where all is well."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from unittest import SkipTest

import pytest

from arvo.testing import ShiftableClock
from arvo.testing.store import CHECKS, PromiseBrokenError, Report, StoreUnderTest, check_store
from tests.unit.testing.broken_answer_stores import BROKEN_AT_ANSWERS
from tests.unit.testing.broken_finish_stores import BROKEN_AT_FINISH, ReferenceStore
from tests.unit.testing.broken_onward_stores import BROKEN_AT_GOING_ON
from tests.unit.testing.broken_work_stores import BROKEN_AT_WORK, BreakableStore, ForgetsWhatWaits

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

BROKEN = [*BROKEN_AT_WORK, *BROKEN_AT_FINISH, *BROKEN_AT_ANSWERS, *BROKEN_AT_GOING_ON]
# Broken stores may keep a check waiting for ever.
QUICK_CHECKS = {check.name: replace(check, limit_seconds=2) for check in CHECKS}


@asynccontextmanager
async def under_test(kind: type[BreakableStore]) -> AsyncGenerator[StoreUnderTest]:
    clock = ShiftableClock()
    store = kind(clock=clock)

    @asynccontextmanager
    async def fail_commits() -> AsyncGenerator[None]:
        assert isinstance(store, ReferenceStore)
        store.failing = True
        yield
        store.failing = False

    async with store:
        yield StoreUnderTest(
            store=store,
            peer=store,
            span=timedelta(seconds=60),
            let_time_pass=clock.let_pass,
            fail_commits=fail_commits if isinstance(store, ReferenceStore) else None,
        )


async def test_all_checks_pass_on_a_store_that_keeps_its_promises() -> None:
    checks = tuple(replace(check, limit_seconds=20) for check in CHECKS)

    report = await check_store(partial(under_test, ReferenceStore), checks)

    assert report == Report(kept=checks, skipped=())


@pytest.mark.parametrize(("kind", "name"), [pytest.param(*case, id=f"{case[0].__name__}-{case[1]}") for case in BROKEN])
async def test_a_broken_promise_fails_the_check_made_for_it(kind: type[BreakableStore], name: str) -> None:
    with pytest.raises(PromiseBrokenError, match=f"^{name}: "):
        await QUICK_CHECKS[name].run(partial(under_test, kind))


def test_every_check_is_proven_by_a_store_that_fails_it() -> None:
    assert {name for _, name in BROKEN} == set(QUICK_CHECKS)


def test_checks_have_unique_names_and_state_their_promise_in_a_sentence() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert [check.name for check in CHECKS if not check.promise.endswith(".")] == []


async def test_what_cannot_be_checked_is_skipped_and_reported() -> None:
    check = QUICK_CHECKS["failed_finish_does_nothing"]

    with pytest.raises(SkipTest, match="fail_commits"):
        await check.run(partial(under_test, BreakableStore))
    assert await check_store(partial(under_test, BreakableStore), [check]) == Report(kept=(), skipped=(check,))


async def test_all_broken_promises_are_reported_together() -> None:
    names = ("waiting_duplicate_is_dropped", "closed_store_says_so", "consumed_duplicate_is_dropped")

    class ForgetfulAndOpen(ForgetsWhatWaits):
        async def close(self) -> None:
            pass

    with pytest.raises(ExceptionGroup, match="2 of the promises of Store are broken"):
        await check_store(partial(under_test, ForgetfulAndOpen), [QUICK_CHECKS[name] for name in names])
