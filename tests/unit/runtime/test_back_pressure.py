"""Publishers wait for room, handlers never do, and what is in flight stays bounded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import ConfigViolation
from arvo.runtime import App, AppClosedError, Subscription
from tests.unit.runtime.scene import FunctionHandler, answer, handler, request, sent, settle

if TYPE_CHECKING:
    from arvo.events import Event


class Gate:
    """A handler that waits, for as many events as are let through."""

    def __init__(self) -> None:
        self.opened = asyncio.Semaphore(0)
        self.begun = 0

    async def execute(self, _: Event[Any]) -> None:
        self.begun += 1
        await self.opened.acquire()

    def let_through(self, number: int = 1) -> None:
        for _ in range(number):
            self.opened.release()


async def test_a_publisher_waits_when_the_handler_has_its_limit_of_unfinished_events() -> None:
    gate = Gate()
    async with App([FunctionHandler("com.a.a", gate.execute)], queue_limit=2) as app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.a.a"))
        third = asyncio.create_task(app.publish(request("com.a.a")))
        await settle()
        assert not third.done()
        gate.let_through()
        await third
        gate.let_through(2)


async def test_a_full_handler_does_not_hold_up_publishers_to_another() -> None:
    gate, other = Gate(), Gate()
    handlers = [FunctionHandler("com.a.a", gate.execute), FunctionHandler("com.b.b", other.execute)]
    async with App(handlers, queue_limit=1) as app:
        await app.publish(request("com.a.a"))
        await app.publish(request("com.b.b"))
        gate.let_through()
        other.let_through()


async def test_a_slow_handler_down_the_chain_slows_the_publisher() -> None:
    gate = Gate()

    @handler("com.a.a")
    async def quick(event: Event[Any]) -> Event[Any]:
        return sent("com.a.a", event, to="com.b.b")

    async with App([quick, FunctionHandler("com.b.b", gate.execute)], queue_limit=3) as app:
        for _ in range(3):
            await app.publish(request("com.a.a"))
        fourth = asyncio.create_task(app.publish(request("com.a.a")))
        await settle()
        assert not fourth.done()
        gate.let_through(4)
        await fourth


async def test_handlers_that_fill_each_others_queues_do_not_deadlock() -> None:
    handled = 0

    def bouncing(source: str, other: str) -> FunctionHandler:
        async def bounce(event: Event[Any]) -> list[Event[Any]]:
            nonlocal handled
            handled += 1
            level = int(event.id.split(":")[0])
            copies = range(3) if level else ()
            return [sent(source, event, to=other, id=f"{level - 1}:{copy}:{event.id}") for copy in copies]

        return FunctionHandler(source, bounce)

    app = App([bouncing("com.a.a", "com.b.b"), bouncing("com.b.b", "com.a.a")], queue_limit=1, concurrency=1)
    async with app, asyncio.timeout(10):
        await app.publish(request("com.a.a", id="4"))
        await app.publish(request("com.b.b", id="4"))
        await app.wait_idle()
    assert handled == 2 * (1 + 3 + 9 + 27 + 81)


async def test_a_handler_that_publishes_to_full_handlers_does_not_deadlock() -> None:
    done: list[str] = []
    apps: list[App] = []

    @handler("com.a.a")
    async def publishing(event: Event[Any]) -> None:
        if event.id == "first":
            for number in range(5):
                await apps[0].publish(request("com.a.a", id=f"more {number}", subject=f"s{number}"))
        done.append(event.id)

    apps.append(App([Subscription(publishing, queue_limit=1, concurrency=1)]))
    async with apps[0], asyncio.timeout(10):
        await apps[0].publish(request("com.a.a", id="first"))
        await apps[0].wait_idle()
    assert done == ["first", "more 0", "more 1", "more 2", "more 3", "more 4"]


async def test_what_a_handler_published_keeps_the_credit_of_its_chain() -> None:
    gate = Gate()
    apps: list[App] = []

    @handler("com.a.a")
    async def publishing(_: Event[Any]) -> None:
        await apps[0].publish(request("com.b.b"))

    apps.append(App([publishing, FunctionHandler("com.b.b", gate.execute)], queue_limit=1))
    async with apps[0] as app:
        await app.publish(request("com.a.a"))
        await settle()
        second = asyncio.create_task(app.publish(request("com.a.a")))
        await settle()
        assert not second.done()
        gate.let_through(2)
        await second


async def test_a_task_that_outlives_its_handler_publishes_like_anybody_outside() -> None:
    gate = Gate()
    apps: list[App] = []
    left_behind: list[asyncio.Task[None]] = []
    wake = asyncio.Event()

    async def late() -> None:
        await wake.wait()
        await apps[0].publish(request("com.b.b"))
        await apps[0].publish(request("com.b.b"))

    @handler("com.a.a")
    async def leaving(_: Event[Any]) -> None:
        left_behind.append(asyncio.create_task(late()))

    apps.append(App([leaving, FunctionHandler("com.b.b", gate.execute)], queue_limit=1))
    async with apps[0] as app:
        await app.publish(request("com.a.a"))
        await app.wait_idle()
        wake.set()
        await settle()
        assert not left_behind[0].done()
        gate.let_through(2)
        await left_behind[0]


async def test_a_publisher_cancelled_while_it_waits_publishes_nothing_and_takes_no_room() -> None:
    gate = Gate()
    async with App([FunctionHandler("com.a.a", gate.execute)], queue_limit=1) as app:
        await app.publish(request("com.a.a"))
        cancelled = asyncio.create_task(app.publish(request("com.a.a")))
        await settle()
        cancelled.cancel()
        await settle()
        gate.let_through(2)
        await app.publish(request("com.a.a"))
        await app.wait_idle()
    assert gate.begun == 2


async def test_publishers_that_wait_are_told_when_the_app_closes() -> None:
    gate = Gate()
    async with App([FunctionHandler("com.a.a", gate.execute)], queue_limit=1) as app:
        await app.publish(request("com.a.a"))
        waiting = asyncio.create_task(app.publish(request("com.a.a")))
        await settle()
        closing = asyncio.create_task(app.close())
        await settle()
        with pytest.raises(AppClosedError, match="shutting down"):
            await waiting
        gate.let_through()
        assert (await closing).clean


async def test_a_publisher_let_in_in_the_moment_of_a_stop_is_refused_rather_than_forgotten() -> None:
    gate = Gate()
    publishers: list[asyncio.Task[None]] = []

    async def work() -> None:
        async with App([FunctionHandler("com.a.a", gate.execute)], queue_limit=1) as app:
            await app.publish(request("com.a.a"))
            publishers.append(asyncio.create_task(app.publish(request("com.a.a"))))
            await settle()
            gate.let_through()
            await asyncio.sleep(0)  # the handler ends and grants its credit, which the publisher does not know yet
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    with pytest.raises(AppClosedError):
        await publishers[0]
    assert gate.begun == 1


async def test_waiting_for_idleness_includes_publishers_that_wait_for_room() -> None:
    gate = Gate()
    async with App([FunctionHandler("com.a.a", gate.execute)], queue_limit=1) as app:
        await app.publish(request("com.a.a"))
        publisher = asyncio.create_task(app.publish(request("com.a.a")))
        idle = asyncio.create_task(app.wait_idle())
        await settle()
        gate.let_through()
        await settle()
        assert publisher.done()
        assert not idle.done()
        gate.let_through()
        await idle
    assert gate.begun == 2


async def test_a_refused_event_takes_no_room() -> None:
    @handler("com.a.a")
    async def reply(event: Event[Any]) -> Event[Any]:
        return answer("com.a.a", event)

    async with App([reply], queue_limit=1) as app, asyncio.timeout(5):
        for _ in range(3):
            with pytest.raises(ConfigViolation):
                await app.publish(request("com.nobody.here"))
        await app.publish(request("com.a.a"))
        await app.wait_idle()
