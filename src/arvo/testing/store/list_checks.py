"""Checks of the lists that an operator sees: what is in them, in which order, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from arvo.ports.store import (
    Completion,
    QueueStatus,
    RecordWrite,
    RetryLater,
    StoreCounts,
    WorkerInfo,
    WorkflowStatus,
)
from arvo.ports.store.inspection import LATELY
from arvo.testing.conformance import require
from arvo.testing.store.scene import (
    HANDLER,
    checks_of,
    claim_one,
    claim_some,
    delivery,
    event,
    finish_all,
    letter,
    publish,
    record,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from arvo.testing.store.under_test import StoreUnderTest

__all__ = ["LIST_CHECKS"]

T = TypeVar("T")


async def _all_pages(page: Callable[[T | None], Awaitable[Sequence[T]]], size: int) -> list[T]:
    """Everything in a list, fetched page by page."""
    found: list[T] = []
    while items := await page(found[-1] if found else None):
        require(len(items) <= size, f"a page of {size} had {len(items)} items")
        found += items
        require(len(found) < 1000, "the pages of a list did not end")
    return found


async def queues_are_counted(subject: StoreUnderTest) -> None:
    """Each handler's queue is shown with its ready, leased and retrying lanes, deliveries, timers, and its age."""
    store = subject.store
    require(not await store.queues(), "an empty store showed queues")
    await store.publish([delivery(f"{n}", f"order-{n}", handler="com.a") for n in range(4)])
    await store.publish([delivery("4", "order-0", handler="com.a"), delivery("t", due=timedelta(days=2))])
    first, _ = await claim_some(store, handlers=("com.a",), lanes=2)
    await store.finish([Completion(claim=first, retry=RetryLater(delay=timedelta(days=2), error="x"))])
    await subject.let_time_pass(subject.span)
    a, b = await subject.peer.queues()
    require(subject.span * 0.9 <= a.oldest < subject.span * 3 + timedelta(seconds=10), f"its age was {a.oldest}")
    expected = QueueStatus(handler="com.a", ready=2, leased=1, retrying=1, deliveries=5, timers=0, oldest=a.oldest)
    require(a == expected, f"it was shown as {a}")
    expected = QueueStatus(handler=HANDLER, ready=0, leased=0, retrying=0, deliveries=0, timers=1, oldest=timedelta(0))
    require(b == expected, f"a queue of one timer was shown as {b}")


async def everything_else_is_counted(subject: StoreUnderTest) -> None:
    """Workflows are counted by status, waiting events by domain, dead letters, and what was done with lately."""
    empty = await subject.peer.counts()
    require(empty == StoreCounts(workflows={}, dead_letters=0, waiting={}, taken_lately=0), f"empty, it had {empty}")
    await publish(subject.store, "old", subject="order-3")
    await finish_all(subject.store, [await claim_one(subject.store)])
    await subject.let_time_pass(LATELY + timedelta(seconds=5))
    for number in range(3):
        name = f"order-{number}"
        await publish(subject.store, "a", "b", subject=name)
        claim = await claim_one(subject.store)
        status = WorkflowStatus.ACTIVE if number else WorkflowStatus.FAILED
        asked = [event(f"ask-{number}", domain="human" if number else "robot")]
        completion = Completion(
            claim=claim,
            consumed=claim.deliveries,
            record=record(name, status=status),
            waiting=asked,
            dead_letters=[letter(name)],
        )
        await subject.store.finish([completion])
    found = await subject.peer.counts()
    expected = StoreCounts(
        workflows={WorkflowStatus.ACTIVE: 2, WorkflowStatus.FAILED: 1},
        dead_letters=3,
        waiting={"human": 2, "robot": 1},
        taken_lately=6,
    )
    require(found == expected, f"it counted {found}")


