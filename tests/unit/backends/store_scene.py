"""What tests of the stores do again and again; the port's promises themselves are in `tests/conformance`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.events import Event
from arvo.ports.store import Completion, NewDelivery, WorkStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.ports.store import Claim

__all__ = ["HANDLER", "claim", "consumed", "delivery"]

HANDLER = "com.order.place"


def delivery(id: str, subject: str | None = None, *, due: timedelta | None = None) -> NewDelivery:
    event: Event[Any] = Event(id=id, source="com.web.shop", type=HANDLER, subject=subject or f"order-{id}", data={})
    return NewDelivery(handler=HANDLER, event=event, due=due)


async def claim(store: WorkStore, *, worker: str = "worker-1", lanes: int = 100) -> Sequence[Claim]:
    return await store.claim(worker, {HANDLER: 100}, lanes=lanes, deliveries_per_lane=10, lease=timedelta(minutes=5))


def consumed(claim: Claim, *produced: NewDelivery) -> Completion:
    return Completion(claim=claim, consumed=claim.deliveries, produced=produced)
