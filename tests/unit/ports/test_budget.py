"""Back ends try as often as the port promises, and no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from arvo.errors import BackendError, DefinitionError
from arvo.ports.budget import lock_seconds, try_lock, try_read


class InstantClock:
    """Time passes only by sleeping, and sleeping takes no time."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        return self.slept

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds


class Attempts:
    def __init__(self, *outcomes: object) -> None:
        self.outcomes = list(outcomes)

    async def __call__(self) -> bool:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return bool(outcome)


DOWN = BackendError("down")


async def test_a_read_is_tried_until_the_store_answers() -> None:
    attempts = Attempts(DOWN, DOWN, True)

    assert await try_read(attempts, InstantClock()) is True


async def test_a_read_gives_up_after_three_tries_well_within_a_second() -> None:
    clock, attempts = InstantClock(), Attempts(DOWN, DOWN, DOWN, True)

    with pytest.raises(BackendError, match="down"):
        await try_read(attempts, clock)

    assert len(attempts.outcomes) == 1
    assert clock.slept < 0.5


async def test_a_read_is_not_tried_again_for_other_errors() -> None:
    attempts = Attempts(ZeroDivisionError(), True)

    with pytest.raises(ZeroDivisionError):
        await try_read(attempts, InstantClock())

    assert len(attempts.outcomes) == 1


async def test_a_lock_is_tried_until_it_is_granted() -> None:
    attempts = Attempts(False, False, False, True)

    assert await try_lock(attempts, InstantClock()) is True


async def test_a_lock_is_denied_after_a_few_tries_well_within_a_second() -> None:
    clock, attempts = InstantClock(), Attempts(*[False] * 10)

    assert await try_lock(attempts, clock) is False

    assert 6 <= len(attempts.outcomes) <= 8
    assert clock.slept < 0.5


async def test_a_lock_is_not_tried_again_when_the_store_fails() -> None:
    attempts = Attempts(DOWN, True)

    with pytest.raises(BackendError, match="down"):
        await try_lock(attempts, InstantClock())

    assert len(attempts.outcomes) == 1


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(seconds=-1)])
def test_locks_without_a_life_are_refused(ttl: timedelta) -> None:
    with pytest.raises(DefinitionError, match="every lock would expire at once"):
        lock_seconds(ttl)


def test_a_time_to_live_is_counted_in_seconds() -> None:
    assert lock_seconds(timedelta(minutes=2, milliseconds=500)) == 120.5
