"""Spans, measurements and log correlation over the OpenTelemetry API; the SDK and its exporters are the user's choice.

Everything here is nearly free while no SDK is configured.
"""

from opentelemetry.trace import Span, SpanKind

from arvo.telemetry.logs import TraceContextFilter
from arvo.telemetry.metrics import (
    gauge_lanes,
    gauge_queue,
    gauge_store,
    is_measured,
    measure_dead_letter,
    measure_delivery,
    measure_queue_time,
    measure_retry,
)
from arvo.telemetry.propagation import TraceHeaders, context_of, current_headers, traced
from arvo.telemetry.spans import current_span, event_span, record_emitted, record_failure, span

__all__ = [
    "Span",
    "SpanKind",
    "TraceContextFilter",
    "TraceHeaders",
    "context_of",
    "current_headers",
    "current_span",
    "event_span",
    "gauge_lanes",
    "gauge_queue",
    "gauge_store",
    "is_measured",
    "measure_dead_letter",
    "measure_delivery",
    "measure_queue_time",
    "measure_retry",
    "record_emitted",
    "record_failure",
    "span",
    "traced",
]
