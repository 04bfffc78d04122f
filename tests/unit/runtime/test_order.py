"""First in first out, one at a time for each subject, different subjects side by side."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arvo.errors import ContractViolation, ExecutionViolation
from arvo.runtime import App, RetryPolicy, Subscription
from tests.unit.runtime.scene import FunctionHandler, SimulatedClock, answer, handler, request, sent, settle

if TYPE_CHECKING:
    from arvo.events import Event


async def test_a_handler_with_concurrency_one_takes_all_events_in_order_of_arrival() -> None:
    taken: list[str] = []

    @handler("com.a.a")
    async def slow(event: Event[Any]) -> None:
        taken.append(event.id)
        await asyncio.sleep(0)

    subjects = ["x", "x", "y", "x", "z", "y"]
    async with App([slow], concurrency=1) as app:
        for number, subject in enumerate(subjects):
            await app.publish(request("com.a.a", subject=subject, id=str(number)))
        await app.wait_idle()
    assert taken == ["0", "1", "2", "3", "4", "5"]


async def test_events_of_one_subject_are_taken_one_at_a_time() -> None:
    running = Counter[str]()
    most = Counter[str]()

    @handler("com.a.a")
    async def slow(event: Event[Any]) -> None:
        running[event.subject] += 1
        most[event.subject] = max(most[event.subject], running[event.subject])
        await asyncio.sleep(0)
        running[event.subject] -= 1

    async with App([slow]) as app:
        for number in range(20):
            await app.publish(request("com.a.a", subject=f"s{number % 2}"))
        await app.wait_idle()
    assert most == {"s0": 1, "s1": 1}


async def test_different_subjects_run_side_by_side_up_to_the_concurrency() -> None:
    running = 0
    gate = asyncio.Event()

    @handler("com.a.a")
    async def slow(_: Event[Any]) -> None:
        nonlocal running
        running += 1
        await gate.wait()

    async with App([Subscription(slow, concurrency=3)]) as app:
        for number in range(10):
            await app.publish(request("com.a.a", subject=f"s{number}"))
        await settle()
        assert running == 3
        gate.set()
        await app.wait_idle()
        assert running == 10


async def test_two_handlers_work_on_one_subject_at_the_same_time() -> None:
    both = asyncio.Barrier(2)

    async def meet(_: Event[Any]) -> None:
        await both.wait()

    async with App([FunctionHandler("com.a.a", meet), FunctionHandler("com.b.b", meet)]) as app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.b.b"))
        await app.wait_idle()


async def test_what_a_handler_emits_arrives_in_the_order_of_emission() -> None:
    taken: list[str] = []

    @handler("com.a.a")
    async def several(event: Event[Any]) -> list[Event[Any]]:
        return [sent("com.a.a", event, to="com.b.b", id=str(number)) for number in range(5)]

    @handler("com.b.b")
    async def note(event: Event[Any]) -> None:
        taken.append(event.id)

    async with App([several, note]) as app:
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    assert taken == ["0", "1", "2", "3", "4"]


@settings(deadline=None, max_examples=60)
@given(
    subjects=st.lists(st.sampled_from("abcd"), min_size=1, max_size=40),
    concurrency=st.integers(1, 5),
    failures=st.dictionaries(st.integers(0, 39), st.integers(1, 4)),
    pauses=st.lists(st.integers(0, 3), min_size=1),
)
def test_order_within_a_subject_survives_any_concurrency_and_failures(
    subjects: list[str], concurrency: int, failures: dict[int, int], pauses: list[int]
) -> None:
    """Event `n` fails `failures[n]` times (4 is once too often); each attempt pauses a varying number of turns."""
    begun: dict[str, list[int]] = defaultdict(list)
    left = dict(failures)
    busy: set[str] = set()

    @handler("com.a.a")
    async def flaky(event: Event[Any]) -> Event[Any]:
        number = int(event.id)
        assert event.subject not in busy
        assert len(busy) < concurrency
        busy.add(event.subject)
        begun[event.subject].append(number)
        for _ in range(pauses[len(begun[event.subject]) % len(pauses)]):
            await asyncio.sleep(0)
        busy.remove(event.subject)
        if left.get(number, 0):
            left[number] -= 1
            raise ExecutionViolation("not yet") if number % 5 else ContractViolation("never")
        return answer("com.a.a", event)

    async def run() -> set[str]:
        clock = SimulatedClock()
        retry = RetryPolicy(attempts=4, initial_delay=timedelta(seconds=1))
        async with App([flaky], concurrency=concurrency, retry=retry, clock=clock) as app:
            for number, subject in enumerate(subjects):
                await app.publish(request("com.a.a", subject=subject, id=str(number)))
            await clock.advance(timedelta(hours=1))
            await app.wait_idle()
            return {letter.event.id for letter in app.dead_letters}

    parked = asyncio.run(run())
    for subject in set(subjects):
        arrived = [number for number, other in enumerate(subjects) if other == subject]
        # Attempts of one event follow each other without a gap, and events come in order of arrival.
        assert list(dict.fromkeys(begun[subject])) == arrived
        assert begun[subject] == sorted(begun[subject])
    poison = {str(number) for number in failures if number % 5 == 0 and number < len(subjects)}
    exhausted = {str(number) for number, times in failures.items() if times == 4 and number < len(subjects)}
    assert parked == poison | exhausted
