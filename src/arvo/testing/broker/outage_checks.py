"""Checks of a broker that goes away and comes back: clear errors meanwhile, nothing lost, nothing to open anew."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest import SkipTest

from arvo.errors import BackendError
from arvo.testing.broker.scene import ROOM, bodies, checks_of, message, publish, receive_some
from arvo.testing.conformance import require

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from arvo.ports.broker import MessageBroker
    from arvo.testing.broker.under_test import BrokerUnderTest

__all__ = ["OUTAGE_CHECKS"]

_COMES_BACK_WITHIN_SECONDS = 20


def _outage(subject: BrokerUnderTest) -> AbstractAsyncContextManager[None]:
    if subject.outage is None:
        raise SkipTest("this broker cannot be taken away")
    return subject.outage()


async def _publish_when_back(broker: MessageBroker, id: str) -> None:
    async with asyncio.timeout(_COMES_BACK_WITHIN_SECONDS):
        while True:
            try:
                return await publish(broker, id)
            except BackendError:
                await asyncio.sleep(0.05)


async def publishing_fails_while_it_is_away(subject: BrokerUnderTest) -> None:
    """While the broker is away, publishing raises BackendError in one line; afterwards it works again."""
    await publish(subject.broker, "before")
    async with _outage(subject):
        try:
            async with asyncio.timeout(15):
                await publish(subject.broker, "during")
        except BackendError as error:
            require("\n" not in str(error), f"the error was {error!r}")
        else:
            require(condition=False, seen="it said that it had published")
    await _publish_when_back(subject.broker, "after")
    async with subject.broker.consumer(ROOM) as consumer:
        found = bodies(await receive_some(consumer, 2))
    require({"before", "after"} <= set(found), f"{found} came")


async def confirmed_messages_survive(subject: BrokerUnderTest) -> None:
    """What was confirmed before the broker went away is given out afterwards, to a consumer that was there before."""
    async with subject.peer.consumer(ROOM) as consumer:
        await subject.broker.publish([message(str(number), subject=str(number)) for number in range(100)])
        first = await receive_some(consumer, 1, at_most=10)
        await consumer.ack(first)
        async with _outage(subject):
            pass
        await _publish_when_back(subject.broker, "100")
        wanted = set(map(str, range(101))) - set(bodies(first))
        found: set[str] = set()
        async with asyncio.timeout(25):
            while not wanted <= found:
                taken = await receive_some(consumer, 1)
                found |= set(bodies(taken))
                # Those whose acknowledgement is lost come once more.
                with suppress(BackendError):
                    await consumer.ack(taken)


async def receiving_goes_on_after_an_outage(subject: BrokerUnderTest) -> None:
    """A consumer that waits while the broker goes away gets what is published when it is back."""
    async with subject.broker.consumer(ROOM) as consumer:
        waiting = asyncio.create_task(receive_some(consumer, 1, patience=timedelta(seconds=25)))
        await asyncio.sleep(0.1)
        async with _outage(subject):
            await asyncio.sleep(0.3)
        await _publish_when_back(subject.peer, "1")
        require(bodies(await waiting)[0] == "1", "something else came")


OUTAGE_CHECKS = checks_of(
    publishing_fails_while_it_is_away,
    confirmed_messages_survive,
    receiving_goes_on_after_an_outage,
)
