"""`Harness`: an app on a durable worker, its store and its time in the hands of a test.

What runs is what runs in production, the `Worker` of `arvo.runtime`, on a store in memory whose clock stands still
unless the test lets time pass. What happened is kept in `recorder.py`, and told in `story.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, overload

from arvo.backends.memory import InMemoryStore
from arvo.contracts import Payload
from arvo.errors import ArvoError, DefinitionError
from arvo.runtime import Worker, enqueue
from arvo.testing.harness.durations import duration
from arvo.testing.harness.manual_clock import ManualClock
from arvo.testing.harness.recorder import RecordedEvents
from arvo.testing.harness.story import story_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import TracebackType

    from arvo.events import Event
    from arvo.ports import QueueStatus, Store, StoredTimer, StoredWorkflow
    from arvo.runtime import App, DeadLetter
    from arvo.runtime.hooks import Observation
    from arvo.runtime.resolution import Answering

__all__ = ["Harness", "NoAnswerError", "StuckError"]

A = TypeVar("A", bound=Payload)
R = TypeVar("R", bound=Payload)

_NEVER: Final = timedelta(days=36_500)
"""Leases and signs of life are for workers that die; here they would only make time travel slow."""
_ROUNDS: Final = 10
"""So many turns of the event loop nothing may happen before the system is taken to be waiting for time to pass."""
_LOOK_SECONDS: Final = 0.001


class NoAnswerError(ArvoError, AssertionError):
    """Everything that came of an event has been done, and nothing came back to whoever sent it."""


class StuckError(ArvoError, AssertionError):
    """A handler has been running for longer than the patience of the harness, in real time."""


class Harness:
    """Runs `app` for one test.

        async with Harness(app) as system:
            answer = await system.resolve(order_v1.request(PlaceOrder(...), source="com.web.shop"), expect=order_v1)
            system.events.assert_emitted(ReserveStock, times=1)
            await system.advance("3 days")

    `publish`, `resolve` and `advance` return when nothing is left to be done at that time: retries are not waited for,
    time jumps to them. `patience` is how long a single handler may run, in real time. With the pytest plugin, a test
    gets one by asking for the fixture `arvo`.
    """

    def __init__(
        self,
        app: App,
        *,
        start: datetime | None = None,
        patience: timedelta = timedelta(seconds=10),
        store: Callable[[ManualClock], Store] | None = None,
    ) -> None:
        self.app: Final = app
        self.clock: Final = ManualClock(start)
        self.store: Final[Store] = InMemoryStore(clock=self.clock) if store is None else store(self.clock)
        self.events: Final = RecordedEvents()
        """All events that were published or emitted so far."""
        self.dead_letters: Final[list[DeadLetter]] = []
        """The events that were given up so far, oldest first."""
        self._patience = patience
        self._worker: Worker | None = None
        self._running: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Start the worker, unless it runs. The first use does this too."""
        if self._running is not None:
            return
        self.app.hooks.observers.append(self._observe)
        self.app.hooks.on_dead_letter.append(self._note_letter)
        await self.store.__aenter__()
        self._worker = Worker(self.app, self.store, clock=self.clock, lease=_NEVER, heartbeat=_NEVER)
        self._running = asyncio.create_task(self._worker.run(), name="arvo harness")
        await self._settle()

    async def close(self) -> None:
        """Stop the worker, whatever it does, and let go of the app. What was recorded stays."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        finally:
            self.app.hooks.observers.remove(self._observe)
            self.app.hooks.on_dead_letter.remove(self._note_letter)
            await self.store.close()

    async def publish(self, event: Event[Any], *, deliver_at: datetime | str | timedelta | None = None) -> None:
        """Take the event in, as `arvo.runtime.enqueue` does, and return when all that comes of it now is done.

        With `deliver_at`, a time or a length of time like "3 days", it arrives when time was advanced so far.
        """
        await self.open()
        later = duration(deliver_at) if isinstance(deliver_at, str) else deliver_at
        self.events.published(self._elapsed(), event)
        await enqueue(self.app, self.store, event, deliver_at=later)
        await self._settle()

    @overload
    async def resolve(self, event: Event[A], *, expect: Answering[A, R]) -> Event[R]: ...
    @overload
    async def resolve(self, event: Event[Any]) -> Event[Any]: ...
    async def resolve(self, event: Event[Any], *, expect: Answering[Any, Any] | None = None) -> Event[Any]:
        """Publish the event, and return what comes back to its source without time passing.

        Raises `NoAnswerError`, which tells the whole story, when nothing does. What comes later is in `answers`.
        """
        await self.publish(event)
        answers = await self.answers(event)
        if not answers:
            raise NoAnswerError(f"Nothing came back to {event.source!r} for {event.type!r}.\n{await self.report()}")
        return answers[0] if expect is None else expect.parse_emitted(answers[0])

    async def answers(self, event: Event[Any]) -> Sequence[Event[Any]]:
        """What came back to the source of an event, and was not asked for before; oldest first."""
        await self.open()
        return [delivery.event() for delivery in await self.store.collect(event.source, event.subject)]

    async def advance(self, time: str | timedelta) -> None:
        """Let time pass: "3 days", "1 h 30 min" or a timedelta. Timers on the way elapse in order, each at its time."""
        await self.open()
        end = self.clock.now() + duration(time)
        await self._settle()
        while (due := await self._next_timer()) is not None and due <= end:
            self.clock.move(max(due - self.clock.now(), timedelta(0)))
            await self._settle()
        self.clock.move(max(end - self.clock.now(), timedelta(0)))
        await self._settle()

    async def waiting(self, domain: str) -> list[Event[Any]]:
        """The events that wait in a domain for an answer, oldest first. A reply that is published ends the wait."""
        await self.open()
        return [waiting.event() for waiting in await self.store.waiting(domain=domain, limit=1000)]

    async def timers(self) -> Sequence[StoredTimer]:
        """What will arrive later, the next one first."""
        await self.open()
        return await self.store.timers(limit=1000)

    async def workflow(self, subject: str) -> StoredWorkflow | None:
        """The workflow with this subject as the store has it; None when there is none."""
        await self.open()
        found = [await self.store.workflow(handler.source, subject) for handler in self.app.handlers]
        return next((workflow for workflow in found if workflow is not None), None)

    async def report(self) -> str:
        """What happened, and what is left: timers, waiting events, dead letters."""
        timers = [(timer.due_at - self.clock.start, timer.event()) for timer in await self.timers()]
        waiting = [(waiting.domain, waiting.event()) for waiting in await self.store.waiting(limit=1000)]
        lines = [
            self.timeline(),
            *(f"Still to come at {at}: {event!r}" for at, event in timers),
            *(f"Waiting in {domain}: {event!r}" for domain, event in waiting),
            *(f"Dead letter: {letter}" for letter in self.dead_letters),
        ]
        return "\n".join(lines)

    def timeline(self) -> str:
        """What happened, as text."""
        return "\n".join(story_lines(self.events.story)) or "Nothing happened."

    def _elapsed(self) -> timedelta:
        return self.clock.now() - self.clock.start

    def _observe(self, seen: Observation) -> None:
        self.events.attempted(self._elapsed(), seen)

    async def _note_letter(self, letter: DeadLetter) -> None:
        self.dead_letters.append(letter)

    async def _next_timer(self) -> datetime | None:
        timers = await self.store.timers(limit=1)
        return timers[0].due_at if timers else None

    async def _settle(self) -> None:
        """Return when nothing is ready, running or about to be tried again; time jumps to what is tried again."""
        loop = asyncio.get_running_loop()
        seen, since = -1, loop.time()
        while True:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            self._raise_if_broken()
            busy = await self._busy()
            if not busy:
                return
            if len(self.events.story) != seen:
                seen, since = len(self.events.story), loop.time()
            elif loop.time() - since > self._patience.total_seconds():
                raise StuckError(
                    f"{', '.join(repr(queue.handler) for queue in busy)} did not come to an end within "
                    f"{self._patience}. Look for what it waits for; Harness(app, patience=...) waits longer.\n"
                    f"{self.timeline()}"
                )
            if any(queue.leased for queue in busy):
                await asyncio.sleep(_LOOK_SECONDS)
            elif (wake := self.clock.next_wake()) is not None:
                self.clock.move(timedelta(seconds=max(wake - self.clock.monotonic(), 0.0)))

    async def _busy(self) -> list[QueueStatus]:
        if self._worker is None:
            raise DefinitionError("The harness is closed. Use it within `async with Harness(app) as system:`.")
        serves = self._worker.serves
        return [
            queue
            for queue in await self.store.queues()
            if queue.handler in serves and (queue.ready or queue.leased or queue.retrying)
        ]

    def _raise_if_broken(self) -> None:
        if self._running is not None and self._running.done():
            self._running.result()
