"""`RabbitBroker`: the MessageBroker port on RabbitMQ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from aio_pika import DeliveryMode, Message

from arvo.backends.rabbitmq import headers as names
from arvo.backends.rabbitmq.address import Address
from arvo.backends.rabbitmq.consumer import RabbitConsumer, Settling
from arvo.backends.rabbitmq.dead_letters import read_dead_letters
from arvo.backends.rabbitmq.link import Link
from arvo.backends.rabbitmq.publisher import Publication, Publisher
from arvo.backends.rabbitmq.topology import Topology
from arvo.errors import DefinitionError
from arvo.ports.broker import BrokerPromises, MessageRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from arvo.backends.rabbitmq.consumer import Received
    from arvo.ports.broker import DeadMessage, OutgoingMessage

__all__ = ["RabbitBroker"]

_LEAST: Final = 256 * 1024
_FOR_HEADERS: Final = 64 * 1024
"""Headers travel in one frame, of 128 KB by default; some of it is kept for what a dead letter says of itself."""
_LONGEST_NAME: Final = 128
_LONGEST_CONTENT_TYPE: Final = 255


class RabbitBroker:
    """Carries messages over the quorum queues of one RabbitMQ server or cluster.

        async with RabbitBroker("amqp://orders:secret@rabbit.example/shop") as broker:
            ...

    `system` begins the names of all queues and exchanges that are used, and made when they are not there; apps with the
    same one, in the same virtual host, reach one another. Dead letters are removed after `keep_dead`, which counts when
    their stream is made. Messages larger than `largest_message` are refused here: the server does not tell its own
    limit, `max_message_size`.
    """

    def __init__(
        self,
        url: str,
        *,
        system: str = "arvo",
        keep_dead: timedelta = timedelta(days=30),
        largest_message: int = 4 * 1024 * 1024,
    ) -> None:
        if largest_message < _LEAST:
            raise DefinitionError(f"largest_message={largest_message} is less than {_LEAST} bytes. Allow that much.")
        self._topology = Topology(system, keep_dead)
        self._largest = largest_message
        self._link = Link(Address(url))
        self._publisher = Publisher(self._link)
        self._consumers: set[RabbitConsumer] = set()

    @property
    def promises(self) -> BrokerPromises:
        """Ordered; RabbitMQ remembers no ids."""
        return BrokerPromises(ordered=True, largest_message=self._largest)

    async def __aenter__(self) -> Self:
        try:
            await self._link.declare(self._topology.dead)
        except BaseException:
            await self._link.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all consumers and the connection."""
        for consumer in tuple(self._consumers):
            await consumer.close()
        await self._link.close()

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish to the queues; the server confirms each message once a majority of its queue has stored it."""
        await self._publisher.publish([self._publication(message) for message in messages])

    def consumer(self, addresses: Mapping[str, int]) -> RabbitConsumer:
        """What takes messages for these addresses, of each at most so many unsettled."""
        settling = Settling(later=self._later, bury=self._bury)
        return RabbitConsumer(addresses, self._link, self._topology, settling, self._consumers)

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadMessage]:
        """The latest messages that were given up, oldest first."""
        return await read_dead_letters(self._link, self._topology.dead, limit)

    def _publication(self, message: OutgoingMessage) -> Publication:
        size = sum(len(name) + len(value.encode()) + 8 for name, value in message.headers.items())
        if len(message.body) > self._largest or size > _FOR_HEADERS:
            raise MessageRefused(
                f"The message {message.event_id!r:.80} for {message.address!r:.80} has {len(message.body)} bytes and "
                f"{size} in its headers, where {self._largest} and {_FOR_HEADERS} are allowed. Keep large data "
                "elsewhere and send where it is, or raise largest_message here and max_message_size of the server."
            )
        longest = max(map(len, message.headers), default=0)
        if longest > _LONGEST_NAME or len(message.content_type.encode()) > _LONGEST_CONTENT_TYPE:
            raise MessageRefused(
                f"The message {message.event_id!r:.80} for {message.address!r:.80} has a header name of {longest} "
                f"characters, or a content type of {len(message.content_type.encode())} bytes, where AMQP allows "
                f"{_LONGEST_NAME} and {_LONGEST_CONTENT_TYPE}. Shorten it."
            )
        plan = self._topology.queue(message.address)
        about = {names.EVENT_ID: message.event_id, names.ADDRESS: message.address}
        body = _message(message.body, message.content_type, {**message.headers, **about})
        return Publication(body, plan, plan.name)

    async def _later(self, message: Received, delay: timedelta) -> None:
        target = self._topology.queue(message.address)
        plan = self._topology.waiting(delay) if delay > timedelta(0) else target
        again: dict[str, Any] = {**message.headers, names.ADDRESS: message.address, names.ATTEMPTS: message.attempt}
        if (event_id := message.origin.headers.get(names.EVENT_ID)) is not None:
            again[names.EVENT_ID] = event_id
        await self._publisher.publish(
            [Publication(_message(message.body, message.content_type, again), plan, target.name)]
        )

    async def _bury(self, message: Received, reason: str, detail: str) -> None:
        about: dict[str, Any] = {
            names.ADDRESS: message.address,
            names.ATTEMPTS: message.attempt,
            names.REASON: reason,
            names.DETAIL: " ".join(detail.split())[:2000],
            names.AT: datetime.now(UTC).isoformat(),
        }
        letter = _message(message.body, message.content_type, {**message.headers, **about})
        await self._publisher.publish([Publication(letter, self._topology.dead, self._topology.queue("").name)])


def _message(body: bytes, content_type: str | None, headers: dict[str, Any]) -> Message:
    # Its message id is left to the driver, which tells what the server returned by it: event ids may come twice.
    return Message(body, headers=headers, content_type=content_type, delivery_mode=DeliveryMode.PERSISTENT)
