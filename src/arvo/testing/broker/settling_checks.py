"""Checks of retries and dead letters: what is handed back comes later, what is given up never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

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

__all__ = ["SETTLING_CHECKS"]

_ZERO = timedelta(0)


async def retried_message_comes_later(subject: BrokerUnderTest) -> None:
    """A message that is to be retried comes after its delay and not before, as the next attempt; others do not wait."""
    await publish(subject.broker, "1")
    async with subject.broker.consumer(ROOM) as consumer:
        (taken,) = await receive_some(consumer, 1)
        await consumer.retry(taken, subject.span)
        await publish(subject.broker, "2")
        others = await receive_some(consumer, 1)
        require_bodies(others, "2")
        await consumer.ack(others)
        await subject.let_time_pass(subject.span * 0.5)
        await receive_nothing(consumer, "at half of its delay", timedelta(milliseconds=50))
        await subject.let_time_pass(subject.span * 0.6)
        (again,) = await receive_some(consumer, 1)
        require_bodies([again], "1")
        require(again.attempt == 2, f"it came as attempt {again.attempt}")
        require(again.address == taken.address, f"it came to {again.address!r}")
        await consumer.ack([again])
        await receive_nothing(consumer, "after it was acknowledged")


async def retried_message_keeps_its_values(subject: BrokerUnderTest) -> None:
    """A message that is given out again has the body, the content type and the headers that it was published with."""
    await subject.broker.publish([message("1", body=b"\x00\xff", content_type="text/x; a=b", headers={"x-a": "b"})])
    async with subject.broker.consumer(ROOM) as consumer:
        for attempt in (1, 2, 3):
            (taken,) = await receive_some(consumer, 1)
            require(taken.attempt == attempt, f"attempt {attempt} came as {taken.attempt}")
            found = (taken.body, taken.content_type, taken.headers.get("x-a"))
            require(found == (b"\x00\xff", "text/x; a=b", "b"), f"attempt {attempt} was {found}")
            await consumer.retry(taken, _ZERO)


async def retried_message_makes_room(subject: BrokerUnderTest) -> None:
    """A message that waits to be retried is not held, so that a full consumer gets the next one."""
    await publish(subject.broker, "1", "2")
    async with subject.broker.consumer({ADDRESS: 1}) as consumer:
        first = await receive_some(consumer, 1)
        await consumer.retry(first[0], subject.span * 5)
        second = await receive_some(consumer, 1)
        require(sorted(bodies([*first, *second])) == ["1", "2"], f"{bodies(first)} and {bodies(second)} came")


async def dead_message_is_shown(subject: BrokerUnderTest) -> None:
    """A message that is given up is among the dead letters, with all that is known of it, and nowhere else."""
    sent = message("1", body=b"\xff garbage", content_type="text/plain", headers={"x-a": "b"})
    await subject.broker.publish([sent])
    async with subject.broker.consumer(ROOM) as consumer:
        (taken,) = await receive_some(consumer, 1)
        await consumer.retry(taken, _ZERO)
        (taken,) = await receive_some(consumer, 1)
        await consumer.dead(taken, "poison", "InvalidEvent: 'häßlich'\nand a second line")
        await subject.let_time_pass(subject.span * 1.5)
        await receive_nothing(consumer, "although it was given up")
    letters = await subject.peer.dead_letters()
    require(len(letters) == 1, f"{len(letters)} letters were shown")
    letter = letters[0]
    require(letter.body == sent.body and letter.content_type == "text/plain", f"the letter was {letter}")
    require(letter.headers.get("x-a") == "b", f"its headers were {dict(letter.headers)}")
    require(letter.address == ADDRESS, f"its address was {letter.address!r}")
    require(letter.reason == "poison", f"its reason was {letter.reason!r}")
    require("häßlich" in letter.detail, f"its detail was {letter.detail!r}")
    require(letter.attempts == 2, f"its attempts were {letter.attempts}")
    require(abs(datetime.now(UTC) - letter.at) < timedelta(days=2), f"it was given up at {letter.at}")


async def dead_messages_are_shown_in_order(subject: BrokerUnderTest) -> None:
    """Dead letters of all addresses are shown oldest first, the latest when there are too many, as often as wanted."""
    await publish(subject.broker, *"12345")
    await publish(subject.broker, "6", address="com.other")
    async with subject.broker.consumer({ADDRESS: 10, "com.other": 10}) as consumer:
        taken = sorted(await receive_some(consumer, 6), key=lambda one: one.body)
        for one in taken:
            await consumer.dead(one, "poison", "x")
    for limit in (100, 6, 2, 1):
        found = [letter.body.decode() for letter in await subject.broker.dead_letters(limit=limit)]
        require(found == list("123456")[-limit:], f"with limit={limit} the letters were {found}")


async def message_is_settled_once(subject: BrokerUnderTest) -> None:
    """Settling a message that was settled before does nothing, whatever it was and is now."""
    await publish(subject.broker, "1", "2")
    async with subject.broker.consumer(ROOM) as consumer:
        one, two = await receive_some(consumer, 2)
        await consumer.ack([one])
        await consumer.retry(one, _ZERO)
        await consumer.dead(one, "poison", "x")
        await consumer.ack([one, one])
        await consumer.extend([one])
        await consumer.dead(two, "poison", "x")
        await consumer.dead(two, "poison", "x")
        await consumer.retry(two, _ZERO)
        await consumer.ack([])
        await receive_nothing(consumer, "although both were settled")
    letters = [letter.body for letter in await subject.broker.dead_letters()]
    require(letters == [two.body], f"the dead letters were {letters}")


SETTLING_CHECKS = checks_of(
    retried_message_comes_later,
    retried_message_keeps_its_values,
    retried_message_makes_room,
    dead_message_is_shown,
    dead_messages_are_shown_in_order,
    message_is_settled_once,
)
