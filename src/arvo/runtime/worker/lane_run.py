"""One claim being worked on: its deliveries run one after the other, and all that comes of them is one `Completion`.

Who claims, renews and finishes is elsewhere; nothing here talks to a store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.errors import ExecutionViolation, InvalidEvent
from arvo.ports import Completion, RetryLater, WorkflowStatus
from arvo.runtime.attempt import Failure, Success, attempt
from arvo.runtime.dead_letters import DeadLetterReason
from arvo.runtime.hooks import Observation
from arvo.runtime.publishing import Collector, collecting
from arvo.runtime.retry import Retry
from arvo.runtime.worker.grave import Grave, described
from arvo.runtime.worker.held_record import HeldRecord
from arvo.telemetry import is_measured, measure_queue_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arvo.events import Event
    from arvo.ports import Claim, Clock, Delivery, NewDelivery, RecordWrite
    from arvo.runtime.app import App
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
        self._record_json = claim.record_json
        self._record: RecordWrite | None = None
        self._consumed: list[Delivery] = []
        self._produced: list[NewDelivery] = []
        self._waiting: list[Event[Any]] = []
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
        return Result(
            Completion(
                claim=self._claim,
                consumed=self._consumed,
                record=self._record,
                produced=self._produced,
                waiting=self._waiting,
                dead_letters=self._grave.buried,
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
        published: list[tuple[Event[Any], NewDelivery | None]] = []
        collector = Collector(self._app, lambda given: published.append((given, self._routes.published(given))))
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
        if hooks.observers:
            hooks.observe(self._observation(event, number, outcome, self._clock.monotonic() - started))
        if isinstance(outcome, Failure):
            return outcome
        for given, delivery in (*published, *((output, self._routes.emitted(output)) for output in outcome.outputs)):
            if delivery is None:
                self._waiting.append(given)
            else:
                self._produced.append(delivery)
        if memory.written is not None:
            failed = memory.written.status is WorkflowStatus.FAILED
            self._record = replace(memory.written, failed_on=event.to_json()) if failed else memory.written
            self._record_json = memory.written.record_json
        return None

    def _observation(
        self, event: Event[Any], number: int, outcome: Success | Failure, duration_seconds: float
    ) -> Observation:
        failure = outcome if isinstance(outcome, Failure) else None
        return Observation(
            event=event,
            handler=self._post.address,
            attempt=number,
            duration_seconds=duration_seconds,
            outputs=tuple(outcome.outputs) if isinstance(outcome, Success) else (),
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
