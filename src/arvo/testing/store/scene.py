"""The few things that all checks of a store do: make events, publish and claim them, and say what they saw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.events import Event
from arvo.ports.store import Claim, Completion, NewDeadLetter, NewDelivery, RecordWrite, Store, WorkflowStatus
from arvo.testing.conformance import Check, check_of, require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime

    from arvo.testing.store.under_test import StoreUnderTest

__all__ = [
    "LONG",
    "checks_of",
    "claim_one",
    "claim_some",
    "delivery",
    "event",
    "ids",
    "letter",
    "publish",
    "record",
    "require_ids",
    "require_nothing",
]

HANDLER = "com.order.place"
LONG = timedelta(days=1)
"""A lease that does not run out during a check."""


def checks_of(*attempts: Callable[[StoreUnderTest], Awaitable[None]]) -> tuple[Check[StoreUnderTest], ...]:
    """Make checks of functions."""
    return tuple(map(check_of, attempts))


def event(id: str, subject: str = "order-1", *, domain: str | None = None) -> Event[Any]:
    """An event that is told apart by its id."""
    return Event(id=id, source="com.web.shop", type=HANDLER, subject=subject, domain=domain, data={"id": id})


def delivery(
    id: str,
    subject: str = "order-1",
    *,
    handler: str = HANDLER,
    priority: int = 0,
    due: datetime | timedelta | None = None,
) -> NewDelivery:
    """A delivery of an event that is told apart by its id."""
    return NewDelivery(handler=handler, event=event(id, subject), priority=priority, due=due)


def record(
    subject: str = "order-1",
    text: str = "{}",
    status: WorkflowStatus = WorkflowStatus.ACTIVE,
    failed_on: bytes | None = None,
) -> RecordWrite:
    """A record to be written."""
    return RecordWrite(subject=subject, record_json=text.encode(), status=status, failed_on=failed_on)


def letter(id: str, subject: str = "order-1", handler: str = HANDLER) -> NewDeadLetter:
    """A dead letter of an event that is told apart by its id."""
    return NewDeadLetter(
        handler=handler,
        event_id=id,
        event_json=event(id, subject).to_json(),
        reason="poison",
        error="ContractViolation: wrong",
        traceback="Traceback ...",
        attempts=3,
    )


async def publish(store: Store, *ids_: str, subject: str = "order-1", handler: str = HANDLER) -> int:
    """Publish events one by one, as separate calls."""
    return sum([await store.publish([delivery(id_, subject, handler=handler)]) for id_ in ids_])


async def claim_some(
    store: Store,
    *,
    worker: str = "worker-1",
    handlers: Mapping[str, int] | tuple[str, ...] | set[str] = (HANDLER,),
    lanes: int = 100,
    deliveries_per_lane: int = 100,
    lease: timedelta = LONG,
) -> Sequence[Claim]:
    """Claim what there is."""
    wanted = handlers if isinstance(handlers, Mapping) else dict.fromkeys(handlers, 100)
    return await store.claim(worker, wanted, lanes=lanes, deliveries_per_lane=deliveries_per_lane, lease=lease)


async def claim_one(
    store: Store, *, worker: str = "worker-1", deliveries_per_lane: int = 100, lease: timedelta = LONG
) -> Claim:
    """Claim the one lane that is due."""
    claims = await claim_some(store, worker=worker, deliveries_per_lane=deliveries_per_lane, lease=lease)
    require(len(claims) == 1, f"{len(claims)} lanes were claimed where one was due")
    return claims[0]


def ids(claim: Claim) -> list[str]:
    """The ids of the claimed events, in order."""
    return [one.event().id for one in claim.deliveries]


def require_ids(claim: Claim, *expected: str) -> None:
    """Require that exactly these events were claimed, in this order."""
    found = ids(claim)
    require(found == list(expected), f"the lane was claimed with {found} instead of {list(expected)}")


async def require_nothing(store: Store, why: str) -> None:
    """Require that nothing can be claimed; gives back what was."""
    claims = await claim_some(store)
    require(not claims, f"{[ids(claim) for claim in claims]} could be claimed {why}")


async def finish_all(store: Store, claims: Iterable[Claim]) -> None:
    """Consume everything that was claimed."""
    await store.finish([Completion(claim=claim, consumed=claim.deliveries) for claim in claims])
