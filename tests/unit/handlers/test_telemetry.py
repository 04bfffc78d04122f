# ruff: noqa: ARG001 - the functions of handlers take what handlers give them, needed or not

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.trace import StatusCode

from arvo.errors import ConfigViolation
from arvo.handlers import HandlerContext, MultiHandler
from tests.unit.handlers.card_service import TYPE, CardCharged, ChargeCard, answering, handled_by, raising, request

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from arvo.events import Event, JsonObject

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_answer_continues_the_trace_of_its_request(spans: InMemorySpanExporter) -> None:
    (answer,) = await answering(CardCharged(charge_id="c")).execute(request(traceparent=TRACE))
    (span,) = spans.get_finished_spans()
    context = span.get_span_context()
    assert context is not None
    assert answer.traceparent == f"00-4bf92f3577b34da6a3ce929d0e0e4736-{context.span_id:016x}-01"
    assert span.name == f"process {TYPE}"
    assert [event.name for event in span.events] == ["arvo.event.emitted"]


async def test_without_an_sdk_nothing_is_propagated() -> None:
    (answer,) = await answering(CardCharged(charge_id="c")).execute(request(traceparent=TRACE))
    assert answer.traceparent is None


async def test_span_of_the_context_takes_attributes(spans: InMemorySpanExporter) -> None:
    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> None:
        ctx.span.set_attribute("charge.id", "ch_1")

    await handled_by(function).execute(request())
    (span,) = spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["charge.id"] == "ch_1"


async def test_answered_failure_marks_the_span(spans: InMemorySpanExporter) -> None:
    (answer,) = await raising(ValueError("boom")).execute(request())
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception", "arvo.event.emitted"]
    assert answer.traceparent is not None


async def test_violation_marks_the_span(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ConfigViolation):
        await answering(None).execute(request().replace(type="com.card.refund"))
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR


async def test_multi_handler_traces_payloads_and_ready_events(spans: InMemorySpanExporter) -> None:
    handler = MultiHandler("com.audit.log")

    @handler.handle
    async def function(event: Event[JsonObject], ctx: HandlerContext) -> list[CardCharged | Event[ChargeCard]]:
        return [CardCharged(charge_id="c"), request()]

    answers = await handler.execute(request(to="com.audit.log", traceparent=TRACE))
    (span,) = spans.get_finished_spans()
    assert span.name == "process com.audit.log"
    assert len({answer.traceparent for answer in answers}) == 1
    assert answers[0].traceparent is not None
