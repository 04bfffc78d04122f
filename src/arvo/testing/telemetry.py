"""What an app tells OpenTelemetry, kept for a test to look at. Needs the extra `otel`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace

from arvo.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

__all__ = ["RecordedTelemetry", "recorded_telemetry"]


class RecordedTelemetry:
    """The spans that ended and the measurements that were taken so far."""

    def __init__(self, exporter: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        self._exporter = exporter
        self._reader = reader

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """All spans that ended, in that order."""
        return self._exporter.get_finished_spans()

    def spans_named(self, name: str) -> list[ReadableSpan]:
        """The spans with this name, in the order in which they ended."""
        return [span for span in self.spans if span.name == name]

    @property
    def trace_ids(self) -> set[str]:
        """The traces that the spans belong to, in hexadecimal as `traceparent` has them."""
        return {f"{span.context.trace_id:032x}" for span in self.spans if span.context is not None}

    def total(self, name: str, **attributes: str) -> float:
        """The sum of a counter, or the number of measurements of a histogram, where all `attributes` are as given.

        Dots in the names of attributes are written as two underscores: `messaging__destination__name="com.stock"`.
        """
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        total: float = sum(
            point.value if hasattr(point, "value") else point.count
            for point in self._points(name)
            if wanted.items() <= dict(point.attributes).items()
        )
        return total

    def _points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        if data is None:
            return []
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@contextmanager
def recorded_telemetry() -> Generator[RecordedTelemetry]:
    """Record what is told to OpenTelemetry while the body runs; whatever records otherwise gets nothing meanwhile.

    Raises `DefinitionError` when the SDK is not installed.
    """
    try:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    except ModuleNotFoundError as error:
        raise DefinitionError(
            "Recording telemetry needs the OpenTelemetry SDK. Install it: pip install 'arvo-event-handler[otel]'."
        ) from error
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    traces, measures = TracerProvider(), MeterProvider([reader])
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    with (
        _in_place_of(trace.get_tracer_provider.__globals__, "_TRACER_PROVIDER", traces),
        _in_place_of(metrics.get_meter_provider.__globals__, "_METER_PROVIDER", measures),
    ):
        try:
            yield RecordedTelemetry(exporter, reader)
        finally:
            traces.shutdown()
            measures.shutdown()


@contextmanager
def _in_place_of(names: Mapping[str, Any], name: str, provider: object) -> Generator[None]:
    # The API lets a provider be set once in the life of a process, which is not what tests are made for.
    variables: Any = names
    before = variables.get(name)
    variables[name] = provider
    try:
        yield
    finally:
        variables[name] = before
