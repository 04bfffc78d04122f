"""Publishing into a store, for the workers of an app to take: from a web process, a script, another service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.errors import ConfigViolation
from arvo.runtime.delays import held_back
from arvo.runtime.worker.routes import Routes, Sending
from arvo.telemetry import traced

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from arvo.events import Event
    from arvo.ports import Store
    from arvo.runtime.app import App

__all__ = ["enqueue"]


async def enqueue(
    app: App,
    store: Store,
    event: Event[Any],
    *,
    deliver_at: datetime | timedelta | None = None,
    priority: int = 0,
) -> bool:
    """Store the event for the handler of `app` that it is addressed to; False when it was there already.

        await enqueue(app, store, order_v1.request(PlaceOrder(...), source="com.web.checkout"))

    Durable once this returns. With `deliver_at`, a time or a delay from now, it arrives then. What is of higher
    `priority` is worked on first, and what comes of an event is as urgent as the event. An answer to an event that
    waits for its domain ends that wait. Raises `ConfigViolation`, and stores nothing, when nobody is known to answer to
    its address; `BackendError` when the store does not answer, after which trying again is safe: the same event (by id)
    is taken in once.
    """
    event, due = held_back(traced(event), deliver_at)
    delivery = Routes(app).published(event, Sending(due, priority))
    if delivery is None:
        raise ConfigViolation(
            f"{event.type!r} (id {event.id}) is for domain {event.domain!r}, which has no sink in this app, and no "
            "handler here has its address, so nobody would take it. Register @app.sink(...), or correct `to`."
        )
    if event.parentid is not None and await store.answer(event.parentid, [delivery]):
        return True
    return await store.publish([delivery]) > 0
