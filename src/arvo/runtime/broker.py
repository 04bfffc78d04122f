"""The doors of the in-process broker: publish, resolve, wait until idle, close. The engine behind is `deliveries`.

Back-pressure: a published event takes a credit of the lane it enters, and its *chain*, everything that comes of it
here, holds the credit until the last of it is done. Publishers wait for credits; handlers never do: what a handler
emits or publishes while it runs belongs to its chain and is handed over at once. So handlers cannot deadlock on each
other's full queues, and what is in flight stays bounded by credits times fan-out.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.errors import ConfigViolation, DefinitionError
from arvo.runtime.chain import Chain
from arvo.runtime.deadline import deadline
from arvo.runtime.deliveries import Deliveries
from arvo.runtime.resolution import Resolution
from arvo.runtime.shutdown import AppClosedError, ShutdownReport, Unfinished

if TYPE_CHECKING:
    from contextvars import Context
    from datetime import datetime

    from arvo.events import Event
    from arvo.ports import Clock, MachineMemory
    from arvo.runtime.records import Records
    from arvo.runtime.topology import Topology

__all__ = ["Broker"]


class Broker:
    """One run of an app, from `start` to `finish`. Handlers run in copies of `context`."""

    def __init__(
        self, topology: Topology, records: Records, clock: Clock, context: Context, memory: MachineMemory
    ) -> None:
        self._topology = topology
        self._records = records
        self._clock = clock
        self._group = asyncio.TaskGroup()
        self._deliveries = Deliveries(topology, records, clock, self._group, context, memory)
        self._entering = 0
        self._closing = False

    async def start(self) -> None:
        """Open for events. Should the broker itself break, the task that called this is cancelled."""
        await self._group.__aenter__()
        for schedule, lane in self._topology.schedules.items():
            self._deliveries.keep(schedule, lane)

    async def finish(self) -> None:
        """Let go of the tasks, after `close` or `stop`. Raises what broke the broker, if anything did."""
        await self._group.__aexit__(None, None, None)

    async def publish(self, event: Event[Any], due: datetime | timedelta | None) -> None:
        """Take the event in, waiting while its handler has no credit left; return once it is queued or held back."""
        around = self._deliveries.chain_around()
        resolution = (around and around.resolution) or self._deliveries.resolutions.expecting(event)
        due_at = self._due_at(due)
        if around is None or around.resolution is not resolution or around.root_source is None:
            await self._enter(event, resolution, due_at)
        else:
            self._hand_in(event, around, due_at)

    async def resolve(self, event: Event[Any], limit: timedelta | None, due: datetime | timedelta | None) -> Event[Any]:
        """Publish the event and return what comes back to its source."""
        if event.source in self._topology.handlers:
            raise ConfigViolation(
                f"The answer to {event.type!r} would go to {event.source!r}, which is a handler of this app, and not "
                "to the caller of resolve. Give the event a source that no handler answers to."
            )
        resolution = Resolution(event, patient=limit is not None)
        with self._deliveries.resolutions.opened(resolution):
            try:
                async with deadline(self._clock, limit, self._group):
                    await self._enter(event, resolution, self._due_at(due))
                    return await resolution.answer
            except TimeoutError:
                raise resolution.timed_out(limit) from None
            finally:
                self._deliveries.settled.set()  # perhaps: nobody waits for what is held back any more

    async def wait_idle(self) -> None:
        """Return when nothing is queued, running, waiting to be retried, or waiting to be let in."""
        self._refuse_inside("wait_idle")
        while self._deliveries or self._entering or self._deliveries.resolutions.await_time():
            if self._deliveries.stopped:
                raise AppClosedError("The app was stopped with events in flight; its shutdown report lists them.")
            self._deliveries.settled.clear()
            await self._deliveries.settled.wait()

    async def close(self, limit: timedelta) -> None:
        """Turn publishers away, finish what is in flight within `limit`, and cancel the rest."""
        self._refuse_inside("close")
        self._turn_away()
        try:
            with suppress(TimeoutError, AppClosedError):
                async with deadline(self._clock, limit, self._group):
                    await self.wait_idle()
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Turn publishers away and cancel what is in flight."""
        self._turn_away()
        await self._deliveries.stop()
        self._deliveries.resolutions.fail_all(AppClosedError("The app was stopped before an answer came."))

    def report(self) -> ShutdownReport:
        """What is unfinished, held back, waiting and given up at this moment."""
        unfinished = [
            Unfinished(
                event=delivery.event,
                handler=delivery.lane.address,
                stage=delivery.stage,
                attempts=delivery.attempts,
            )
            for delivery in self._deliveries
        ]
        unfinished += [
            Unfinished(
                event=scheduled.event,
                handler=scheduled.lane.address,
                stage="scheduled",
                attempts=0,
                due=scheduled.due,
            )
            for scheduled in self._deliveries.scheduled()
        ]
        return ShutdownReport(
            unfinished=tuple(unfinished),
            waiting=self._records.waiting.counts(),
            dead_letters=len(self._records.dead_letters),
        )

    async def _enter(self, event: Event[Any], resolution: Resolution | None, due: datetime | None) -> None:
        """Begin a chain with the event, for which somebody outside of all handlers must wait his turn."""
        inside = self._deliveries.chain_around() is not None
        if self._closing and not inside:
            raise _refusal()
        lane = None if inside or due is not None else self._topology.handler_of(event)
        self._entering += 1
        try:
            if lane is not None:
                await lane.admission.enter()
                if self._deliveries.stopped:  # in the very moment in which the credit was granted
                    raise _refusal()
            if resolution is not None:
                resolution.chains += 1
            self._hand_in(event, Chain(self._deliveries, event.source, lane, resolution), due)
        finally:
            self._entering -= 1
            self._deliveries.settled.set()  # perhaps: whoever waits for it looks again

    def _due_at(self, due: datetime | timedelta | None) -> datetime | None:
        """When an event is to arrive, None if that is now."""
        if due is None:
            return None
        now = self._clock.now()
        at = now + due if isinstance(due, timedelta) else due
        return at if at > now else None

    def _hand_in(self, event: Event[Any], chain: Chain, due: datetime | None) -> None:
        """Route a published event: it was brought here on purpose, so a handler here goes before its domain."""
        chain.unfinished += 1  # the chain must not end before this event is in it
        self._records.waiting.answered(event)
        try:
            lane = self._topology.handler_of(event)
            if due is not None:
                if lane is None and not self._is_expected(event, chain):
                    raise self._topology.unroutable(event)
                self._deliveries.hold_back(event, lane, chain, due)
            elif lane is not None:
                self._deliveries.queue(event, lane, chain)
            elif (letter := self._deliveries.send_away(event, chain)) is not None:
                raise letter.error
        finally:
            self._deliveries.leave(chain)

    def _is_expected(self, event: Event[Any], chain: Chain) -> bool:
        """Whether an event that no handler here takes can go anywhere else."""
        if event.domain is not None or self._topology.unhandled is not None:
            return True
        return chain.resolution is not None and event.to == chain.resolution.event.source

    def _turn_away(self) -> None:
        self._closing = True
        for lane in self._topology.lanes():
            lane.admission.close(_refusal)

    def _refuse_inside(self, method: str) -> None:
        if self._deliveries.chain_around() is not None:
            raise DefinitionError(
                f"{method}() was called from inside a handler, sink or hook. The event that runs there is itself in "
                "flight, so it would wait for itself. Call it from the task that opened the app."
            )


def _refusal() -> AppClosedError:
    return AppClosedError("The app is shutting down and takes no new events.")