async def workers_are_shown(subject: StoreUnderTest) -> None:
    """Workers are shown as they introduced themselves, with their silence since the last sign of life and leases."""
    info = WorkerInfo(id="worker-1", host="höst", pid=42, process_key="k", handlers=("com.a", "com.b"))
    await subject.store.heartbeat(info)
    await subject.let_time_pass(subject.span)
    await subject.peer.heartbeat(WorkerInfo(id="worker-0", host="h", pid=1, process_key="", handlers=()))
    await publish(subject.store, "a")
    await claim_one(subject.store)
    other, status = await subject.peer.workers()
    require((other.info.id, other.leases) == ("worker-0", 0), f"the first worker was shown as {other}")
    require(status.info == info, f"it was shown as {status.info}")
    require(status.leases == 1, f"its leases were counted as {status.leases}")
    require(status.silent_for >= subject.span * 0.9, f"its silence was {status.silent_for} after {subject.span}")
    await subject.store.heartbeat(info)
    _, later = await subject.store.workers()
    require(later.silent_for < subject.span * 0.9, f"its silence was {later.silent_for} after a sign of life")
    require(later.started_at == status.started_at, "a sign of life changed when it was introduced")


async def lanes_are_listed_as_they_will_be_claimed(subject: StoreUnderTest) -> None:
    """Lanes with work are listed in the order in which they will be claimed, with owner, attempts and first event."""
    for number, priority in enumerate((0, 7, 0, -7, 7)):
        await subject.store.publish([delivery(f"{number}", f"order-{number}", priority=priority)])
        await subject.let_time_pass(subject.span * 0.01)
    await publish(subject.store, "more", subject="order-3")
    await publish(subject.store, "other", handler="com.b")
    lanes = await _all_pages(lambda after: subject.peer.lanes(HANDLER, after=after, limit=2), 2)
    found = [(lane.event().id, lane.deliveries) for lane in lanes]
    expected = [("1", 1), ("4", 1), ("0", 1), ("2", 1), ("3", 2)]
    require(found == expected, f"they were listed as {found} instead of {expected}")
    (claim,) = await claim_some(subject.store, lanes=1, worker="me")
    owned = [(lane.owner, lane.attempts) for lane in await subject.peer.lanes(HANDLER) if lane.lane == claim.lane]
    require(owned == [("me", 1)], f"the owner and attempts of a claimed lane were shown as {owned}")


async def lane_is_shown_by_its_subject(subject: StoreUnderTest) -> None:
    """A lane that has work is shown by handler and subject with its first event, and so are its timers alone."""
    later = delivery("later", "order-1", due=timedelta(days=1))
    await subject.store.publish([delivery("a"), delivery("b"), later, delivery("c", "order-2")])
    await subject.store.publish([delivery("d", "order-2", due=timedelta(days=1))])
    lane = await subject.peer.lane(HANDLER, "order-1")
    seen = None if lane is None else (lane.lane, lane.event().id, lane.deliveries)
    require(seen == (later.lane, "a", 2), f"it was shown as {lane}")
    require(await subject.peer.lane("com.b", "order-1") is None, "it was shown under another handler as well")
    timers = [timer.event().id for timer in await subject.peer.timers(lane=later.lane)]
    require(timers == ["later"], f"its timers were {timers}")


async def timers_are_listed_by_time(subject: StoreUnderTest) -> None:
    """Timers are listed the next one first, of one handler or of all."""
    for days in (3, 1, 5, 4, 2, 3):
        handler = "com.b" if days == 4 else HANDLER
        due = timedelta(days=days)
        await subject.store.publish([delivery(f"{days}", f"{days}-{handler}", handler=handler, priority=days, due=due)])
    timers = await _all_pages(lambda after: subject.peer.timers(after=after, limit=2), 2)
    found = [(timer.event().id, timer.handler, timer.priority) for timer in timers]
    expected = [(f"{n}", "com.b" if n == 4 else HANDLER, n) for n in range(1, 6)]
    require(found == expected, f"they were listed as {found}")
    own = await _all_pages(lambda after: subject.peer.timers(handler="com.b", after=after, limit=2), 2)
    require([timer.event().id for timer in own] == ["4"], "a list of one handler's timers held others, or not its own")


