"""Calls that come together are carried out together, and none suffers for another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from arvo.errors import BackendError
from arvo.ports.store.grouping import Grouping

if TYPE_CHECKING:
    from collections.abc import Sequence


class Recorder:
    """Carries out requests, which are texts; the answer is the text in capitals."""

    def __init__(self, *, at_once: int = 1) -> None:
        self.groups: list[list[str]] = []
        self.going_on = asyncio.Event()
        self.going_on.set()
        self.grouping: Grouping[str, str] = Grouping(
            self.carry_out,
            about=lambda request: request[:1],
            is_outage=lambda error: "down" in str(error),
            at_once=at_once,
        )

    async def carry_out(self, requests: Sequence[str]) -> Sequence[str]:
        self.groups.append(list(requests))
        await self.going_on.wait()
        if any("odd" in request for request in requests):
            raise ZeroDivisionError("odd")
        for word in ("bad", "down"):
            if any(word in request for request in requests):
                raise BackendError(f"{word}!")
        return [request.upper() for request in requests]

    async def submit(self, *requests: str) -> list[str | BaseException]:
        return await asyncio.gather(*map(self.grouping.submit, requests), return_exceptions=True)


def is_down(error: BackendError) -> bool:
    return "down" in str(error)


async def test_requests_that_come_together_share_a_group() -> None:
    recorder = Recorder()

    assert await recorder.submit("a", "b", "c") == ["A", "B", "C"]
    assert recorder.groups == [["a", "b", "c"]]


async def test_what_comes_while_a_group_is_under_way_forms_the_next() -> None:
    recorder = Recorder()
    recorder.going_on.clear()
    first = asyncio.ensure_future(recorder.submit("a"))
    await asyncio.sleep(0.01)
    rest = asyncio.ensure_future(recorder.submit("b", "c"))
    await asyncio.sleep(0.01)
    recorder.going_on.set()

    assert [*await first, *await rest] == ["A", "B", "C"]
    assert recorder.groups == [["a"], ["b", "c"]]


async def test_requests_about_one_thing_never_share_a_group_and_keep_their_order() -> None:
    recorder = Recorder(at_once=3)

    assert await recorder.submit("a1", "b", "a2", "c", "a3") == ["A1", "B", "A2", "C", "A3"]
    assert recorder.groups == [["a1", "b"], ["a2", "c"], ["a3"]]


async def test_as_many_groups_as_allowed_are_under_way_at_once() -> None:
    recorder = Recorder(at_once=2)
    recorder.going_on.clear()
    waiting = [asyncio.ensure_future(recorder.submit("a"))]
    await asyncio.sleep(0.01)
    waiting.append(asyncio.ensure_future(recorder.submit("b")))
    await asyncio.sleep(0.01)
    waiting.append(asyncio.ensure_future(recorder.submit("c")))
    await asyncio.sleep(0.01)
    assert recorder.groups == [["a"], ["b"]]
    recorder.going_on.set()

    await asyncio.gather(*waiting)
    assert recorder.groups == [["a"], ["b"], ["c"]]


async def test_one_that_fails_does_not_harm_the_others() -> None:
    recorder = Recorder()

    first, bad, last = await recorder.submit("a", "bad", "c")

    assert (first, last) == ("A", "C")
    assert isinstance(bad, BackendError)
    assert recorder.groups == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]


async def test_an_outage_fails_all_at_once_each_with_an_exception_of_its_own() -> None:
    recorder = Recorder()

    failures = await recorder.submit("a", "down", "c")

    assert [str(failure) for failure in failures] == ["down!"] * 3
    assert len({id(failure) for failure in failures}) == 3
    assert recorder.groups == [["a", "down", "c"]]


async def test_an_unforeseen_error_reaches_everybody_who_waits() -> None:
    failures = await Recorder().submit("a", "odd")

    assert [type(failure) for failure in failures] == [ZeroDivisionError, ZeroDivisionError]


async def test_a_request_cancelled_before_its_turn_is_not_carried_out() -> None:
    recorder = Recorder()
    recorder.going_on.clear()
    first = asyncio.ensure_future(recorder.grouping.submit("a"))
    await asyncio.sleep(0.01)
    second = asyncio.ensure_future(recorder.grouping.submit("b"))
    await asyncio.sleep(0.01)
    second.cancel()
    recorder.going_on.set()

    assert await first == "A"
    await recorder.grouping.finish()
    assert recorder.groups == [["a"]]
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_a_request_cancelled_under_way_is_carried_out_all_the_same() -> None:
    recorder = Recorder()
    recorder.going_on.clear()
    first = asyncio.ensure_future(recorder.submit("a", "b"))
    await asyncio.sleep(0.01)
    first.cancel()
    recorder.going_on.set()

    await recorder.grouping.finish()
    assert recorder.groups == [["a", "b"]]
    assert await recorder.submit("c") == ["C"]


async def test_finishing_waits_for_everything_submitted() -> None:
    recorder = Recorder()
    waiting = asyncio.ensure_future(recorder.submit("a1", "a2", "a3"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    await recorder.grouping.finish()

    assert recorder.groups == [["a1"], ["a2"], ["a3"]]
    assert await waiting == ["A1", "A2", "A3"]


async def test_finishing_does_not_wait_for_what_was_cancelled() -> None:
    recorder = Recorder()
    waiting = asyncio.ensure_future(recorder.grouping.submit("a"))
    await asyncio.sleep(0)
    waiting.cancel()

    await recorder.grouping.finish()

    assert recorder.groups == []
