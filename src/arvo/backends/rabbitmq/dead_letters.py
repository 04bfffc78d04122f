"""Looks at the stream of dead letters, from which looking takes nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from arvo.backends.rabbitmq import headers as names
from arvo.ports.broker import DeadMessage

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

    from arvo.backends.rabbitmq.link import Link
    from arvo.backends.rabbitmq.topology import QueuePlan

__all__ = ["read_dead_letters"]

_OFFSET: Final = "x-stream-offset"
_AT_ONCE: Final = 200
_FIRST_SECONDS: Final = 1.0
"""A stream does not say that it is empty: this long without a message means that it is."""
_NEXT_SECONDS: Final = 0.2


async def read_dead_letters(link: Link, plan: QueuePlan, limit: int) -> list[DeadMessage]:
    """The latest letters, oldest first."""
    if limit < 1:
        return []
    await link.declare(plan)
    async with link.guarded():
        channel = await link.channel()
        async with channel:
            await channel.set_qos(prefetch_count=_AT_ONCE)
            # The last chunk of the stream tells where it ends; then all that is wanted is read up to there.
            latest = await _read(channel, plan.name, "last", None)
            if not latest:
                return []
            end = _offset_of(latest[-1])
            found = await _read(channel, plan.name, max(0, end - limit + 1), end)
    return [_letter(message) for message in found][-limit:]


async def _read(
    channel: AbstractChannel, name: str, start: str | int, end: int | None
) -> list[AbstractIncomingMessage]:
    arriving: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    queue = await channel.get_queue(name, ensure=False)
    tag = await queue.consume(arriving.put, arguments={_OFFSET: start})
    found: list[AbstractIncomingMessage] = []
    try:
        while end is None or not found or _offset_of(found[-1]) < end:
            async with asyncio.timeout(_NEXT_SECONDS if found and end is None else _FIRST_SECONDS):
                message = await arriving.get()
            found.append(message)
            await message.ack()
    except TimeoutError:
        # Nothing more is there.
        pass
    await queue.cancel(tag)
    return found


def _offset_of(message: AbstractIncomingMessage) -> int:
    offset: Any = message.headers.get(_OFFSET)
    return int(offset)


def _letter(message: AbstractIncomingMessage) -> DeadMessage:
    """What the server itself gave up has headers of the server's only."""
    said: dict[str, Any] = dict(message.headers)
    return DeadMessage(
        address=str(said.get(names.ADDRESS) or message.routing_key or ""),
        body=message.body,
        content_type=message.content_type,
        headers=names.plain_headers(said),
        reason=str(said.get(names.REASON) or said.get("x-first-death-reason") or "unknown"),
        detail=str(said.get(names.DETAIL) or "The server gave it up."),
        attempts=names.number_in(said.get(names.ATTEMPTS)),
        at=_time_in(said.get(names.AT)),
    )


def _time_in(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
