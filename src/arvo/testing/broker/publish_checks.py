"""Checks of publishing: what is confirmed arrives, unchanged, at its address alone, once where ids are remembered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from unittest import SkipTest

from arvo.errors import BackendError
from arvo.ports.broker import MessageRefused
from arvo.testing.broker.scene import (
    ADDRESS,
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
    from arvo.testing.broker.under_test import BrokerUnderTest

__all__ = ["PUBLISH_CHECKS"]

_SMALLEST_LIMIT = 256 * 1024
_MANY = 1000
_ODD_ADDRESSES = (
    "com.order.place",
    "com.order",
    "com.order.place.now",
    "com.order.*",
    "com.order.>",
    "com_order_place",
    "com-order-place",
    "com/order/place",
    "com:order:place",
    "com#order",
    "com%20order",
    "com=2Eorder",
    "com..order",
    ".com.order",
    "com.order.",
    "COM.order.place",
    "https://shop.example/orders?id=1&b=(2)",
    "com." + "x" * 500 + ".a",
    "com." + "x" * 500 + ".b",
)


async def message_arrives_as_published(subject: BrokerUnderTest) -> None:
    """Body, content type and headers arrive as they were published, whatever bytes the body has."""
    body = bytes(range(256)) * 16
    headers = {"ce-id": "a b%20c", "x-note": 'quoted "text"; with=signs, and: colons', "x-empty": ""}
    await subject.broker.publish(
        [message("1", body=body, content_type="application/cloudevents+json; charset=UTF-8", headers=headers)]
    )
    async with subject.peer.consumer(ROOM) as consumer:
        (taken,) = await receive_some(consumer, 1)
        await consumer.ack([taken])
    require(taken.body == body, f"the body of {len(body)} bytes came as {taken.body[:40]!r}... of {len(taken.body)}")
    require(taken.address == ADDRESS, f"the address was {taken.address!r}")
    require(taken.attempt == 1, f"the first attempt was number {taken.attempt}")
    seen = f"content type {taken.content_type!r}"
    require(taken.content_type == "application/cloudevents+json; charset=UTF-8", seen)
    found = {name.lower(): value for name, value in taken.headers.items()}
    require(headers.items() <= found.items(), f"the headers were {dict(taken.headers)}")


async def message_may_be_empty_or_large(subject: BrokerUnderTest) -> None:
    """Bodies of no bytes and of the largest size arrive whole; that size is at least 256 KB."""
    largest = subject.broker.promises.largest_message
    require(largest >= _SMALLEST_LIMIT, f"the largest message has {largest} bytes")
    await subject.broker.publish([message("1", body=b""), message("2", body=b"\xff" * largest)])
    async with subject.broker.consumer(ROOM) as consumer:
        taken = await receive_some(consumer, 2)
        sizes = sorted(len(one.body) for one in taken)
        require(sizes == [0, largest], f"bodies of {sizes} bytes came")
        await consumer.ack(taken)


async def too_large_message_is_refused(subject: BrokerUnderTest) -> None:
    """A message that is too large raises MessageRefused, and the broker goes on working."""
    try:
        await subject.broker.publish([message("1", body=b"x" * (subject.broker.promises.largest_message + 1))])
    except MessageRefused:
        pass
    else:
        require(condition=False, seen="it was taken")
    await publish(subject.broker, "2")
    async with subject.broker.consumer(ROOM) as consumer:
        require_bodies(await receive_some(consumer, 1), "2")


async def message_waits_for_its_consumer(subject: BrokerUnderTest) -> None:
    """What is published to an address that nobody has ever consumed waits for the first who does."""
    await publish(subject.broker, "1", "2", "3")
    async with subject.peer.consumer(ROOM) as consumer:
        taken = await receive_some(consumer, 3)
        require(sorted(bodies(taken)) == ["1", "2", "3"], f"{bodies(taken)} came")
        await consumer.ack(taken)


async def addresses_are_apart(subject: BrokerUnderTest) -> None:
    """Every address gets its own messages and no others, whatever characters it has."""
    for number, address in enumerate(_ODD_ADDRESSES):
        await publish(subject.broker, str(number), address=address)
    async with subject.broker.consumer(dict.fromkeys(_ODD_ADDRESSES, 10)) as consumer:
        taken = await receive_some(consumer, len(_ODD_ADDRESSES))
        for one in taken:
            right = _ODD_ADDRESSES[int(one.body)]
            require(one.address == right, f"a message for {right!r} came to {one.address!r}")
        await consumer.ack(taken)
        await receive_nothing(consumer, "besides")


async def consumer_gets_its_addresses_alone(subject: BrokerUnderTest) -> None:
    """A consumer is given nothing of addresses that it does not name; it waits for another."""
    await publish(subject.broker, "for another", address="com.other")
    await publish(subject.broker, "for this")
    async with subject.broker.consumer(ROOM) as consumer:
        taken = await receive_some(consumer, 1)
        require_bodies(taken, "for this")
        await consumer.ack(taken)
        await receive_nothing(consumer, "of another address")
    async with subject.broker.consumer({"com.other": 1}) as other:
        require_bodies(await receive_some(other, 1), "for another")


async def many_are_published_at_once(subject: BrokerUnderTest) -> None:
    """A thousand messages of one call all arrive, and so do those of calls at the same time."""
    await subject.broker.publish([message(f"a{number}", subject=str(number)) for number in range(_MANY)])
    await asyncio.gather(*(publish(subject.peer, f"b{number}", subject=str(number)) for number in range(100)))
    found: list[str] = []
    async with subject.broker.consumer(ROOM) as consumer:
        while len(found) < _MANY + 100:
            taken = await receive_some(consumer, 1)
            found += bodies(taken)
            await consumer.ack(taken)
    expected = sorted([f"a{number}" for number in range(_MANY)] + [f"b{number}" for number in range(100)])
    require(sorted(found) == expected, f"{len(found)} came, of which {len(set(found))} are different")


async def order_of_a_subject_is_kept(subject: BrokerUnderTest) -> None:
    """Messages of one subject first come in the order in which they were published, in one call and in several."""
    if not subject.broker.promises.ordered:
        raise SkipTest("this broker does not promise order")
    await publish(subject.broker, *map(str, range(20)))
    await subject.broker.publish([message(str(number)) for number in range(20, 60)])
    await publish(subject.broker, *map(str, range(60, 80)))
    async with subject.broker.consumer({ADDRESS: 7}) as consumer:
        found: list[str] = []
        while len(found) < 80:
            taken = await receive_some(consumer, 1)
            found += bodies(taken)
            await consumer.ack(taken)
    require(found == list(map(str, range(80))), f"they came as {found}")


async def known_id_is_dropped(subject: BrokerUnderTest) -> None:
    """An id that is published again to its address within the window is dropped, whether it was settled or not."""
    if subject.broker.promises.duplicate_window is None:
        raise SkipTest("this broker does not remember ids")
    await publish(subject.broker, "1")
    await publish(subject.peer, "1")
    await subject.broker.publish([message("1"), message("2"), message("2")])
    async with subject.broker.consumer(ROOM) as consumer:
        taken = await receive_some(consumer, 2)
        await consumer.ack(taken)
        await publish(subject.broker, "1", "2")
        await receive_nothing(consumer, "again")
    require(sorted(bodies(taken)) == ["1", "2"], f"{bodies(taken)} came")


async def nothing_published_is_nothing(subject: BrokerUnderTest) -> None:
    """Publishing no messages does nothing."""
    await subject.broker.publish([])
    async with subject.broker.consumer(ROOM) as consumer:
        await receive_nothing(consumer, "although none was published")


async def closed_broker_does_nothing(subject: BrokerUnderTest) -> None:
    """A broker that was closed, twice even, raises BackendError from then on."""
    await subject.peer.close()
    await subject.peer.close()
    try:
        await publish(subject.peer, "1")
    except BackendError:
        return
    require(condition=False, seen="it published a message")


PUBLISH_CHECKS = checks_of(
    message_arrives_as_published,
    message_may_be_empty_or_large,
    too_large_message_is_refused,
    message_waits_for_its_consumer,
    addresses_are_apart,
    consumer_gets_its_addresses_alone,
    many_are_published_at_once,
    order_of_a_subject_is_kept,
    known_id_is_dropped,
    nothing_published_is_nothing,
    closed_broker_does_nothing,
)
