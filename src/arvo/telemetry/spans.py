"""Spans around work on events. Where no SDK is configured they cost next to nothing and nothing is computed for them.

How the trace gets from one event to the next is in `arvo.telemetry.propagation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from opentelemetry.context import attach, detach
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode, get_current_span, set_span_in_context

from arvo.errors import TransactionViolation, Violation
from arvo.events import telemetry_attributes
from arvo.telemetry import attributes as names
from arvo.telemetry.propagation import context_of
from arvo.telemetry.provider import tracer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.util.types import AttributeValue

    from arvo.events import Event

__all__ = ["EventOperation", "current_span", "event_span", "record_emitted", "record_failure", "span"]

EventOperation: TypeAlias = Literal["process", "send"]

_KINDS = {"process": SpanKind.CONSUMER, "send": SpanKind.PRODUCER}


class _NotRecorded:
    """Stands in for a span where nothing records; a third cheaper than `nullcontext`."""

    __slots__ = ()

    def __enter__(self) -> Span:
        return INVALID_SPAN

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


_NOT_RECORDED = _NotRecorded()


def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Callable[[], Mapping[str, AttributeValue]] | None = None,
) -> AbstractContextManager[Span]:
    """Return a context manager for a span below the current one, with an exception that leaves it recorded.

    `attributes` is called only when the span records, after the sampler has decided.
    """
    current = tracer()
    if current is None:
        return _NOT_RECORDED
    started = current.start_span(name, kind=kind)
    if attributes is not None and started.is_recording():
        started.set_attributes(attributes())
    return _OpenSpan(started)


def event_span(
    operation: EventOperation,
    event: Event[Any],
    *,
    handler: str,
    attributes: Callable[[], Mapping[str, AttributeValue]] | None = None,
) -> AbstractContextManager[Span]:
    """Return a context manager for the span of one operation on an event: its processing by a handler, or its sending.

    A processing span continues the trace that the event carries, or else the current one; a sending span is part of
    the current trace. `handler` is the source of the handler that processes the event, or the address it is sent to.
    """
    current = tracer()
    if current is None:
        return _NOT_RECORDED
    context = context_of(event) if operation == "process" else None
    started = current.start_span(f"{operation} {handler}", context, _KINDS[operation])
    if started.is_recording():
        started.set_attributes(_event_attributes(operation, event, handler))
        if attributes is not None:
            started.set_attributes(attributes())
    return _OpenSpan(started, context)


def current_span() -> Span:
    """Return the span of the work at hand, for attributes and events of one's own; one that ignores them if none is."""
    return INVALID_SPAN if tracer() is None else get_current_span()


def record_failure(error: BaseException) -> None:
    """Mark the current span as failed by `error`, for failures that are answered and do not leave the span."""
    current = current_span()
    if current.is_recording():
        _mark_failed(current, error)


def record_emitted(work: Span, events: Iterable[Event[Any]]) -> None:
    """Note on the span of some work each event that came of it, in order."""
    if work.is_recording():
        for event in events:
            work.add_event("arvo.event.emitted", telemetry_attributes(event))


class _OpenSpan:
    """A started span that is current inside the `with` block and ends with it."""

    __slots__ = ("_context", "_span", "_token")

    _token: Token[Context]

    def __init__(self, started: Span, context: Context | None = None) -> None:
        self._span = started
        self._context = context

    def __enter__(self) -> Span:
        self._token = attach(set_span_in_context(self._span, self._context))
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        detach(self._token)
        # A cancellation or an exit of the program is no failure of the work.
        if isinstance(error, Exception) and self._span.is_recording():
            _mark_failed(self._span, error)
        self._span.end()


def _event_attributes(operation: EventOperation, event: Event[Any], handler: str) -> Mapping[str, AttributeValue]:
    return {
        names.MESSAGING_SYSTEM: names.SYSTEM_NAME,
        names.OPERATION_NAME: operation,
        names.OPERATION_TYPE: operation,
        names.DESTINATION: handler,
        names.MESSAGE_ID: event.id,
        names.CONVERSATION_ID: event.subject,
        **telemetry_attributes(event),
    }


def _mark_failed(current: Span, error: BaseException) -> None:
    current.record_exception(error)
    current.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
    current.set_attribute(names.ERROR_TYPE, f"{type(error).__module__}.{type(error).__qualname__}")
    if isinstance(error, Violation):
        current.set_attribute(names.VIOLATION_KIND, error.kind)
    if isinstance(error, TransactionViolation):
        current.set_attribute(names.TRANSACTION_CAUSE, error.cause)
