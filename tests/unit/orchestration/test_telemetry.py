"""One trace through a whole workflow, and spans that say how each event left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.trace import StatusCode

from arvo.errors import TransactionViolation
from arvo.orchestration import Wait
from tests.unit.orchestration.documents import orchestrated
from tests.unit.orchestration.memories import FaultyMemory
from tests.unit.orchestration.orders import OrderAnswer, OrderTurn, PlaceOrder, bound, charged, request, reserved
from tests.unit.orchestration.timing import MINUTE, TimedAnswer, TimedTurn, elapsed, timed

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
STATUS = "arvo.workflow.status"


async def test_a_workflow_goes_on_with_the_trace_of_its_events(spans: InMemorySpanExporter) -> None:
    workflow = bound()
    (reserve,) = await workflow.execute(request(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01"))
    (charge,) = await workflow.execute(reserved(reserve).replace(traceparent=reserve.traceparent))
    (done,) = await workflow.execute(charged(charge).replace(traceparent=charge.traceparent))
    assert {(event.traceparent or "").split("-")[1] for event in (reserve, charge, done)} == {TRACE}
    ended = spans.get_finished_spans()
    assert {span.name for span in ended} == {"process arvo.orc.order"}
    assert [_attribute(span, STATUS) for span in ended] == ["active", "active", "done"]
    assert [event.name for span in ended for event in span.events] == ["arvo.event.emitted"] * 3


async def test_a_statechart_goes_on_with_the_trace_of_its_events(spans: InMemorySpanExporter) -> None:
    workflow = orchestrated()
    (reserve,) = await workflow.execute(request(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01"))
    assert (reserve.traceparent or "").split("-")[1] == TRACE
    (span,) = spans.get_finished_spans()
    assert (span.name, _attribute(span, STATUS)) == ("process arvo.orc.order", "active")
    assert [event.name for event in span.events] == ["arvo.event.emitted"]


async def test_a_timer_belongs_to_the_trace_in_which_it_was_set(spans: InMemorySpanExporter) -> None:
    async def function(turn: TimedTurn) -> TimedAnswer:
        return Wait(wake_after=MINUTE) if isinstance(turn.event.data, PlaceOrder) else Wait()

    workflow = timed(function)
    (timer,) = await workflow.execute(request(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01"))
    assert (timer.traceparent or "").split("-")[1] == TRACE
    await workflow.execute(elapsed(timer))
    await workflow.execute(elapsed(timer).replace(source="com.evil"))
    _, woken, stranger = spans.get_finished_spans()
    assert f"{woken.context and woken.context.trace_id:032x}" == TRACE
    assert _attribute(stranger, "arvo.workflow.ignored") == "nothing waits for its timer any more"


async def test_the_span_of_an_ignored_event_says_why(spans: InMemorySpanExporter) -> None:
    workflow = bound()
    start = request()
    await workflow.execute(start)
    await workflow.execute(start)
    assert _attribute(spans.get_finished_spans()[1], "arvo.workflow.ignored") == "it was taken before"


async def test_the_span_of_a_failure_is_marked(spans: InMemorySpanExporter) -> None:
    async def function(turn: OrderTurn) -> OrderAnswer:
        turn.span.set_attribute("order.shelf", 7)
        raise LookupError("shelf 7")

    await bound(function).execute(request())
    (span,) = spans.get_finished_spans()
    assert (span.status.status_code, _attribute(span, STATUS)) == (StatusCode.ERROR, "failure")
    assert _attribute(span, "order.shelf") == 7


async def test_the_span_of_a_violation_names_its_cause(spans: InMemorySpanExporter) -> None:
    memory = FaultyMemory()
    memory.broken = {"read"}
    with pytest.raises(TransactionViolation):
        await bound(memory=memory).execute(request())
    (span,) = spans.get_finished_spans()
    assert _attribute(span, "arvo.transaction.cause") == "READ_FAILURE"


def _attribute(span: ReadableSpan, name: str) -> object:
    return (span.attributes or {}).get(name)
