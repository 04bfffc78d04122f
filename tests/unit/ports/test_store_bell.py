"""Those who wait for work are woken by whatever is stored, and miss nothing between looking and waiting."""

from __future__ import annotations

import asyncio

from arvo.ports import SystemClock
from arvo.ports.store.bell import Bell

CLOCK = SystemClock()


async def test_a_ring_wakes_everybody_who_waits() -> None:
    bell = Bell()
    waiting = [asyncio.ensure_future(bell.wait(60, CLOCK, heard=bell.rings)) for _ in range(3)]
    await asyncio.sleep(0)

    bell.ring()
    bell.ring()

    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)


async def test_a_ring_between_looking_and_waiting_is_not_missed() -> None:
    bell = Bell()
    heard = bell.rings
    bell.ring()

    async with asyncio.timeout(1):
        await bell.wait(60, CLOCK, heard=heard)


async def test_without_a_ring_the_wait_ends_after_its_time() -> None:
    bell = Bell()

    async with asyncio.timeout(1):
        await bell.wait(0.01, CLOCK, heard=bell.rings)
        await bell.wait(-1, CLOCK, heard=bell.rings)


async def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    bell = Bell()
    waiting = asyncio.ensure_future(bell.wait(60, CLOCK, heard=bell.rings))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait([waiting])
    await asyncio.sleep(0)

    bell.ring()
    assert waiting.cancelled()
    assert len(asyncio.all_tasks()) == 1
