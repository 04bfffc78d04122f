"""Credits: who gets one, in which order, and what happens to those who leave the line."""

from __future__ import annotations

import asyncio

import pytest

from arvo.runtime.admission import Admission
from tests.unit.runtime.scene import settle


async def test_credits_are_given_at_once_until_there_are_none() -> None:
    admission = Admission(2)
    await admission.enter()
    await admission.enter()
    third = asyncio.create_task(admission.enter())
    await settle()
    assert not third.done()
    admission.leave()
    await third


async def test_those_who_wait_are_let_in_in_order() -> None:
    admission = Admission(1)
    await admission.enter()
    entered: list[int] = []

    async def enter(number: int) -> None:
        await admission.enter()
        entered.append(number)

    tasks = [asyncio.create_task(enter(number)) for number in range(3)]
    await settle()
    for _ in tasks:
        admission.leave()
    await asyncio.gather(*tasks)
    assert entered == [0, 1, 2]


async def test_nobody_overtakes_those_who_wait() -> None:
    admission = Admission(1)
    await admission.enter()
    first = asyncio.create_task(admission.enter())
    await settle()
    admission.leave()
    late = asyncio.create_task(admission.enter())
    await settle()
    assert first.done()
    assert not late.done()
    late.cancel()


async def test_a_cancelled_waiter_is_passed_over() -> None:
    admission = Admission(1)
    await admission.enter()
    first, second = (asyncio.create_task(admission.enter()) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    admission.leave()
    await second
    assert first.cancelled()


async def test_a_credit_granted_to_a_task_cancelled_in_that_moment_is_not_lost() -> None:
    admission = Admission(1)
    await admission.enter()
    first = asyncio.create_task(admission.enter())
    await settle()
    admission.leave()
    first.cancel()
    await settle()
    assert first.cancelled()
    await admission.enter()


async def test_closing_turns_away_those_who_wait_and_those_who_come() -> None:
    admission = Admission(1)
    await admission.enter()
    waiting = asyncio.create_task(admission.enter())
    cancelled = asyncio.create_task(admission.enter())
    await settle()
    cancelled.cancel()
    admission.close(lambda: RuntimeError("closed"))
    with pytest.raises(RuntimeError, match="closed"):
        await waiting
    with pytest.raises(RuntimeError, match="closed"):
        await admission.enter()


async def test_a_waiter_cancelled_after_the_closing_leaves_no_credit_behind() -> None:
    admission = Admission(1)
    await admission.enter()
    waiting = asyncio.create_task(admission.enter())
    await settle()
    admission.close(lambda: RuntimeError("closed"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
