"""Rate limits: no stretch of time ever has more than belong into it, and nobody waits for longer than needed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import DefinitionError, ExecutionViolation
from arvo.runtime import App, RateLimit, RetryPolicy, Subscription
from arvo.runtime.rate_limit import TokenBucket
from tests.unit.runtime.scene import FunctionHandler, SimulatedClock, request

if TYPE_CHECKING:
    from arvo.events import Event

RATES = st.builds(
    RateLimit,
    st.integers(1, 1000),
    per=st.timedeltas(min_value=timedelta(milliseconds=10), max_value=timedelta(hours=1)),
    burst=st.none() | st.integers(1, 20),
)
# The time between one event that wants to begin and the next, as a share of the rate's interval.
GAPS = st.lists(st.floats(0, 4) | st.just(0.0), min_size=1, max_size=60)


@given(RATES, GAPS)
def test_no_stretch_of_time_has_more_than_belong_into_it(rate: RateLimit, gaps: list[float]) -> None:
    bucket, now, begun = TokenBucket(rate), 1000.0, list[float]()
    for gap in gaps:
        now += gap * rate.interval_seconds
        now += bucket.wait(now)
        assert bucket.available(now) >= 1
        bucket.take(now)
        begun.append(now)
    for first, start in enumerate(begun):
        for last, end in enumerate(begun[first:], start=first):
            belong = (end - start) / rate.interval_seconds
            assert last - first + 1 <= belong + rate.together + 0.01


@given(RATES, st.integers(1, 100))
def test_who_always_waits_gets_the_full_rate(rate: RateLimit, events: int) -> None:
    bucket, now = TokenBucket(rate), 0.0
    for _ in range(events):
        now += bucket.wait(now)
        bucket.take(now)
    assert now == pytest.approx(max(0, events - rate.together) * rate.interval_seconds)


@given(RATES, GAPS)
def test_places_in_a_row_are_as_good_as_waiting(rate: RateLimit, gaps: list[float]) -> None:
    waiting, queueing = TokenBucket(rate), TokenBucket(rate)
    now, free_at = 0.0, 0.0
    for gap in gaps:
        now += gap * rate.interval_seconds
        place = queueing.wait(now)
        queueing.take(now)
        free_at = max(now, free_at)
        free_at += waiting.wait(free_at)
        waiting.take(free_at)
        assert now + place == pytest.approx(free_at, abs=1e-6 * rate.interval_seconds)


@given(RATES, st.integers(1, 50), st.data())
def test_tokens_that_were_not_needed_are_there_again(rate: RateLimit, taken: int, data: st.DataObject) -> None:
    needed = data.draw(st.integers(0, taken))
    bucket, other = TokenBucket(rate), TokenBucket(rate)
    bucket.take(5.0, taken)
    bucket.give_back(taken - needed)
    other.take(5.0, needed)
    assert bucket.wait(6.0) == pytest.approx(other.wait(6.0))
    assert bucket.available(5.0) == other.available(5.0)


def test_a_full_bucket_holds_a_twentieth_of_a_second_unless_told_otherwise() -> None:
    assert TokenBucket(RateLimit(100)).available(0) == 5
    assert TokenBucket(RateLimit(100, per=timedelta(minutes=1))).available(0) == 1
    assert TokenBucket(RateLimit(100, burst=40)).available(0) == 40


@pytest.mark.parametrize(
    ("limit", "per", "burst", "message"),
    [
        (0, 1, None, "limit=0: no event could ever be handled"),
        (1, 0, None, "per=0:00:00: give it a time above zero"),
        (1, 1, 0, "burst=0: give it 1 or more"),
    ],
)
def test_a_limit_that_lets_nothing_through_is_refused(limit: int, per: int, burst: int | None, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        RateLimit(limit, per=timedelta(seconds=per), burst=burst)


class Diary:
    """A handler that notes when it was begun."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.begun: list[float] = []
        self._clock = clock

    async def execute(self, _: Event[Any]) -> None:
        self.begun.append(self._clock.monotonic())


async def test_an_app_begins_events_evenly_and_in_order_of_arrival() -> None:
    clock = SimulatedClock()
    diary = Diary(clock)
    limited = Subscription(FunctionHandler("com.a.a", diary.execute), rate_limit=RateLimit(10, burst=2))
    async with App([limited], clock=clock) as app:
        for number in range(6):
            await app.publish(request("com.a.a", subject=f"process/{number}"))
        await clock.advance(timedelta(seconds=1))
        assert diary.begun == pytest.approx([0, 0, 0.1, 0.2, 0.3, 0.4])


async def test_a_retry_needs_a_token_of_its_own() -> None:
    clock = SimulatedClock()
    begun: list[float] = []

    async def fails(_: Event[Any]) -> None:
        begun.append(clock.monotonic())
        raise ExecutionViolation("again")

    policy = RetryPolicy(attempts=3, initial_delay=timedelta(0))
    limited = Subscription(FunctionHandler("com.a.a", fails), retry=policy, rate_limit=RateLimit(10))
    async with App([limited], clock=clock) as app:
        await app.publish(request("com.a.a"))
        await clock.advance(timedelta(seconds=1))
        assert begun == pytest.approx([0, 0.1, 0.2])


async def test_an_app_that_waits_for_a_token_can_be_stopped() -> None:
    diary = Diary(SimulatedClock())
    hourly = RateLimit(1, per=timedelta(hours=1))
    app = App([Subscription(FunctionHandler("com.a.a", diary.execute), rate_limit=hourly)])
    async with asyncio.timeout(5), app:
        for _ in range(2):
            await app.publish(request("com.a.a"))
        await app.close(timeout=timedelta(milliseconds=50))
    assert app.shutdown_report is not None
    assert len(app.shutdown_report.unfinished) == 1
