"""Checks of consumers: how they wait, share, are bounded, and what becomes of what they leave unsettled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest import SkipTest

from arvo.errors import BackendError
from arvo.testing.broker.scene import (
    ADDRESS,
    MOMENT,
    ROOM,
    bodies,
    checks_of,
    message,
    publish,
    receive_nothing,
    receive_some,
    require_bodies,
)
from arvo.testing.conformance import require

if TYPE_CHECKING:
    from arvo.ports.broker import MessageConsumer
    from arvo.testing.broker.under_test import BrokerUnderTest

__all__ = ["CONSUMER_CHECKS"]

_ZERO = timedelta(0)


async def wait_ends_without_messages(subject: BrokerUnderTest) -> None:
    """When nothing comes, `receive` returns nothing after the time it was given."""
    async with subject.broker.consumer(ROOM) as consumer:
        started = asyncio.get_running_loop().time()
        await receive_nothing(consumer, "although none was published", timedelta(seconds=0.3))
        took = asyncio.get_running_loop().time() - started
        require(0.25 <= took < 3, f"waiting for 0.3 s took {took:.2f} s")
        require(not await consumer.receive(10, _ZERO), "something came although none was published")


async def wait_ends_with_the_first_message(subject: BrokerUnderTest) -> None:
    """A message that is published while somebody waits is received at once."""
    async with subject.broker.consumer(ROOM) as consumer:
        waiting = asyncio.create_task(consumer.receive(10, timedelta(seconds=20)))
        await asyncio.sleep(0.3)
        started = asyncio.get_running_loop().time()
        await publish(subject.peer, "1")
        require_bodies(await waiting, "1")
        took = asyncio.get_running_loop().time() - started
        require(took < 2, f"it took {took:.2f} s from publishing to receiving")


async def no_more_than_asked_for(subject: BrokerUnderTest) -> None:
    """`receive` returns at most as many messages as it was asked for, and the next one the others."""
    await publish(subject.broker, *map(str, range(5)))
    async with subject.broker.consumer(ROOM) as consumer:
        found: list[str] = []
        for _ in range(5):
            taken = await receive_some(consumer, 1, at_most=1)
            require(len(taken) == 1, f"{len(taken)} messages came where one was asked for")
            found += bodies(taken)
    require(sorted(found) == list("01234"), f"{found} came")


async def unsettled_messages_are_bounded(subject: BrokerUnderTest) -> None:
    """A consumer holds at most as many messages of an address as it was told, and gets others as it settles them."""
    await subject.broker.publish([message(str(number)) for number in range(10)])
    await publish(subject.broker, "other", address="com.other")
    async with subject.broker.consumer({ADDRESS: 3, "com.other": 3}) as consumer:
        taken = await receive_some(consumer, 4)
        more = await consumer.receive(100, MOMENT)
        held = [one for one in (*taken, *more) if one.address == ADDRESS]
        require(len(held) == 3, f"{len(held)} messages were given out where 3 may be held")
        require(len(taken) + len(more) == 4, "the full address kept the other one from its message")
        await consumer.ack(held[:1])
        more = [*await receive_some(consumer, 1), *await consumer.receive(100, MOMENT)]
        require(len(more) == 1, f"{len(more)} messages were given out after one was settled")


async def consumers_share_an_address(subject: BrokerUnderTest) -> None:
    """Of several who consume an address each message goes to one."""
    found: list[str] = []

    async def work(consumer: MessageConsumer) -> None:
        while len(found) < 200:
            taken = await consumer.receive(5, timedelta(seconds=0.1))
            found.extend(bodies(taken))
            await consumer.ack(taken)

    async with subject.broker.consumer({ADDRESS: 5}) as one, subject.peer.consumer({ADDRESS: 5}) as other:
        await subject.broker.publish([message(str(number), subject=str(number)) for number in range(200)])
        await asyncio.gather(work(one), work(other))
        found += bodies(await one.receive(100, MOMENT)) + bodies(await other.receive(100, MOMENT))
    require(sorted(found) == sorted(map(str, range(200))), f"{len(found)} came, {len(set(found))} of them different")


async def acknowledged_messages_are_gone(subject: BrokerUnderTest) -> None:
    """What was acknowledged is never given out again, neither by this consumer nor by another."""
    await publish(subject.broker, *map(str, range(10)))
    async with subject.broker.consumer(ROOM) as consumer:
        taken = await receive_some(consumer, 10)
        await consumer.ack(taken)
        await subject.let_time_pass(subject.span * 1.5)
        await receive_nothing(consumer, "although acknowledged")
    async with subject.peer.consumer(ROOM) as other:
        await receive_nothing(other, "although acknowledged")


async def closing_hands_back(subject: BrokerUnderTest) -> None:
    """What is not settled when a consumer closes is given to others at once, as the next attempt."""
    await publish(subject.broker, "1", "2", "3")
    async with subject.broker.consumer(ROOM) as consumer:
        taken = await receive_some(consumer, 3)
        await consumer.ack(taken[:1])
    left = sorted(bodies(taken[1:]))
    async with subject.peer.consumer(ROOM) as other:
        again = await receive_some(other, 2, patience=timedelta(seconds=5))
        require(sorted(bodies(again)) == left, f"{bodies(again)} came again, where {left} were not settled")
        require({one.attempt for one in again} == {2}, f"they came as attempts {[one.attempt for one in again]}")


async def lost_consumer_is_succeeded(subject: BrokerUnderTest) -> None:
    """What a consumer held that was lost without a word is given to another."""
    await publish(subject.broker, "1", "2")
    lost = subject.peer.consumer(ROOM)
    await lost.__aenter__()
    taken = await receive_some(lost, 2)
    await lost.ack(taken[:1])
    if subject.vanish is not None:
        await subject.vanish()
    async with subject.broker.consumer(ROOM) as consumer:
        await subject.let_time_pass(subject.span * 1.5)
        again = await receive_some(consumer, 1)
        require_bodies(again, *bodies(taken[1:]))
        require(again[0].attempt >= 2, f"it came as attempt {again[0].attempt}")
        await consumer.ack(again)
    with suppress(BackendError):
        await lost.close()


async def silent_consumer_loses_its_messages(subject: BrokerUnderTest) -> None:
    """What is held longer than `hold` is given to another; what its first holder then does to it has no effect."""
    await publish(subject.broker, "1")
    async with subject.broker.consumer(ROOM) as silent, subject.peer.consumer(ROOM) as other:
        if silent.hold is None:
            raise SkipTest("consumers of this broker hold messages as long as they live")
        (first,) = await receive_some(silent, 1)
        await subject.let_time_pass(silent.hold * 1.5)
        taken = [*await other.receive(1, timedelta(seconds=0.1)), *await silent.receive(1, timedelta(seconds=0.1))]
        if not taken:
            taken = await receive_some(other, 1)
        require_bodies(taken, "1")
        await silent.retry(first, _ZERO)
        await other.ack(taken)
        await silent.ack(taken)
        await receive_nothing(other, "after it was acknowledged by its second holder")


async def extended_messages_stay(subject: BrokerUnderTest) -> None:
    """What is extended in time is not given to others."""
    await publish(subject.broker, "1")
    async with subject.broker.consumer(ROOM) as holder, subject.peer.consumer(ROOM) as other:
        if holder.hold is None:
            raise SkipTest("consumers of this broker hold messages as long as they live")
        taken = await receive_some(holder, 1)
        for _ in range(5):
            await subject.let_time_pass(holder.hold * 0.4)
            await holder.extend(taken)
        await receive_nothing(other, "although it was extended")
        await holder.ack(taken)
        await subject.let_time_pass(holder.hold * 1.5)
        await receive_nothing(other, "although it was acknowledged in time")


async def cancelled_receive_loses_nothing(subject: BrokerUnderTest) -> None:
    """Cancelling `receive` at any moment loses no message."""
    async with subject.broker.consumer(ROOM) as consumer:
        found: set[str] = set()
        for number in range(30):
            waiting = asyncio.create_task(consumer.receive(10, timedelta(seconds=5)))
            await asyncio.sleep(0)
            await publish(subject.peer, str(number))
            await asyncio.sleep(number * 0.0002)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                taken = await waiting
                found |= set(bodies(taken))
                await consumer.ack(taken)
        await subject.let_time_pass(subject.span * 1.5)
        loop = asyncio.get_running_loop()
        end = loop.time() + 15
        while len(found) < 30 and loop.time() < end:
            taken = await consumer.receive(100, timedelta(seconds=0.5))
            found |= set(bodies(taken))
            await consumer.ack(taken)
    require(len(found) == 30, f"{len(found)} of 30 messages came")


async def closed_consumer_does_nothing(subject: BrokerUnderTest) -> None:
    """A consumer that was closed, twice even, raises BackendError from then on; the broker goes on."""
    async with subject.broker.consumer(ROOM) as consumer:
        await consumer.close()
        await consumer.close()
        try:
            await consumer.receive(1, _ZERO)
        except BackendError:
            pass
        else:
            require(condition=False, seen="it received")
    await publish(subject.broker, "1")


CONSUMER_CHECKS = checks_of(
    wait_ends_without_messages,
    wait_ends_with_the_first_message,
    no_more_than_asked_for,
    unsettled_messages_are_bounded,
    consumers_share_an_address,
    acknowledged_messages_are_gone,
    closing_hands_back,
    lost_consumer_is_succeeded,
    silent_consumer_loses_its_messages,
    extended_messages_stay,
    cancelled_receive_loses_nothing,
    closed_consumer_does_nothing,
)
