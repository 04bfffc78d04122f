"""Right and wrong uses of the store port, its back ends and its kit, checked by both checkers, never run.

A wrong use carries ignores for both checkers; a checker that does not report it reports the needless ignore instead.
"""

# ruff: noqa: ARG002 - what a method does with its arguments is of no interest here

from __future__ import annotations

from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, assert_type

from arvo.backends.memory import InMemoryStore
from arvo.backends.postgres import PostgresStore
from arvo.backends.sqlite import SqliteStore
from arvo.events import Event
from arvo.ports import (
    Amendment,
    Claim,
    Completion,
    Delivery,
    FinishOutcome,
    NewDelivery,
    RecordWrite,
    Retention,
    RetryLater,
    Store,
    StoredDeadLetter,
    StoreInspection,
    WorkerInfo,
    WorkflowStatus,
    WorkStore,
)
from arvo.testing import ShiftableClock
from arvo.testing.store import CHECKS, Check, Report, StoreUnderTest, check_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class OnlyPublishes:
    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        return len(deliveries)


@asynccontextmanager
async def make() -> AsyncGenerator[StoreUnderTest]:
    clock = ShiftableClock()
    async with InMemoryStore(clock=clock) as store:
        yield StoreUnderTest(store=store, peer=store, let_time_pass=clock.let_pass)


def right_stores() -> None:
    stores: tuple[Store, ...] = (
        InMemoryStore(),
        SqliteStore("sqlite:///orders.db", busy_timeout=timedelta(seconds=1)),
        PostgresStore("postgresql://localhost/orders", schema="shop"),
    )
    work: WorkStore = stores[0]
    inspection: StoreInspection = stores[0]
    checks: tuple[Check, ...] = CHECKS
    del work, inspection, checks


async def right_work(store: Store, event: Event[Any]) -> None:
    delivery = NewDelivery(handler="com.order.place", event=event, priority=1, due=timedelta(minutes=5))
    assert_type(await store.publish([delivery], once="tick"), int)
    claims = await store.claim("me", {"h": 1}, lanes=1, deliveries_per_lane=1, lease=timedelta(seconds=30))
    assert_type(claims, Sequence[Claim])
    completion = Completion(
        claim=claims[0],
        consumed=claims[0].deliveries,
        record=RecordWrite(subject="s", record_json=b"{}", status=WorkflowStatus.DONE),
        produced=[delivery],
        answered=[event.id],
        retry=RetryLater(delay=timedelta(seconds=1), error="busy"),
    )
    assert_type(claims[0].priority, int)
    assert_type(await store.finish([completion]), Sequence[FinishOutcome])
    assert_type(await store.renew(claims, timedelta(seconds=30)), Sequence[Claim])
    await store.heartbeat(WorkerInfo(id="me", host="h", pid=1, process_key="k", handlers=("h",)))
    await store.wait_for_work({"h": 1}, timedelta(seconds=1))
    letters = await store.dead_letters(handler="h")
    assert_type(letters, Sequence[StoredDeadLetter])
    await store.dead_letters(after=letters[-1], limit=10)
    assert_type(await store.collect("com.web.checkout", event.subject), Sequence[Delivery])
    assert_type(await store.drop_unclaimed("com.web.checkout", timedelta(days=7)), int)
    failed = RecordWrite(subject="s", record_json=b"{}", status=WorkflowStatus.FAILED, failed_on=event.to_json())
    await store.amend(Amendment(handler="h", revision=1, record=failed, redelivered=[delivery]))
    for workflow in await store.workflows():
        assert_type(workflow.failed_event(), Event[Any] | None)
    await store.prune(Retention(dead_letters=timedelta(days=90)))
    assert_type(await check_store(make), Report)


def wrong_stores() -> None:
    SqliteStore()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    SqliteStore("orders.db", timedelta(seconds=1))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    PostgresStore(schema="shop")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    InMemoryStore(clock=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    store: WorkStore = OnlyPublishes()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    StoreUnderTest(store=InMemoryStore())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    del store


async def wrong_work(store: Store, event: Event[Any], claim: Claim) -> None:
    NewDelivery("com.order.place", event)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    NewDelivery(handler="h", event=b"{}")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    NewDelivery(handler="h", event=event, due=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.publish([event])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await store.claim("me", ["h"], lanes=1, deliveries_per_lane=1, lease=timedelta())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.claim("me", {"h": 1}, lanes=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Completion(claim=claim, record={"a": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Completion(claim=claim, consumed=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    RecordWrite(subject="s", record_json=b"{}", status="finished")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Completion(claim=claim, answered=[event])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    RecordWrite(subject="s", record_json=b"{}", status=WorkflowStatus.FAILED, failed_on=event)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Amendment(handler="h", revision=1, record=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.collect("com.web.checkout")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await store.drop_unclaimed("com.web.checkout", 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.finish(Completion(claim=claim))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.renew([claim], 30)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.dead_letters("h")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await store.workflows(status="done")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.prune(Retention(workflows=None))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    claim.token = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
