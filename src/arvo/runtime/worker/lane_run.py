"""One claim being worked on: its deliveries run one after the other, and all that comes of them is one `Completion`.

Who claims, renews and finishes is elsewhere; nothing here talks to a store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.errors import ExecutionViolation, InvalidEvent
from arvo.orchestration.timers import TIMER_ELAPSED
from arvo.ports import Completion, RetryLater, WorkflowStatus
from arvo.ports.store.work import NO_RECORD
from arvo.runtime.attempt import Failure, attempt
from arvo.runtime.dead_letters import DeadLetterReason
from arvo.runtime.delays import emitted
from arvo.runtime.hooks import Observation
from arvo.runtime.publishing import Collector, collecting
from arvo.runtime.retry import Retry
from arvo.runtime.worker.grave import Grave, described
from arvo.runtime.worker.held_record import HeldRecord, timers_in
from arvo.runtime.worker.routes import Sending, late
from arvo.telemetry import is_measured, measure_queue_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from arvo.events import Event
    from arvo.ports import Claim, Clock, Delivery, NewDelivery, RecordWrite
    from arvo.runtime.app import App
    from arvo.runtime.attempt import Success
    from arvo.runtime.dead_letters import DeadLetter
    from arvo.runtime.worker.posts import Post
    from arvo.runtime.worker.routes import Routes

__all__ = ["LOST_ATTEMPTS", "LaneRun", "Result", "Surroundings", "refused"]

LOST_ATTEMPTS = 10
"""How many attempts more than its policy allows an event may have: those ended with their worker, before a decision."""


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be stored, and what the app's hooks are to be told once it is."""

    completion: Completion
    letters: Sequence[DeadLetter] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all runs of a worker share."""

    app: App
    routes: Routes
    clock: Clock


class LaneRun:
    """The work on one claim. What one delivery leaves behind, the next one of the claim finds."""

    def __init__(self, claim: Claim, post: Post, surroundings: Surroundings) -> None:
        self._claim = claim
        self._post = post
        self._app = surroundings.app
        self._routes = surroundings.routes
        self._clock = surroundings.clock
        # What comes of an event has the event's own; that of this handler is its alone.
        self._priority = claim.priority - post.settings.priority
        self._record_json = None if claim.record_json == NO_RECORD else claim.record_json
        self._record: RecordWrite | None = None
        self._consumed: list[Delivery] = []
        self._produced: list[NewDelivery] = []
        self._waiting: list[Event[Any]] = []
        self._answered: list[str] = []
        self._consumed_ids: set[str] = set()
        self._grave = Grave(post.address, surroundings.clock)

    async def run(self, may_go_on: Callable[[], bool]) -> Result:
        """Take the deliveries, the first in any case and the others while `may_go_on`, until one has to be retried."""
        retry: RetryLater | None = None
        for delivery in self._claim.deliveries:
            if self._consumed and not may_go_on():
                break
            retry = await self._take(delivery)
            if retry is not None:
                break
            self._consumed.append(delivery)
        cancelled = () if self._record is None else self._drop_timers()
        return Result(
            Completion(
                claim=self._claim,
                consumed=self._consumed,
                record=self._record,
                produced=self._produced,
                waiting=self._waiting,
                dead_letters=self._grave.buried,
                cancelled=cancelled,
                answered=self._answered,
                retry=retry,
            ),
            self._grave.letters,
        )

    async def _take(self, delivery: Delivery) -> RetryLater | None:
        number = 1 if self._consumed else self._claim.attempts
        try:
            event = delivery.event()
        except InvalidEvent as error:
            self._grave.bury(delivery, DeadLetterReason.POISON, error, number)
            return None
        if number > self._post.settings.retry.attempts + LOST_ATTEMPTS:
            lost = _never_finished(self._post.address, number)
            self._grave.bury(delivery, DeadLetterReason.EXHAUSTED, lost, number, event)
            return None
        if number == 1 and is_measured():
            waited = (self._clock.now() - delivery.arrived_at).total_seconds()
            measure_queue_time(event, handler=self._post.address, seconds=max(waited, 0.0))
        self._consumed_ids.add(event.id)
        failure = await self._attempt(event, number)
        if failure is None:
            return None
        if isinstance(failure.decision, Retry):
            return RetryLater(delay=failure.decision.delay, error=described(failure.error))
        self._grave.bury(delivery, failure.decision.reason, failure.error, number, event)
        return None

    async def _attempt(self, event: Event[Any], number: int) -> Failure | None:
        """Run the handler, and keep what comes of it if it succeeds."""
        memory = HeldRecord(event.subject, self._record_json)
        published: list[tuple[Event[Any], NewDelivery | None, Sending]] = []

        def take(given: Event[Any], due: datetime | timedelta | None) -> None:
            sending = Sending(due, self._priority)
            published.append((given, self._routes.published(given, sending), sending))

        collector = Collector(self._app, take)
        hooks = self._app.hooks
        started = self._clock.monotonic() if hooks.observers else 0.0
        with collecting(collector):
            outcome = await attempt(
                self._post.bind(memory),
                event,
                handler=self._post.address,
                number=number,
                retry=self._post.settings.retry,
            )
        followed_by = emitted(outcome, number=number, retry=self._post.settings.retry)
        if hooks.observers:
            observed = followed_by if isinstance(followed_by, Failure) else outcome
            hooks.observe(self._observation(event, number, observed, self._clock.monotonic() - started))
        if isinstance(followed_by, Failure):
            return followed_by
        for given, way, sending in published:
            if given.parentid is not None:
                # Perhaps it answers one that waits for its domain. What handlers return answers the event they took.
                self._answered.append(given.parentid)
            self._send(given, way, sending)
        for output, delay in followed_by:
            sending = Sending(delay, self._priority)
            self._send(output, self._routes.emitted(output, sending), sending)
        if memory.written is not None:
            failed = memory.written.status is WorkflowStatus.FAILED
            self._record = replace(memory.written, failed_on=event.to_json()) if failed else memory.written
            self._record_json = memory.written.record_json
        return None

    def _send(self, event: Event[Any], way: NewDelivery | None, sending: Sending) -> None:
        if way is not None:
            self._produced.append(way)
        elif sending.due:
            self._produced.append(late(event, sending))
        else:
            self._waiting.append(event)

    def _drop_timers(self) -> Sequence[str]:
        """Take out the workflow's timers that its record no longer wants; the ids of those that lie in the store.

        Not those of events that were consumed here. A timer that has arrived stays where it is, and is ignored.
        """
        wanted = timers_in(self._record_json)
        self._produced = [
            produced
            for produced in self._produced
            if produced.event.type != TIMER_ELAPSED
            or produced.handler != self._claim.handler
            or produced.event.id in wanted
        ]
        return sorted(timers_in(self._claim.record_json) - wanted - self._consumed_ids)

    def _observation(
        self, event: Event[Any], number: int, outcome: Success | Failure, duration_seconds: float
    ) -> Observation:
        failure = outcome if isinstance(outcome, Failure) else None
        return Observation(
            event=event,
            handler=self._post.address,
            attempt=number,
            duration_seconds=duration_seconds,
            outputs=() if isinstance(outcome, Failure) else tuple(outcome.outputs),
            error=failure and failure.error,
            decision=failure and failure.decision,
        )


def refused(result: Result, error: Exception, surroundings: Surroundings) -> Result:
    """What is to be stored instead of a result that cannot be stored because of `error` (data that is no JSON, say).

    Several deliveries are tried again one by one, so that the one to blame is given up alone.
    """
    claim, consumed = result.completion.claim, result.completion.consumed
    if len(consumed) != 1:
        return Result(Completion(claim=claim, retry=RetryLater(delay=timedelta(0), error=described(error))))
    grave = Grave(claim.handler, surroundings.clock)
    grave.bury(consumed[0], DeadLetterReason.UNEXPECTED, error, claim.attempts)
    return Result(Completion(claim=claim, consumed=consumed, dead_letters=grave.buried), grave.letters)


def _never_finished(address: str, number: int) -> ExecutionViolation:
    return ExecutionViolation(
        f"{address!r} was begun on this event {number - 1} times and none of them came to an end, so it probably takes "
        "its worker down. Look at how the workers died before you replay it."
    )
