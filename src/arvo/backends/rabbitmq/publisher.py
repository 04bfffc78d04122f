"""Publishing with confirms: many messages on their way at once, each confirmed, none dropped for want of a queue."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from aio_pika.exceptions import ChannelPreconditionFailed, PublishError

from arvo.backends.rabbitmq.diagnosis import FAILURES
from arvo.ports.broker import MessageRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aio_pika import Message
    from aio_pika.abc import AbstractChannel

    from arvo.backends.rabbitmq.link import Link
    from arvo.backends.rabbitmq.topology import QueuePlan

__all__ = ["Publication", "Publisher"]

_ON_THEIR_WAY: Final = 512
"""As many messages may wait for their confirmation, so that memory and the server's queue are bounded."""
_CONFIRM_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Publication:
    """A message, the queue that has to be there for it, and the routing key: where it goes in the end."""

    message: Message
    plan: QueuePlan
    key: str


class Publisher:
    """Publishes over one channel, in the order given."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()

    async def publish(self, publications: Iterable[Publication]) -> None:
        """Return when all are confirmed. Raises MessageRefused or BackendError."""
        rest = iter(publications)
        while batch := list(islice(rest, _ON_THEIR_WAY)):
            unroutable = await self._publish(batch)
            if not unroutable:
                continue
            # Somebody has removed the queues.
            for publication in unroutable:
                self._link.forget(publication.plan.name)
            still = await self._publish(unroutable)
            async with self._link.guarded():
                for error in still.values():
                    raise error

    async def _publish(self, batch: Iterable[Publication]) -> dict[Publication, PublishError]:
        """Publish, and return those that no queue took."""
        batch = tuple(batch)
        for plan in {publication.plan.name: publication.plan for publication in batch}.values():
            await self._link.declare(plan)
        channel = await self._ready()
        unroutable: dict[Publication, PublishError] = {}
        async with self._link.guarded():
            results = await asyncio.gather(*(self._send(channel, one) for one in batch), return_exceptions=True)
            for publication, result in zip(batch, results, strict=True):
                if isinstance(result, PublishError):
                    unroutable[publication] = result
                elif isinstance(result, ChannelPreconditionFailed) and "size" in str(result):
                    raise MessageRefused(
                        f"A message is larger than the server takes ({self._link.address.scrubbed(str(result))}). "
                        "Send less, or raise its max_message_size."
                    ) from result
                elif isinstance(result, BaseException):
                    raise result
        return unroutable

    async def _send(self, channel: AbstractChannel, publication: Publication) -> None:
        exchange = channel.default_exchange
        if publication.plan.exchange:
            exchange = await channel.get_exchange(publication.plan.exchange, ensure=False)
        await exchange.publish(publication.message, publication.key, mandatory=True, timeout=_CONFIRM_SECONDS)

    async def _ready(self) -> AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.channel()
            return self._channel

    async def close(self) -> None:
        """Let go of the channel."""
        if self._channel is not None and not self._channel.is_closed:
            try:
                await self._channel.close()
            except FAILURES:
                return
