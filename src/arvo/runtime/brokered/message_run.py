"""The work on one message with no store between: run its handler, publish what comes of it, settle it.

The work itself is that of a durable worker (`lane_run`); only what becomes of its outcome is different. A crash in
between means that the message comes again and gives the same outputs with the same ids.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from arvo.errors import ConfigViolation, TransactionViolation
from arvo.events import delayed, new_event_id
from arvo.ports import Claim, Completion, Delivery, RetryLater, StaleWriteError
from arvo.ports.records import decode_record, encode_record
from arvo.ports.store import delivery_key, lane_id
from arvo.runtime.brokered.outbox import message_of
from arvo.runtime.retry import Retry
from arvo.runtime.worker.grave import Grave, described, report
from arvo.runtime.worker.lane_run import LaneRun, Result
from arvo.runtime.worker.relay import OUTBOX
from arvo.runtime.worker.report import WorkerReport
from arvo.runtime.worker.routes import LATE, UNHANDLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.events import Event
    from arvo.ports import NewDelivery
    from arvo.ports.broker import MessageBroker, MessageConsumer, OutgoingMessage, ReceivedMessage
    from arvo.runtime.worker.lane_run import Surroundings
    from arvo.runtime.worker.patience import Patience
    from arvo.runtime.worker.posts import Post

__all__ = ["MessageRuns"]

logger = logging.getLogger("arvo.runtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decoded(Delivery):
    decoded: Any

    def event(self) -> Event[Any]:
        """The event, which was decoded when its message was read."""
        event: Event[Any] = self.decoded
        return event


class MessageRuns:
    """What all such runs of a worker share. `workflows` are the lanes whose handlers keep a record in the app's memory.

    A workflow's record is read and locked, its outputs are published, and only then the record is written: so a crash
    in between loses no output, and the next run, from the old record, gives the same ones again.
    """

    def __init__(
        self,
        broker: MessageBroker,
        posts: Mapping[str, Post],
        surroundings: Surroundings,
        patience: Patience,
        *,
        workflows: frozenset[str],
        binary: bool,
    ) -> None:
        self._broker = broker
        self._posts = posts
        self._surroundings = surroundings
        self._patience = patience
        self._workflows = workflows
        self._binary = binary
        self.report = WorkerReport()

    async def run(self, consumer: MessageConsumer, message: ReceivedMessage, lane: str, event: Event[Any]) -> None:
        """Do all of it. BackendError when the broker did not take the outcome: the message comes again then."""
        delivery = _Decoded(
            number=1,
            key=delivery_key(lane_id(lane, event.subject), event.id),
            event_json=message.body,
            arrived_at=self._surroundings.clock.now(),
            decoded=event,
        )
        work = self._on_record if lane in self._workflows else self._once
        try:
            result = await work(self._posts[lane], delivery, message)
        except Exception as error:  # noqa: BLE001 - the policy decides about what the memory or the broker raised
            result = self._failed(self._posts[lane], delivery, message, error)
        await self._settle(consumer, message, result)

    async def _once(self, post: Post, delivery: _Decoded, message: ReceivedMessage) -> Result:
        result = await LaneRun(_claim(post, delivery, message, None), post, self._surroundings).run(lambda: False)
        await self._publish(result.completion)
        return result

    async def _on_record(self, post: Post, delivery: _Decoded, message: ReceivedMessage) -> Result:
        memory, subject, holder = self._surroundings.app.memory, delivery.event().subject, new_event_id()
        if not await memory.lock(subject, holder):
            raise TransactionViolation(
                f"Another process works on {subject!r:.80}. Trying again later is right.", cause="LOCK_UNACQUIRED"
            )
        try:
            previous = await memory.read(subject)
            record_json = None if previous is None else encode_record(previous)
            claim = _claim(post, delivery, message, record_json)
            result = await LaneRun(claim, post, self._surroundings).run(lambda: False)
            await self._publish(result.completion)
            if result.completion.record is not None:
                await memory.write(subject, decode_record(result.completion.record.record_json), previous)
        except StaleWriteError as error:
            raise TransactionViolation(str(error), cause="WRITE_FAILURE") from error
        finally:
            await memory.unlock(subject, holder)
        return result

    async def _publish(self, completion: Completion) -> None:
        """Publish what was produced, however long the broker is away."""
        if completion.waiting:
            event = completion.waiting[0]
            raise ConfigViolation(
                f"{event.type!r} (id {event.id}) is for domain {event.domain!r}, which has no sink in this app, and "
                "without a store there is nowhere for it to wait. Register @app.sink(...), or give the worker a store."
            )
        messages = [self._message(produced) for produced in completion.produced]
        if messages:
            await self._patience.ask("take what came of an event", partial(self._broker.publish, messages))

    def _message(self, produced: NewDelivery) -> OutgoingMessage:
        event, due = produced.event, produced.due
        if produced.handler == LATE:
            raise ConfigViolation(
                f"{event.type!r} (id {event.id}) is to wait for its domain {event.domain!r} later, and without a store "
                "there is nowhere to wait. Register @app.sink(...), or give the worker a store."
            )
        if isinstance(due, datetime):
            due = max(timedelta(0), due - self._surroundings.clock.now())
        if due is not None:
            # Counted from the time of the event, since whoever receives it may not be the first to do so.
            age = self._surroundings.clock.now() - datetime.fromisoformat(event.time)
            event = delayed(event, due + max(timedelta(0), age))
        is_elsewhere = produced.handler in (OUTBOX, UNHANDLED)
        return message_of(event, address=None if is_elsewhere else produced.handler, binary=self._binary)

    def _failed(self, post: Post, delivery: _Decoded, message: ReceivedMessage, error: Exception) -> Result:
        claim = _claim(post, delivery, message, None)
        decision = post.settings.retry.decide(message.attempt, error)
        if isinstance(decision, Retry):
            return Result(Completion(claim=claim, retry=RetryLater(delay=decision.delay, error=described(error))))
        grave = Grave(post.address, self._surroundings.clock)
        grave.bury(delivery, decision.reason, error, message.attempt, delivery.event())
        return Result(Completion(claim=claim, dead_letters=grave.buried), grave.letters)

    async def _settle(self, consumer: MessageConsumer, message: ReceivedMessage, result: Result) -> None:
        completion = result.completion
        if completion.retry is not None:
            await consumer.retry(message, completion.retry.delay)
            self.report = self.report.plus(retries=1)
        elif completion.dead_letters:
            letter = completion.dead_letters[0]
            await consumer.dead(message, letter.reason, letter.error)
            self.report = self.report.plus(deliveries=1, dead_letters=1)
        else:
            await consumer.ack([message])
            self.report = self.report.plus(deliveries=1)
        for letter_shown in result.letters:
            await report(letter_shown, self._surroundings.app.hooks)


def _claim(post: Post, delivery: _Decoded, message: ReceivedMessage, record_json: bytes | None) -> Claim:
    """The message, as a claim on the lane that it would be in."""
    return Claim(
        lane=lane_id(post.address, delivery.event().subject),
        handler=post.address,
        token=1,
        priority=0,
        attempts=message.attempt,
        leased_until=delivery.arrived_at,
        deliveries=(delivery,),
        record_json=record_json,
        revision=0,
    )
