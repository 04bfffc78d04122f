"""The engine of the in-process broker: runs deliveries, routes what they emit, retries, and buries what is given up.

Every delivery is a task of its own, so that the context variables of one never show in another. Nothing here waits for
room: what a handler emits is queued at once. Publishers, and their waiting, are in `arvo.runtime.broker`.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from arvo.errors import ExecutionViolation, InvalidSubject
from arvo.events import Subject
from arvo.orchestration import wanted_timers
from arvo.runtime.attempt import Failure, attempt
from arvo.runtime.chain import Chain, Delivery
from arvo.runtime.dead_letters import DeadLetter, DeadLetterReason
from arvo.runtime.delays import emitted
from arvo.runtime.hooks import Observation
from arvo.runtime.resolution import Resolutions
from arvo.runtime.retry import Retry
from arvo.runtime.scheduled import Scheduled, Timetable
from arvo.telemetry import is_measured, measure_dead_letter, measure_queue_time

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from contextvars import Context
    from datetime import datetime, timedelta

    from arvo.events import Event
    from arvo.ports import Clock, MachineMemory
    from arvo.runtime.attempt import Success
    from arvo.runtime.chain import Lane
    from arvo.runtime.delays import Emitted
    from arvo.runtime.rate_limit import TokenBucket
    from arvo.runtime.records import Records
    from arvo.runtime.schedule import Schedule
    from arvo.runtime.topology import Topology

__all__ = ["Deliveries"]

Work: TypeAlias = "Callable[..., Coroutine[Any, Any, None]]"
"""What a task does with a delivery."""

logger = logging.getLogger("arvo.runtime")

_current_chain: ContextVar[Chain | None] = ContextVar("arvo_current_chain", default=None)


class Deliveries:
    """All deliveries of one run of an app."""

    def __init__(
        self,
        topology: Topology,
        records: Records,
        clock: Clock,
        group: asyncio.TaskGroup,
        context: Context,
        memory: MachineMemory,
    ) -> None:
        self.resolutions = Resolutions()
        self.stopped = False
        self.settled = asyncio.Event()
        """Set when nothing may be unfinished any more; look before you believe it."""
        self._topology = topology
        self._records = records
        self._clock = clock
        self._group = group
        self._context = context
        self._memory = memory
        self._timetable = Timetable(clock, group, self._arrive)
        self._unfinished: dict[Delivery, asyncio.Task[None] | None] = {}

    def __len__(self) -> int:
        """How many are queued, running or waiting to be retried."""
        return len(self._unfinished)

    def __iter__(self) -> Iterator[Delivery]:
        """What is unfinished, in order of arrival."""
        return iter(self._unfinished)

    def queue(self, event: Event[Any], lane: Lane, chain: Chain) -> None:
        """Have `lane` take the event in its turn."""
        delivery = Delivery(event, lane, chain)
        if is_measured():
            delivery.queued_at = self._clock.monotonic()
        chain.unfinished += 1
        self._unfinished[delivery] = None
        lane.queue.put(event.subject, delivery)
        self._pump(lane)

    def hold_back(self, event: Event[Any], lane: Lane | None, chain: Chain, due: datetime) -> None:
        """Have `lane` take the event at `due`; without one it is sent where it belongs then.

        It is not in flight meanwhile, and holds nobody's credit. But if somebody waits for the answer of its chain, he
        waits for what comes of it, too.
        """
        later = Chain(self, chain.root_source, None, chain.resolution)
        later.unfinished = 1
        if later.resolution is not None:
            later.resolution.chains += 1
            later.resolution.scheduled += 1
        self._timetable.hold(Scheduled(event, self._topology.late if lane is None else lane, later, due))

    def keep(self, schedule: Schedule, lane: Lane) -> None:
        """Have `lane` carry out the next occurrence of the schedule."""
        due = schedule.next_after(self._clock.now())
        if due is not None:
            chain = Chain(self, None, None, None)
            chain.unfinished = 1
            self._timetable.hold(Scheduled(schedule.occurrence(due), lane, chain, due, schedule))

    def scheduled(self) -> Iterator[Scheduled]:
        """The events that are held back, the next one first."""
        return (scheduled for scheduled in self._timetable if scheduled.schedule is None)

    def send_away(self, event: Event[Any], chain: Chain) -> DeadLetter | None:
        """Give an event that no handler here takes to its domain or to who waits for it, or return it as a letter."""
        if event.domain is not None:
            return self._leave_for(event.domain, event, chain)
        if chain.resolution is not None and chain.resolution.take(event):
            return None
        if self._topology.unhandled is not None:
            self.queue(event, self._topology.unhandled, chain)
            return None
        if event.to == chain.root_source != event.source:
            logger.debug("Nobody waits for the answer %s (id %s) to %s.", event.type, event.id, event.to)
            return None
        return self._letter(event, DeadLetterReason.UNROUTABLE, self._topology.unroutable(event))

    def leave(self, chain: Chain) -> None:
        """One thing less to do in the chain; the last one ends it."""
        chain.unfinished -= 1
        if chain.unfinished:
            return
        if chain.entered is not None:
            chain.entered.admission.leave()
        if chain.resolution is not None:
            chain.resolution.chain_ended()
        if not self._unfinished:
            self.settled.set()

    def chain_around(self) -> Chain | None:
        """The chain for which the present code runs, while that chain is unfinished."""
        chain = _current_chain.get()
        return chain if chain is not None and chain.run is self and chain.unfinished else None

    async def stop(self) -> None:
        """Start nothing more, cancel what runs, and return when it has ended."""
        self.stopped = True
        self._timetable.stop()
        tasks = [task for task in self._unfinished.values() if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self.settled.set()

    def _hand_over(self, output: Emitted, chain: Chain) -> DeadLetter | None:
        """Route an emitted event; its domain takes it out of this world even when a handler here has its address."""
        event, delay = output
        lane = self._topology.handler_of(event) if event.domain is None else None
        if delay:
            self.hold_back(event, lane, chain, self._clock.now() + delay)
            return None
        if lane is None:
            letter = self.send_away(event, chain)
            return None if letter is not None and _is_for_initiator(event) else letter
        self.queue(event, lane, chain)
        return None

    def _arrive(self, scheduled: Scheduled) -> None:
        """Deliver an event whose time has come."""
        if scheduled.chain.resolution is not None:
            scheduled.chain.resolution.scheduled -= 1
        if scheduled.schedule is not None:
            self.keep(scheduled.schedule, scheduled.lane)
        self.queue(scheduled.event, scheduled.lane, scheduled.chain)
        self.leave(scheduled.chain)

    async def _drop_timers(self, lane: Lane, subject: str) -> None:
        """Forget the timers of a workflow that its record does not want any more. It would ignore them anyway."""
        held = self._timetable.timers(lane, subject)
        if not held:
            return
        try:
            record = await self._memory.read(subject)
        except Exception:
            logger.warning("The timers of %s are kept, since its record cannot be read.", lane.address, exc_info=True)
            return
        if record is None:
            return  # it is kept in another memory
        for id_ in set(held) - wanted_timers(record):
            dropped = self._timetable.drop_timer(lane, subject, id_)
            if dropped is not None:
                if dropped.chain.resolution is not None:
                    dropped.chain.resolution.scheduled -= 1
                self.leave(dropped.chain)

    def _leave_for(self, domain: str, event: Event[Any], chain: Chain) -> DeadLetter | None:
        sink = self._topology.sinks.get(domain)
        if sink is not None:
            self.queue(event, sink, chain)
        elif not self._records.waiting.admit(event):
            return self._letter(event, DeadLetterReason.OVERFLOW, self._records.waiting.full(event))
        if chain.resolution is not None:
            self.resolutions.left(event, chain.resolution, sink=sink is not None)
        return None

    def _pump(self, lane: Lane) -> None:
        while lane.running < lane.settings.concurrency and not self.stopped:
            delivery = lane.queue.take()
            if delivery is None:
                return
            lane.running += 1
            delivery.stage = "running"
            delivery.attempts += 1
            if delivery.queued_at is not None and delivery.attempts == 1:
                waited = self._clock.monotonic() - delivery.queued_at
                measure_queue_time(delivery.event, handler=lane.address, seconds=waited)
            self._spawn(delivery, self._deliver)

    def _spawn(self, delivery: Delivery, work: Work, *details: Any) -> None:
        task = self._group.create_task(self._guarded(delivery, work, *details), context=self._context.copy())
        self._unfinished[delivery] = task

    async def _guarded(self, delivery: Delivery, work: Work, *details: Any) -> None:
        """Do `work` so that neither a cancellation from elsewhere nor a defect of ours loses track of the delivery."""
        try:
            await work(delivery, *details)
        except asyncio.CancelledError:
            if delivery in self._unfinished and not self.stopped:
                self._abandon(delivery)
            raise
        except BaseException:
            self.stopped = True  # the group will cancel everything, and nothing may be started meanwhile
            raise

    async def _deliver(self, delivery: Delivery) -> None:
        lane, chain = delivery.lane, delivery.chain
        _current_chain.set(chain)
        if lane.bucket is not None:
            await self._wait_for_token(lane.bucket)
        watched = bool(self._records.hooks.observers)
        started = self._clock.monotonic() if watched else 0.0
        outcome = await attempt(
            lane.execute, delivery.event, handler=lane.address, number=delivery.attempts, retry=lane.settings.retry
        )
        followed_by = emitted(outcome, number=delivery.attempts, retry=lane.settings.retry)
        if watched:
            self._observe(
                delivery,
                followed_by if isinstance(followed_by, Failure) else outcome,
                self._clock.monotonic() - started,
            )
        if not isinstance(followed_by, Failure):
            letters = [letter for output in followed_by if (letter := self._hand_over(output, chain)) is not None]
            await self._drop_timers(lane, delivery.event.subject)
            await self._settle(delivery, letters)
        elif isinstance(followed_by.decision, Retry):
            self._retry(delivery, followed_by.decision.delay)
        else:
            letter = self._letter(delivery.event, followed_by.decision.reason, followed_by.error, delivery)
            await self._settle(delivery, [letter])

    async def _wait_for_token(self, bucket: TokenBucket) -> None:
        """Wait in the place of the attempt, which is as good as in the queue: this handler is held up anyway."""
        now = self._clock.monotonic()
        pause = bucket.wait(now)
        bucket.take(now)
        if pause:
            await self._clock.sleep(pause)

    def _retry(self, delivery: Delivery, delay: timedelta) -> None:
        """Let other subjects run during the delay, but nothing of the same one: its order is kept."""
        delivery.stage = "retrying"
        delivery.lane.running -= 1
        if not self.stopped:
            self._spawn(delivery, self._return_after, delay)
        self._pump(delivery.lane)

    async def _return_after(self, delivery: Delivery, delay: timedelta) -> None:
        await self._clock.sleep(delay.total_seconds())
        delivery.stage = "queued"
        self._unfinished[delivery] = None
        delivery.lane.queue.put_back(delivery)
        self._pump(delivery.lane)

    async def _settle(self, delivery: Delivery, letters: Sequence[DeadLetter]) -> None:
        if delivery.chain.resolution is not None:
            delivery.chain.resolution.handlers[delivery.lane.address] = None
        for letter in letters:
            self._bury(letter, delivery.chain)
        try:
            for letter in letters:
                await self._records.hooks.report(letter)
        finally:
            self._finish(delivery)

    def _finish(self, delivery: Delivery) -> None:
        lane = delivery.lane
        del self._unfinished[delivery]
        if delivery.stage == "running":
            lane.running -= 1
        lane.queue.release(delivery.event.subject)
        self._pump(lane)
        self.leave(delivery.chain)

    def _abandon(self, delivery: Delivery) -> None:
        """Give up what somebody else cancelled. Hooks are not told, since they would have to be awaited."""
        error = ExecutionViolation(f"The task in which {delivery.lane.address!r} ran was cancelled, not by the app.")
        self._bury(self._letter(delivery.event, DeadLetterReason.UNEXPECTED, error, delivery), delivery.chain)
        self._finish(delivery)

    def _letter(
        self, event: Event[Any], reason: DeadLetterReason, error: Exception, delivery: Delivery | None = None
    ) -> DeadLetter:
        return DeadLetter(
            event=event,
            handler=None if delivery is None else delivery.lane.address,
            reason=reason,
            error=error,
            attempts=0 if delivery is None else delivery.attempts,
            at=self._clock.now(),
        )

    def _bury(self, letter: DeadLetter, chain: Chain) -> None:
        measure_dead_letter(letter.event, handler=letter.handler, reason=letter.reason)
        self._records.dead_letters.append(letter)
        if chain.resolution is not None:
            chain.resolution.dead_letters.append(letter)
        logger.error("Dead letter: %s", letter, exc_info=letter.error)

    def _observe(self, delivery: Delivery, outcome: Success | Failure, duration_seconds: float) -> None:
        failure = outcome if isinstance(outcome, Failure) else None
        self._records.hooks.observe(
            Observation(
                event=delivery.event,
                handler=delivery.lane.address,
                attempt=delivery.attempts,
                duration_seconds=duration_seconds,
                outputs=() if isinstance(outcome, Failure) else tuple(outcome.outputs),
                error=failure and failure.error,
                decision=failure and failure.decision,
            )
        )


def _is_for_initiator(event: Event[Any]) -> bool:
    """Whether it goes to who began its process, which may have been long before this chain: a person answered late."""
    try:
        subject = Subject.parse(event.subject)
    except InvalidSubject:
        return False
    return event.to in (subject.initiator, subject.meta.get("redirectto"))
