"""One trace runs through events: out of the span that made them, into the span that processes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import get_current_span

from arvo.events import Event
from arvo.telemetry import TraceHeaders, context_of, current_headers, event_span, span, traced
from tests.support.telemetry_sdk import TRACE_STATE, parent_id, span_id, trace_id

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


def event(**attributes: Any) -> Event[Any]:
    return Event(type="com.card.charge", source="com.web.checkout", subject="order-1", data={}, **attributes)


def test_without_an_sdk_there_are_no_headers() -> None:
    assert current_headers() == TraceHeaders(None, None)
    untouched = event()
    assert traced(untouched) is untouched


def test_outside_of_any_span_there_are_no_headers(spans: InMemorySpanExporter) -> None:
    assert current_headers() == TraceHeaders(None, None)
    untouched = event()
    assert traced(untouched) is untouched
    assert spans.get_finished_spans() == ()


@pytest.mark.usefixtures("spans")
def test_headers_name_the_current_span_in_w3c_form() -> None:
    with span("work") as current:
        headers = current_headers()

    context = current.get_span_context()
    assert headers == TraceHeaders(f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}", None)


def test_a_trace_continues_through_events_over_several_hops(spans: InMemorySpanExporter) -> None:
    incoming = event(traceparent=PARENT, tracestate="vendor=abc,other=1")
    for _ in range(3):
        with event_span("process", incoming, handler="com.card.charge"):
            incoming = traced(event())

    assert incoming.tracestate == "vendor=abc,other=1"
    assert incoming.traceparent is not None
    hops = spans.get_finished_spans()
    assert [trace_id(hop) for hop in hops] == [TRACE_ID] * 3
    assert [parent_id(hop) for hop in hops] == ["00f067aa0ba902b7", span_id(hops[0]), span_id(hops[1])]
    assert incoming.traceparent.startswith(f"00-{TRACE_ID}-{span_id(hops[2])}-")


def test_an_event_without_a_trace_is_processed_in_the_current_one(spans: InMemorySpanExporter) -> None:
    with span("request"), event_span("process", event(), handler="com.card.charge"):
        pass

    processed, request = spans.get_finished_spans()
    assert parent_id(processed) == span_id(request)


def test_the_trace_of_an_event_wins_over_the_current_one(spans: InMemorySpanExporter) -> None:
    with span("poll loop"), event_span("process", event(traceparent=PARENT), handler="com.card.charge"):
        pass

    assert trace_id(spans.get_finished_spans()[0]) == TRACE_ID


def test_an_event_is_sent_in_the_current_trace(spans: InMemorySpanExporter) -> None:
    with span("request"), event_span("send", event(traceparent=PARENT), handler="com.card.charge"):
        pass

    sent, request = spans.get_finished_spans()
    assert parent_id(sent) == span_id(request)


def test_an_event_keeps_the_trace_it_carries(spans: InMemorySpanExporter) -> None:
    carrying = event(traceparent=PARENT)
    with span("work"):
        assert traced(carrying) is carrying
    assert len(spans.get_finished_spans()) == 1


def test_a_trace_that_is_not_sampled_is_passed_on_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRACE_STATE, "_TRACER_PROVIDER", TracerProvider(sampler=ALWAYS_OFF))

    with event_span("process", event(traceparent=PARENT), handler="com.card.charge"):
        traceparent, _ = current_headers()

    assert traceparent is not None
    assert traceparent.startswith(f"00-{TRACE_ID}-")
    assert traceparent.endswith("-00")


@pytest.mark.parametrize(
    "traceparent",
    ["nonsense", "00-0-0-00", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{TRACE_ID}-00f067aa0ba902b7-01", "x" * 5_000],
)
def test_a_broken_trace_in_an_event_is_ignored(spans: InMemorySpanExporter, traceparent: str) -> None:
    with event_span("process", event(traceparent=traceparent), handler="com.card.charge"):
        pass

    (ended,) = spans.get_finished_spans()
    assert ended.parent is None


@given(traceparent=st.text(min_size=1) | st.just(PARENT), tracestate=st.text(min_size=1) | st.none())
def test_whatever_an_event_carries_a_context_comes_of_it(traceparent: str, tracestate: str | None) -> None:
    incoming = event(traceparent=traceparent, tracestate=tracestate)

    found = get_current_span(context_of(incoming)).get_span_context()

    assert f"{found.trace_id:032x}" in (TRACE_ID, "0" * 32)
