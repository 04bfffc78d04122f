"""What a back end's author hands to the kit: the broker, and the means to move its time and to make it fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from arvo.ports.broker import MessageBroker

__all__ = ["BrokerUnderTest", "MakeBroker"]


async def _wait_for_real(duration: timedelta) -> None:
    await asyncio.sleep(duration.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerUnderTest:
    """One broker that starts without any message, entered.

    `peer` is a second instance on the same messages, as another process would have; the same instance again if there
    can be no other. `span` is the time in which checks count delays; a consumer that says how long it holds messages
    (`hold`) should say this. `let_time_pass` makes the broker believe that time has passed; by default it really waits,
    so give such a broker a short `span` (one second, say). `vanish` cuts `peer` off as if its process had been killed;
    without it consumers are lost by being silent. `outage` takes the broker away while it is entered, and what was
    confirmed survives; without it the checks that need it are skipped and reported as skipped.
    """

    broker: MessageBroker
    peer: MessageBroker
    span: timedelta = timedelta(seconds=1)
    let_time_pass: Callable[[timedelta], Awaitable[None]] = _wait_for_real
    vanish: Callable[[], Awaitable[None]] | None = None
    outage: Callable[[], AbstractAsyncContextManager[None]] | None = None


MakeBroker: TypeAlias = Callable[[], AbstractAsyncContextManager[BrokerUnderTest]]
