"""The few things that all checks of a broker do: make and publish messages, take what is there, and say what it was."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.errors import BackendError
from arvo.ports.broker import OutgoingMessage
from arvo.testing.conformance import Check, check_of, require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from arvo.ports.broker import MessageBroker, MessageConsumer, ReceivedMessage
    from arvo.testing.broker.under_test import BrokerUnderTest

__all__ = [
    "ADDRESS",
    "MOMENT",
    "PATIENCE",
    "ROOM",
    "bodies",
    "checks_of",
    "message",
    "publish",
    "receive_nothing",
    "receive_some",
    "require_bodies",
]

ADDRESS = "com.order.place"
ROOM = {ADDRESS: 100}
MOMENT = timedelta(milliseconds=250)
"""So long a check waits to see that nothing comes."""
PATIENCE = timedelta(seconds=15)
"""So long a check waits for what must come."""


def checks_of(*attempts: Callable[[BrokerUnderTest], Awaitable[None]]) -> tuple[Check[BrokerUnderTest], ...]:
    """Make checks of functions."""
    return tuple(map(check_of, attempts))


def message(
    id: str,
    *,
    address: str = ADDRESS,
    subject: str = "order-1",
    body: bytes | None = None,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> OutgoingMessage:
    """A message that is told apart by its id, which is its body too."""
    return OutgoingMessage(
        address=address,
        event_id=id,
        subject=subject,
        body=id.encode() if body is None else body,
        content_type=content_type,
        headers={} if headers is None else headers,
    )


async def publish(broker: MessageBroker, *ids: str, address: str = ADDRESS, subject: str = "order-1") -> None:
    """Publish messages one by one, as separate calls."""
    for id_ in ids:
        await broker.publish([message(id_, address=address, subject=subject)])


async def receive_some(
    consumer: MessageConsumer, count: int, *, at_most: int = 100, patience: timedelta = PATIENCE
) -> list[ReceivedMessage]:
    """Receive until there are `count` messages; a broker that is away for a while is asked again."""
    taken: list[ReceivedMessage] = []
    loop = asyncio.get_running_loop()
    end = loop.time() + patience.total_seconds()
    while len(taken) < count and loop.time() < end:
        try:
            taken += await consumer.receive(at_most, timedelta(seconds=max(0.01, min(1.0, end - loop.time()))))
        except BackendError:
            await asyncio.sleep(0.05)
    require(len(taken) >= count, f"{len(taken)} of {count} messages came: {bodies(taken)[:20]}")
    return taken


async def receive_nothing(consumer: MessageConsumer, why: str, wait: timedelta = MOMENT) -> None:
    """Require that nothing comes."""
    taken = await consumer.receive(100, wait)
    require(not taken, f"{bodies(taken)[:20]} came {why}")


def bodies(messages: Sequence[ReceivedMessage]) -> list[str]:
    """The bodies of messages, in order."""
    return [one.body.decode("utf-8", "backslashreplace")[:40] for one in messages]


def require_bodies(messages: Sequence[ReceivedMessage], *expected: str) -> None:
    """Require exactly these messages, in this order."""
    found = bodies(messages)
    require(found == list(expected), f"{found} came instead of {list(expected)}")
