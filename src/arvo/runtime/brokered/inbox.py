"""Takes the messages of a broker into the store: each event once, acknowledged when it is stored."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from arvo.errors import BackendError, ConfigViolation, Violation
from arvo.ports import NewDelivery
from arvo.runtime.brokered.holding import Holding
from arvo.runtime.dead_letters import DeadLetterReason
from arvo.runtime.worker.grave import described

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from arvo.ports import Clock, WorkStore
    from arvo.ports.broker import MessageBroker, MessageConsumer, ReceivedMessage
    from arvo.runtime.brokered.arrival import Arrivals
    from arvo.runtime.worker.patience import Patience

__all__ = ["Inbox", "InboxReport", "reason_of"]

logger = logging.getLogger("arvo.runtime")

_AT_ONCE: Final = 256
_WAIT: Final = timedelta(seconds=1)
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxReport:
    """How many events an inbox took in, how many of its messages were known already, and how many it gave up."""

    new: int = 0
    known: int = 0
    dead_letters: int = 0


class Inbox:
    """One for each worker. `priorities` are those that a handler's events have in the store."""

    def __init__(
        self,
        broker: MessageBroker,
        addresses: Mapping[str, int],
        arrivals: Arrivals,
        store: WorkStore,
        *,
        priorities: Mapping[str, int],
        patience: Patience,
        clock: Clock,
    ) -> None:
        self._broker = broker
        self._addresses = addresses
        self._arrivals = arrivals
        self._store = store
        self._priorities = priorities
        self._patience = patience
        self._clock = clock
        self.report = InboxReport()

    async def run(self) -> None:
        """Take in messages until cancelled; what is in hand then is handed back."""
        while True:
            try:
                async with self._broker.consumer(self._addresses) as consumer, asyncio.TaskGroup() as group:
                    holding = Holding(consumer, self._clock)
                    group.create_task(holding.run())
                    await self._take_in(consumer, holding)
            except* BackendError as errors:
                logger.warning("The broker gives no messages; the worker asks again. %s", errors.exceptions[0])
            await self._clock.sleep(_PAUSE_SECONDS)

    async def _take_in(self, consumer: MessageConsumer, holding: Holding) -> None:
        while True:
            try:
                messages = await consumer.receive(_AT_ONCE, _WAIT)
            except BackendError as error:
                logger.warning("The broker gives no messages; the worker asks again. %s", error.message)
                await self._clock.sleep(_PAUSE_SECONDS)
                continue
            if not messages:
                continue
            holding.messages.update(messages)
            try:
                await self._settle(consumer, messages)
            except BackendError as error:
                # They come again, and the store knows them then.
                logger.warning("%d messages could not be acknowledged. %s", len(messages), error.message)
            finally:
                holding.messages.clear()

    async def _settle(self, consumer: MessageConsumer, messages: Sequence[ReceivedMessage]) -> None:
        readable: list[tuple[ReceivedMessage, NewDelivery]] = []
        for message in messages:
            try:
                readable.append((message, self._delivery(message)))
            except Violation as error:
                await self._bury(consumer, message, error)
        await consumer.ack(await self._stored(consumer, readable))

    def _delivery(self, message: ReceivedMessage) -> NewDelivery:
        event, lane, delay = self._arrivals.read(message)
        return NewDelivery(handler=lane, event=event, due=delay, priority=self._priorities.get(lane, 0))

    async def _stored(
        self, consumer: MessageConsumer, readable: Sequence[tuple[ReceivedMessage, NewDelivery]]
    ) -> Sequence[ReceivedMessage]:
        """Store all of it, and return the messages that are to be acknowledged."""
        if not readable:
            return ()
        publish = partial(self._store.publish, [delivery for _, delivery in readable])
        try:
            new = await self._patience.ask("take in what came", publish)
        except Exception as error:  # noqa: BLE001 - whatever it is, one event must not keep the others out
            if len(readable) == 1:
                await self._bury(consumer, readable[0][0], error)
                return ()
            return [message for one in readable for message in await self._stored(consumer, [one])]
        self._count(new=new, known=len(readable) - new)
        return [message for message, _ in readable]

    async def _bury(self, consumer: MessageConsumer, message: ReceivedMessage, error: Exception) -> None:
        logger.error("Dead letter: a message for %r cannot be taken in. %s", message.address, described(error))
        await consumer.dead(message, reason_of(error).value, described(error))
        self._count(dead_letters=1)

    def _count(self, **counts: int) -> None:
        report = self.report
        self.report = replace(report, **{name: getattr(report, name) + count for name, count in counts.items()})


def reason_of(error: Exception) -> DeadLetterReason:
    """Why a message is given up that is no event for a handler here."""
    if isinstance(error, ConfigViolation):
        return DeadLetterReason.UNROUTABLE
    return DeadLetterReason.POISON if isinstance(error, Violation) else DeadLetterReason.UNEXPECTED
