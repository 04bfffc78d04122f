"""The system clock tells the machine's time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from arvo.ports import SystemClock


def test_now_is_aware_utc() -> None:
    now = SystemClock().now()

    assert now.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)


@pytest.mark.parametrize("seconds", [0.02, 0, -1])
async def test_sleep_takes_at_least_its_time_and_none_when_there_is_none(seconds: float) -> None:
    clock = SystemClock()
    started = clock.monotonic()

    await clock.sleep(seconds)

    assert max(seconds, 0) <= clock.monotonic() - started < 5


def test_monotonic_is_the_process_clock() -> None:
    assert abs(SystemClock().monotonic() - time.monotonic()) < 5
