"""What is counted and timed: deliveries, retries, dead letters, time in handlers, time in queues.

Without an SDK each of these returns at once; instruments are made when the first measurement meets a provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from arvo.telemetry import attributes as names
from arvo.telemetry.provider import meter

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, Meter

    from arvo.events import Event

__all__ = ["is_measured", "measure_dead_letter", "measure_delivery", "measure_queue_time", "measure_retry"]


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


@dataclass(frozen=True, slots=True)
class _Instruments:
    deliveries: Counter
    retries: Counter
    dead_letters: Counter
    handler_time: Histogram
    queue_time: Histogram


@lru_cache(maxsize=4)
def _instruments_of(current: Meter) -> _Instruments:
    return _Instruments(
        deliveries=current.create_counter("arvo.deliveries", "{delivery}", "Attempts of handlers at events"),
        retries=current.create_counter("arvo.retries", "{event}", "Events that were to be delivered again"),
        dead_letters=current.create_counter("arvo.dead_letters", "{event}", "Events that were parked"),
        handler_time=current.create_histogram("messaging.process.duration", "s", "Time that handlers took"),
        queue_time=current.create_histogram("arvo.queue.duration", "s", "Time that events waited for their handler"),
    )


def _attributes(event: Event[Any], handler: str, error: BaseException | None = None) -> dict[str, str]:
    attributes = {
        names.MESSAGING_SYSTEM: names.SYSTEM_NAME,
        names.OPERATION_NAME: "process",
        names.DESTINATION: handler,
        names.EVENT_TYPE: event.type,
    }
    if error is not None:
        attributes[names.ERROR_TYPE] = f"{type(error).__module__}.{type(error).__qualname__}"
    return attributes
