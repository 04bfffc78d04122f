"""An OpenTelemetry SDK for one test, and gone afterwards: the rest of the suite runs without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

TRACE_STATE = trace.get_tracer_provider.__globals__
METER_STATE = metrics.get_meter_provider.__globals__


def trace_id(ended: ReadableSpan) -> str:
    context = ended.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}"


def span_id(ended: ReadableSpan) -> str:
    context = ended.get_span_context()
    assert context is not None
    return f"{context.span_id:016x}"


def parent_id(ended: ReadableSpan) -> str | None:
    return ended.parent and f"{ended.parent.span_id:016x}"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Everything that ended, in the order in which it ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setitem(TRACE_STATE, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """Collects what was measured."""
    collecting = InMemoryMetricReader()
    provider = MeterProvider([collecting])
    monkeypatch.setitem(METER_STATE, "_METER_PROVIDER", provider)
    yield collecting
    provider.shutdown()
