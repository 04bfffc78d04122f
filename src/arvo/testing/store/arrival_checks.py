"""Checks of what gets into a store: order of arrival, duplicates, lanes, values."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from arvo.ports.store import Completion, NewDelivery
from arvo.testing.conformance import require
from arvo.testing.store.scene import (
    HANDLER,
    checks_of,
    claim_one,
    claim_some,
    delivery,
    event,
    finish_all,
    ids,
    publish,
    record,
    require_ids,
    require_nothing,
)

if TYPE_CHECKING:
    from arvo.testing.store.under_test import StoreUnderTest

__all__ = ["ARRIVAL_CHECKS"]

_PUBLISHERS = 32


async def deliveries_of_a_lane_keep_their_order(subject: StoreUnderTest) -> None:
    """Events of a lane are handed out in order of arrival: of one call as given, of several calls as they were made."""
    await subject.store.publish([delivery("z"), delivery("b"), delivery("m")])
    await publish(subject.peer, "y", "a")
    require_ids(await claim_one(subject.store), "z", "b", "m", "y", "a")


async def many_publishers_lose_nothing(subject: StoreUnderTest) -> None:
    """What many tasks publish to one lane at the same time arrives completely, each task's events in its own order."""

    async def publish_two(number: int) -> None:
        store = subject.peer if number % 2 else subject.store
        await store.publish([delivery(f"{number}-first")])
        await store.publish([delivery(f"{number}-second")])

    await asyncio.gather(*(publish_two(number) for number in range(_PUBLISHERS)))
    found = ids(await claim_one(subject.store))
    require(len(set(found)) == 2 * _PUBLISHERS, f"{len(set(found))} of {2 * _PUBLISHERS} events arrived")
    for number in range(_PUBLISHERS):
        in_order = found.index(f"{number}-first") < found.index(f"{number}-second")
        require(in_order, f"the second event of publisher {number} overtook its first")


async def lanes_are_told_apart(subject: StoreUnderTest) -> None:
    """Handlers and subjects are compared exactly; what differs at all has a lane of its own."""
    places = [("com.a", name) for name in ("b", "B", "b/", "%C3%BC")] + [
        ("com.A", "b"),
        ("com.ab", "b"),
        ("com", "a.b"),
    ]
    await subject.store.publish(
        [delivery(str(number), subject_, handler=handler) for number, (handler, subject_) in enumerate(places)]
    )
    claims = await claim_some(subject.store, handlers={handler for handler, _ in places})
    found = sorted(ids(claim) for claim in claims)
    require(found == [[str(number)] for number in range(len(places))], f"{len(places)} lanes came out as {found}")


async def names_may_be_long(subject: StoreUnderTest) -> None:
    """Subjects and event ids may have any length, and those that differ only at their end are different."""
    long = "x" * 20_000
    await subject.store.publish([delivery(f"{long}{end}", f"{long}{end}") for end in "ab"])
    again = await subject.store.publish([delivery(f"{long}a", f"{long}a")])
    require(again == 0, "a duplicate with a long id was taken in")
    found = sorted(ids(claim) for claim in await claim_some(subject.store))
    require(found == [[f"{long}a"], [f"{long}b"]], f"they came out as {len(found)} lanes of {[len(f) for f in found]}")


async def events_come_back_byte_for_byte(subject: StoreUnderTest) -> None:
    """Events and records come back byte for byte: Unicode, escapes, big numbers, the order of keys, 1 MB."""
    values = {
        "plain": "ü漢🙂",
        "": '\0\x01"\\\u2028',
        "large": "ö" * 500_000,
        "\u0000key": [1e300, 2**53, {"b": 1, "a": 2}],
    }
    sent = NewDelivery(handler=HANDLER, event=event("values").with_data(values))
    await subject.store.publish([sent])
    claim = await claim_one(subject.store)
    require(claim.deliveries[0].event_json == sent.event.to_json(), "the event came back changed")
    text = sent.event.with_data(dict(reversed(values.items()))).to_json().decode()
    await subject.store.finish([Completion(claim=claim, record=record(text=text))])
    claim = await claim_one(subject.peer)
    require(claim.record_json == text.encode(), "the record came back changed")


async def waiting_duplicate_is_dropped(subject: StoreUnderTest) -> None:
    """An event that waits in a lane already is dropped when it comes again, and not counted as new."""
    require(await publish(subject.store, "a") == 1, "the first was not counted as new")
    require(await publish(subject.peer, "a") == 0, "the duplicate was counted as new")
    new = await subject.store.publish([delivery("a"), delivery("b"), delivery("b")])
    require(new == 1, f"one new event among duplicates was counted as {new}")
    require_ids(await claim_one(subject.store), "a", "b")


