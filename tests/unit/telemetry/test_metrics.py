"""What is counted and timed, under which names, and that nothing is made before somebody collects it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.events import Event
from arvo.telemetry import is_measured, measure_dead_letter, measure_delivery, measure_queue_time, measure_retry

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

REQUEST: Event[Any] = Event(type="com.card.charge", source="com.web.checkout", subject="order-1", data={})
COMMON = {
    "messaging.system": "arvo",
    "messaging.operation.name": "process",
    "messaging.destination.name": "com.card.charge",
    "arvo.event.type": "com.card.charge",
}


def collected(reader: InMemoryMetricReader) -> dict[str, tuple[str, list[tuple[dict[str, Any], float]]]]:
    """Name -> unit and points; a point of a histogram shows its sum."""
    data = reader.get_metrics_data()
    if data is None:
        return {}
    return {
        metric.name: (
            metric.unit or "",
            [
                (dict(point.attributes or {}), float(getattr(point, "value", getattr(point, "sum", None)) or 0))
                for point in metric.data.data_points
            ],
        )
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_without_an_sdk_nothing_is_measured() -> None:
    assert not is_measured()
    measure_delivery(REQUEST, handler="com.card.charge", seconds=0.1)
    measure_retry(REQUEST, handler="com.card.charge", error=ValueError())
    measure_dead_letter(REQUEST, handler=None, reason="UNROUTABLE")
    measure_queue_time(REQUEST, handler="com.card.charge", seconds=0.1)


def test_deliveries_are_counted_and_timed_by_outcome(reader: InMemoryMetricReader) -> None:
    assert is_measured()
    measure_delivery(REQUEST, handler="com.card.charge", seconds=0.25)
    measure_delivery(REQUEST, handler="com.card.charge", seconds=0.5)
    measure_delivery(REQUEST, handler="com.card.charge", seconds=1, error=ValueError("no"))

    failed = {**COMMON, "error.type": "builtins.ValueError"}
    assert collected(reader) == {
        "arvo.deliveries": ("{delivery}", [(COMMON, 2), (failed, 1)]),
        "messaging.process.duration": ("s", [(COMMON, 0.75), (failed, 1)]),
    }


def test_retries_are_counted_by_what_caused_them(reader: InMemoryMetricReader) -> None:
    measure_retry(REQUEST, handler="com.card.charge", error=TimeoutError())

    points = [({**COMMON, "error.type": "builtins.TimeoutError"}, 1)]
    assert collected(reader) == {"arvo.retries": ("{event}", points)}


def test_dead_letters_are_counted_by_reason_with_or_without_a_handler(reader: InMemoryMetricReader) -> None:
    measure_dead_letter(REQUEST, handler="com.card.charge", reason="EXHAUSTED")
    measure_dead_letter(REQUEST, handler=None, reason="UNROUTABLE")

    points = [
        ({**COMMON, "arvo.dead_letter.reason": "EXHAUSTED"}, 1),
        ({**COMMON, "arvo.dead_letter.reason": "UNROUTABLE"}, 1),
    ]
    assert collected(reader) == {"arvo.dead_letters": ("{event}", points)}


def test_time_in_the_queue_is_recorded(reader: InMemoryMetricReader) -> None:
    measure_queue_time(REQUEST, handler="com.card.charge", seconds=2.5)

    assert collected(reader) == {"arvo.queue.duration": ("s", [(COMMON, 2.5)])}
