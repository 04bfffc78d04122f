"""How events leave for a broker: as messages, each confirmed before its event counts as done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from arvo.errors import BackendError
from arvo.events.wire import to_binary, to_structured
from arvo.ports.broker import OutgoingMessage
from arvo.runtime.retry import RetryPolicy
from arvo.runtime.subscription import Settings
from arvo.runtime.worker.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.events import Event
    from arvo.ports.broker import MessageBroker

__all__ = ["message_of", "relay_to"]

_AT_ONCE: Final = 256
_UNTIL_IT_IS_BACK: Final = RetryPolicy(
    attempts=1_000_000_000,
    initial_delay=timedelta(milliseconds=100),
    max_delay=timedelta(seconds=5),
    retry_on=(BackendError,),
)
"""A broker that is away is waited for; what it refuses is a dead letter at once."""


def relay_to(broker: MessageBroker, callers: frozenset[str], *, binary: bool) -> Relay:
    """What a worker hands events to that are for other processes.

    Each lane publishes one event after the other, and many lanes at the same time: so subjects keep their order, and
    the broker has many messages to confirm together.
    """

    async def publish(event: Event[Any]) -> Sequence[Event[Any]]:
        await broker.publish([message_of(event, binary=binary)])
        return ()

    return Relay(publish, Settings(concurrency=_AT_ONCE, retry=_UNTIL_IT_IS_BACK), callers)


def message_of(event: Event[Any], *, address: str | None = None, binary: bool = False) -> OutgoingMessage:
    """The event as a message, to its own address unless another is given."""
    wire = to_binary(event) if binary else to_structured(event)
    return OutgoingMessage(
        address=address or event.to or event.type,
        event_id=event.id,
        subject=event.subject,
        body=wire.body,
        content_type=wire.content_type or "",
        headers=wire.headers,
    )
