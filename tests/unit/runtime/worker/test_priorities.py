"""Priorities in a worker: that of an event and that of its handler add up, and what comes of an event has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import DefinitionError
from arvo.runtime import App, Subscription, Worker, enqueue
from tests.unit.runtime.scene import FunctionHandler, request, sent
from tests.unit.runtime.worker.workplace import worked_off

if TYPE_CHECKING:
    from collections.abc import Callable

    from arvo.events import Event
    from arvo.ports import Store

FIRST, SECOND, THIRD = "com.first.handler", "com.second.handler", "com.third.handler"


def passing_on(source: str, to: str) -> FunctionHandler:
    async def pass_on(event: Event[Any]) -> Event[Any]:
        return sent(source, event, to=to, id=event.id)

    return FunctionHandler(source, pass_on)


async def waiting_in(store: Store, handler: str) -> dict[str, int]:
    """The priorities of what waits for a handler, by event id."""
    return {lane.event().id: lane.priority for lane in await store.lanes(handler)}


async def test_priorities_of_event_and_handler_add_up(store: Store) -> None:
    app = App([Subscription(passing_on(FIRST, SECOND), priority=3)])
    for number, priority in enumerate((0, 5, -10)):
        event = request(FIRST, id=str(priority), subject=f"process/{number}")
        await enqueue(app, store, event, priority=priority)

    assert await waiting_in(store, FIRST) == {"0": 3, "5": 8, "-10": -7}


async def test_what_comes_of_an_event_has_the_priority_of_the_event(store: Store) -> None:
    app = App(
        [
            Subscription(passing_on(FIRST, SECOND), priority=3),
            Subscription(passing_on(SECOND, THIRD), priority=-2),
        ]
    )
    for number, priority in enumerate((0, 5)):
        event = request(FIRST, id=str(priority), subject=f"process/{number}")
        await enqueue(app, store, event, priority=priority)
    await worked_off(store, Worker(app, store, sources=[FIRST]), besides=[SECOND])
    assert await waiting_in(store, SECOND) == {"0": -2, "5": 3}

    await worked_off(store, Worker(app, store), besides=[THIRD])
    assert await waiting_in(store, THIRD) == {"0": 0, "5": 5}


async def test_what_a_handler_publishes_has_it_as_well(store: Store) -> None:
    publish: list[Callable[[Event[Any]], Any]] = []

    async def publishes(event: Event[Any]) -> None:
        await publish[0](sent(FIRST, event, to=SECOND, id="published"))

    app = App([Subscription(FunctionHandler(FIRST, publishes), priority=3), passing_on(SECOND, THIRD)])
    publish.append(app.publish)
    await enqueue(app, store, request(FIRST), priority=5)
    await worked_off(store, Worker(app, store, sources=[FIRST]), besides=[SECOND])

    assert await waiting_in(store, SECOND) == {"published": 5}


async def test_the_sum_stays_within_what_a_store_can_hold(store: Store) -> None:
    app = App([Subscription(passing_on(FIRST, SECOND), priority=30_000)])
    await enqueue(app, store, request(FIRST, id="high"), priority=30_000)

    assert await waiting_in(store, FIRST) == {"high": 32_767}


def test_a_priority_that_no_store_can_hold_is_refused() -> None:
    with pytest.raises(DefinitionError, match="priority=40000 is not between -32768 and 32767"):
        App([Subscription(passing_on(FIRST, SECOND), priority=40_000)])