async def consumed_duplicate_is_dropped(subject: StoreUnderTest) -> None:
    """An event that was consumed in a lane is dropped when it comes again, published or produced."""
    await publish(subject.store, "a")
    await finish_all(subject.store, [await claim_one(subject.store)])
    require(await publish(subject.peer, "a") == 0, "it was taken in again when published")
    await publish(subject.store, "b")
    claim = await claim_one(subject.store)
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries, produced=[delivery("a")])])
    await require_nothing(subject.store, "although it had been consumed")


async def duplicates_of_many_publishers_arrive_once(subject: StoreUnderTest) -> None:
    """Of many tasks that publish the same events at the same time, each event is new for exactly one."""
    events = [delivery(str(number), f"order-{number}") for number in range(4)]
    stores = [subject.peer if number % 2 else subject.store for number in range(_PUBLISHERS)]
    counts = await asyncio.gather(
        *(store.publish(events if number % 3 else events[::-1]) for number, store in enumerate(stores))
    )
    require(sum(counts) == len(events), f"{len(events)} events were new {sum(counts)} times")
    found = [len(claim.deliveries) for claim in await claim_some(subject.store)]
    require(found == [1] * len(events), f"their lanes had {found} deliveries")


async def duplicate_of_what_is_being_finished_is_dropped(subject: StoreUnderTest) -> None:
    """An event that comes again while it is being finished is dropped, at whatever moment it comes."""
    for number in range(20):
        id_ = str(number)
        await publish(subject.store, id_)
        claim = await claim_one(subject.store)
        await asyncio.gather(
            subject.store.finish([Completion(claim=claim, consumed=claim.deliveries)]),
            publish(subject.peer, id_),
            publish(subject.store, id_),
        )
        await require_nothing(subject.store, "although it was being consumed when it came again")


async def one_event_goes_to_many_lanes(subject: StoreUnderTest) -> None:
    """Duplicates are a matter of one lane: the same event may go to many handlers, and to many subjects."""
    places = [("com.a", "order-1"), ("com.b", "order-1"), ("com.a", "order-2")]
    new = await subject.store.publish([delivery("a", subject_, handler=handler) for handler, subject_ in places])
    require(new == len(places), f"it was new in {new} of {len(places)} lanes")
    found = await claim_some(subject.store, handlers=("com.a", "com.b"))
    require(len(found) == len(places), f"it arrived in {len(found)} of {len(places)} lanes")


async def once_happens_once(subject: StoreUnderTest) -> None:
    """Of all calls with the same `once` exactly one is carried out, however many come at the same time."""

    async def publish_once(number: int) -> int:
        store = subject.peer if number % 2 else subject.store
        return await store.publish([delivery(str(number), f"order-{number}")], once="tick")

    counts = await asyncio.gather(*(publish_once(number) for number in range(_PUBLISHERS)))
    require(sum(counts) == 1, f"{sum(counts)} calls were carried out")
    require(await publish_once(_PUBLISHERS) == 0, "a later call was carried out as well")
    other = await subject.store.publish([delivery("other", "order-other")], once="tock")
    require(other == 1, "a call with another key was dropped")
    found = sorted(len(claim.deliveries) for claim in await claim_some(subject.store))
    require(found == [1, 1], f"two calls were carried out and left lanes of {found}")


async def cancelled_publish_is_whole_or_absent(subject: StoreUnderTest) -> None:
    """A cancelled call takes effect as a whole, at once or soon, or not at all; the store stays usable."""
    for number in range(20):
        pair = [delivery(f"{number}-a", f"order-{number}"), delivery(f"{number}-b", f"order-{number}")]
        publishing = asyncio.ensure_future(subject.store.publish(pair))
        for _ in range(number % 5):
            await asyncio.sleep(0)
        publishing.cancel()
        await asyncio.wait([publishing])
    await publish(subject.store, "last", subject="last")
    found = [ids(claim) for claim in await claim_some(subject.peer)]
    require(["last"] in found, "what was published afterwards is missing")
    halves = [events for events in found if events != ["last"] and len(events) != 2]
    require(not halves, f"calls took effect by half: {halves}")


ARRIVAL_CHECKS = checks_of(
    deliveries_of_a_lane_keep_their_order,
    many_publishers_lose_nothing,
    lanes_are_told_apart,
    names_may_be_long,
    events_come_back_byte_for_byte,
    waiting_duplicate_is_dropped,
    consumed_duplicate_is_dropped,
    duplicates_of_many_publishers_arrive_once,
    duplicate_of_what_is_being_finished_is_dropped,
    one_event_goes_to_many_lanes,
    once_happens_once,
    cancelled_publish_is_whole_or_absent,
)
