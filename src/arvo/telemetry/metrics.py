"""What is counted, timed and gauged: deliveries, retries, dead letters, time in handlers and queues, what waits.

Without an SDK each of these returns at once; instruments are made when the first measurement meets a provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from arvo.telemetry import attributes as names
from arvo.telemetry.provider import meter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.metrics import Counter, Histogram, Meter
    from opentelemetry.metrics import _Gauge as Gauge

    from arvo.events import Event

__all__ = [
    "gauge_lanes",
    "gauge_queue",
    "gauge_store",
    "is_measured",
    "measure_dead_letter",
    "measure_delivery",
    "measure_queue_time",
    "measure_retry",
]


def is_measured() -> bool:
    """Tell whether measurements go anywhere, for callers to whom already the clock is too dear."""
    return meter() is not None


def measure_delivery(event: Event[Any], *, handler: str, seconds: float, error: BaseException | None = None) -> None:
    """Count one attempt of a handler at an event, and the time it took; `error` when it was in vain."""
    if (current := meter()) is not None:
        instruments, attributes = _instruments_of(current), _attributes(event, handler, error)
        instruments.deliveries.add(1, attributes)
        instruments.handler_time.record(seconds, attributes)


def measure_retry(event: Event[Any], *, handler: str, error: BaseException) -> None:
    """Count an event that will be delivered again because of `error`."""
    if (current := meter()) is not None:
        _instruments_of(current).retries.add(1, _attributes(event, handler, error))


def measure_dead_letter(event: Event[Any], *, handler: str | None, reason: str) -> None:
    """Count an event that was parked, also one for which there is no handler."""
    if (current := meter()) is not None:
        attributes = {**_attributes(event, handler or event.to or event.type), names.DEAD_LETTER_REASON: reason}
        _instruments_of(current).dead_letters.add(1, attributes)


def measure_queue_time(event: Event[Any], *, handler: str, seconds: float) -> None:
    """Record how long an event waited for its handler."""
    if (current := meter()) is not None:
        _instruments_of(current).queue_time.record(seconds, _attributes(event, handler))


def gauge_queue(*, handler: str, events: int, timers: int, age_seconds: float) -> None:
    """Tell how much waits for a handler in a store, and for how long the first of it has been due."""
    if (current := meter()) is not None:
        instruments, attributes = _instruments_of(current), _place(handler)
        instruments.queue_depth.set(events, attributes)
        instruments.queue_timers.set(timers, attributes)
        instruments.queue_age.set(age_seconds, attributes)


def gauge_lanes(*, handler: str, lanes: int) -> None:
    """Tell how many lanes of a handler a worker has in hand."""
    if (current := meter()) is not None:
        _instruments_of(current).lanes.set(lanes, _place(handler))


def gauge_store(*, dead_letters: int, waiting: Mapping[str, int]) -> None:
    """Tell how many dead letters a store keeps, and how many events wait in each domain."""
    if (current := meter()) is not None:
        instruments, system = _instruments_of(current), {names.MESSAGING_SYSTEM: names.SYSTEM_NAME}
        instruments.kept_letters.set(dead_letters, system)
        for domain, events in waiting.items():
            instruments.waiting.set(events, {**system, names.DOMAIN: domain})


@dataclass(frozen=True, slots=True)
class _Instruments:
    deliveries: Counter
    retries: Counter
    dead_letters: Counter
    handler_time: Histogram
    queue_time: Histogram
    queue_depth: Gauge
    queue_timers: Gauge
    queue_age: Gauge
    lanes: Gauge
    kept_letters: Gauge
    waiting: Gauge


@lru_cache(maxsize=4)
def _instruments_of(current: Meter) -> _Instruments:
    return _Instruments(
        deliveries=current.create_counter("arvo.deliveries", "{delivery}", "Attempts of handlers at events"),
        retries=current.create_counter("arvo.retries", "{event}", "Events that were to be delivered again"),
        dead_letters=current.create_counter("arvo.dead_letters", "{event}", "Events that were parked"),
        handler_time=current.create_histogram("messaging.process.duration", "s", "Time that handlers took"),
        queue_time=current.create_histogram("arvo.queue.duration", "s", "Time that events waited for their handler"),
        queue_depth=current.create_gauge("arvo.queue.depth", "{event}", "Events that wait for a handler"),
        queue_timers=current.create_gauge("arvo.queue.timers", "{event}", "Events that will arrive later"),
        queue_age=current.create_gauge("arvo.queue.age", "s", "Time for which the first event has been due"),
        lanes=current.create_gauge("arvo.worker.lanes", "{lane}", "Lanes that a worker has in hand"),
        kept_letters=current.create_gauge("arvo.store.dead_letters", "{event}", "Dead letters in the store"),
        waiting=current.create_gauge("arvo.store.waiting", "{event}", "Events that wait to be answered"),
    )


def _attributes(event: Event[Any], handler: str, error: BaseException | None = None) -> dict[str, str]:
    attributes = {**_place(handler), names.OPERATION_NAME: "process", names.EVENT_TYPE: event.type}
    if error is not None:
        attributes[names.ERROR_TYPE] = f"{type(error).__module__}.{type(error).__qualname__}"
    return attributes


def _place(handler: str) -> dict[str, str]:
    return {names.MESSAGING_SYSTEM: names.SYSTEM_NAME, names.DESTINATION: handler}
