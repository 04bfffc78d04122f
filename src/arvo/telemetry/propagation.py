"""How a trace gets from one event to the next: W3C Trace Context in the event's `traceparent` and `tracestate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from opentelemetry.context import get_current
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from arvo.telemetry.provider import tracer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from pydantic import BaseModel

    from arvo.events import Event

__all__ = ["TraceHeaders", "context_of", "current_headers", "traced"]

D = TypeVar("D", bound="BaseModel | Mapping[str, Any]")

_propagator = TraceContextTextMapPropagator()


class TraceHeaders(NamedTuple):
    """What an event carries of the trace that it was made in."""

    traceparent: str | None
    tracestate: str | None


_NO_HEADERS = TraceHeaders(None, None)


def current_headers() -> TraceHeaders:
    """Return the headers for events made in the current span; without an SDK or a span there are none."""
    if tracer() is None:
        return _NO_HEADERS
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return _NO_HEADERS
    state = context.trace_state
    return TraceHeaders(
        f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}",
        state.to_header() if state else None,
    )


def traced(event: Event[D]) -> Event[D]:
    """Return the event with the headers of the current span; as it is when it has some or there is no span."""
    if event.traceparent is not None:
        return event
    headers = current_headers()
    if headers.traceparent is None:
        return event
    return event.replace(traceparent=headers.traceparent, tracestate=headers.tracestate)


def context_of(event: Event[Any]) -> Context:
    """Return the context in which the trace of the event goes on: the current one if the event carries none."""
    current = get_current()
    if event.traceparent is None:
        return current
    return _propagator.extract(event, current, _event_headers)


class _EventHeaders(Getter["Event[Any]"]):
    """Finds the headers in the event itself."""

    def get(self, carrier: Event[Any], key: str) -> list[str] | None:
        value = carrier.traceparent if key == "traceparent" else carrier.tracestate
        return None if value is None else [value]

    def keys(self, carrier: Event[Any]) -> list[str]:
        return [key for key in ("traceparent", "tracestate") if self.get(carrier, key)]


_event_headers = _EventHeaders()