async def workflows_are_listed_the_newest_first(subject: StoreUnderTest) -> None:
    """Workflows are listed the newest first, those of a handler, a status, a parent, or any of these together."""
    parents = ["p", None, "p", "q", "p"]
    for number, parent in enumerate(parents):
        name = f"order-{number}"
        await subject.store.publish([delivery("a", name, handler="com.b" if number == 4 else HANDLER)])
        (claim,) = await claim_some(subject.store, handlers=(HANDLER, "com.b"))
        status = WorkflowStatus.DONE if number == 2 else WorkflowStatus.ACTIVE
        kept = RecordWrite(subject=name, record_json=b'{"b":1,"a":2}', status=status, parent_subject=parent)
        await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries, record=kept)])

    async def listed(handler: str | None, status: WorkflowStatus | None, parent: str | None) -> list[str]:
        pages = await _all_pages(
            lambda after: subject.peer.workflows(
                handler=handler, status=status, parent_subject=parent, after=after, limit=2
            ),
            2,
        )
        return [workflow.subject.removeprefix("order-") for workflow in pages]

    cases: tuple[tuple[str | None, WorkflowStatus | None, str | None, str], ...] = (
        (None, None, None, "43210"),
        (HANDLER, None, None, "3210"),
        (None, WorkflowStatus.ACTIVE, None, "4310"),
        (None, None, "p", "420"),
        (HANDLER, WorkflowStatus.ACTIVE, "p", "0"),
        ("com.c", None, None, ""),
    )
    for handler, wanted, parent, expected in cases:
        found = await listed(handler, wanted, parent)
        require(found == list(expected), f"those of {(handler, wanted, parent)} were listed as {found}")
    one = await subject.peer.workflow("com.b", "order-4")
    text = None if one is None else one.record_json
    require(text == b'{"b":1,"a":2}', f"the record of one of them was shown as {text!r}")
    require(await subject.peer.workflow("com.b", "order-1") is None, "a workflow was found under another handler")


async def workflow_is_found_by_its_number(subject: StoreUnderTest) -> None:
    """A workflow is found by its number, which it keeps, and not under any other."""
    for place, name in enumerate(("order-1", "order-2", "order-1")):
        await publish(subject.store, str(place), subject=name)
        claim = await claim_one(subject.store)
        await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries, record=record(name))])
    listed = await subject.peer.workflows()
    require([one.subject for one in listed] == ["order-2", "order-1"], f"they were listed as {listed}")
    for one in listed:
        found = await subject.peer.numbered_workflow(one.number)
        require(found == one, f"under number {one.number} it was shown as {found}")
    require(await subject.peer.numbered_workflow(listed[0].number + 1) is None, "there was one under the next number")


async def letters_and_waiting_events_are_listed_the_oldest_first(subject: StoreUnderTest) -> None:
    """Dead letters and waiting events are listed the oldest first, of one handler or domain or of all."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    asked = [event(id_, domain="robot" if id_ == "x" else "human") for id_ in "zyxwv"]
    completion = Completion(
        claim=claim,
        consumed=claim.deliveries,
        dead_letters=[letter(id_, handler="com.b" if id_ == "x" else HANDLER) for id_ in "zyxwv"],
        waiting=asked,
    )
    await subject.store.finish([completion])
    letters = await _all_pages(lambda after: subject.peer.dead_letters(after=after, limit=2), 2)
    found = [stored.letter.event_id for stored in letters]
    require(found == list("zyxwv"), f"dead letters were listed as {found}")
    letters = await _all_pages(lambda after: subject.peer.dead_letters(handler=HANDLER, after=after, limit=2), 2)
    found = [stored.letter.event_id for stored in letters]
    require(found == list("zywv"), f"dead letters of a handler were listed as {found}")
    waiting = await _all_pages(lambda after: subject.peer.waiting(after=after, limit=2), 2)
    require([one.event().id for one in waiting] == list("zyxwv"), "waiting events were listed wrongly")
    waiting = await _all_pages(lambda after: subject.peer.waiting(domain="robot", after=after, limit=2), 2)
    require([one.event_id for one in waiting] == ["x"], "waiting events of a domain were listed wrongly")
    one = await subject.peer.waiting_event("x")
    seen = None if one is None else (one.domain, one.event_json)
    require(seen == ("robot", asked[2].to_json()), f"a waiting event was shown by its id as {seen}")


LIST_CHECKS = checks_of(
    queues_are_counted,
    everything_else_is_counted,
    workers_are_shown,
    lanes_are_listed_as_they_will_be_claimed,
    lane_is_shown_by_its_subject,
    timers_are_listed_by_time,
    workflows_are_listed_the_newest_first,
    workflow_is_found_by_its_number,
    letters_and_waiting_events_are_listed_the_oldest_first,
)
