"""Spans around work on events: what they say, how they fail, and that nothing happens where nothing records."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import INVALID_SPAN, SpanKind, StatusCode, get_current_span

from arvo.errors import ContractViolation, TransactionViolation
from arvo.events import Event, telemetry_attributes
from arvo.telemetry import current_span, event_span, record_emitted, record_failure, span
from tests.support.telemetry_sdk import TRACE_STATE, parent_id, span_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

REQUEST: Event[Any] = Event(type="com.card.charge", source="com.web.checkout", subject="order-1", data={"cents": 5})
ANSWER: Event[Any] = Event(type="evt.card.charged", source="com.card.charge", subject="order-1", data={"id": "c"})


def must_not_be_asked() -> Mapping[str, str]:
    raise AssertionError("attributes were computed although nothing records")


def test_without_an_sdk_there_is_no_span_and_nothing_is_computed() -> None:
    with span("work", attributes=must_not_be_asked) as inner:
        assert inner is INVALID_SPAN
        assert current_span() is INVALID_SPAN
        record_failure(ValueError("ignored"))
        record_emitted(inner, [ANSWER])
    with event_span("process", REQUEST, handler="com.card.charge", attributes=must_not_be_asked) as inner:
        assert not inner.is_recording()


def test_without_an_sdk_exceptions_pass_through() -> None:
    with pytest.raises(ValueError, match="mine"), span("work"):
        raise ValueError("mine")


def test_an_sdk_configured_later_is_noticed(spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = TRACE_STATE["_TRACER_PROVIDER"]
    monkeypatch.setitem(TRACE_STATE, "_TRACER_PROVIDER", None)
    with span("before"):
        pass
    monkeypatch.setitem(TRACE_STATE, "_TRACER_PROVIDER", provider)
    with span("after"):
        pass

    assert [ended.name for ended in spans.get_finished_spans()] == ["after"]


def test_a_span_is_current_inside_and_the_outer_one_again_afterwards(spans: InMemorySpanExporter) -> None:
    with span("outer") as outer:
        with span("inner", kind=SpanKind.CLIENT, attributes=lambda: {"arvo.attempt": 2}) as inner:
            assert get_current_span() is inner
        assert current_span() is outer
    assert not get_current_span().get_span_context().is_valid

    first, second = spans.get_finished_spans()
    assert (first.name, first.kind, first.attributes) == ("inner", SpanKind.CLIENT, {"arvo.attempt": 2})
    assert parent_id(first) == span_id(second)
    assert (second.name, second.kind, second.status.status_code) == ("outer", SpanKind.INTERNAL, StatusCode.UNSET)


def test_a_processing_span_says_what_is_processed_and_by_whom(spans: InMemorySpanExporter) -> None:
    with event_span("process", REQUEST, handler="com.card.charge", attributes=lambda: {"arvo.handler.kind": "handler"}):
        pass

    (ended,) = spans.get_finished_spans()
    assert (ended.name, ended.kind) == ("process com.card.charge", SpanKind.CONSUMER)
    assert ended.attributes == {
        "messaging.system": "arvo",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "com.card.charge",
        "messaging.message.id": REQUEST.id,
        "messaging.message.conversation_id": "order-1",
        "arvo.handler.kind": "handler",
        **telemetry_attributes(REQUEST),
    }
    assert ended.instrumentation_scope is not None
    assert ended.instrumentation_scope.name == "arvo"


def test_a_sending_span_is_a_producer(spans: InMemorySpanExporter) -> None:
    with event_span("send", REQUEST, handler="com.card.charge"):
        pass

    (ended,) = spans.get_finished_spans()
    assert (ended.name, ended.kind) == ("send com.card.charge", SpanKind.PRODUCER)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no"), {"error.type": "builtins.ValueError"}),
        (
            ContractViolation("bad data"),
            {"error.type": "arvo.errors.ContractViolation", "arvo.violation.kind": "Contract"},
        ),
        (
            TransactionViolation("held", cause="LOCK_UNACQUIRED"),
            {
                "error.type": "arvo.errors.TransactionViolation",
                "arvo.violation.kind": "Transaction",
                "arvo.transaction.cause": "LOCK_UNACQUIRED",
            },
        ),
    ],
    ids=["exception", "violation", "transaction"],
)
def test_an_exception_that_leaves_a_span_fails_it(
    spans: InMemorySpanExporter, error: Exception, expected: dict[str, str]
) -> None:
    with pytest.raises(type(error)), event_span("process", REQUEST, handler="com.card.charge"):
        raise error

    (ended,) = spans.get_finished_spans()
    assert ended.status.status_code == StatusCode.ERROR
    assert ended.status.description == f"{type(error).__name__}: {error}"
    assert expected.items() <= dict(ended.attributes or {}).items()
    (recorded,) = ended.events
    assert recorded.name == "exception"
    assert (recorded.attributes or {})["exception.message"] == str(error)


def test_a_failure_that_is_answered_fails_the_span_as_well(spans: InMemorySpanExporter) -> None:
    with event_span("process", REQUEST, handler="com.card.charge"):
        record_failure(ZeroDivisionError("boom"))

    (ended,) = spans.get_finished_spans()
    assert ended.status.description == "ZeroDivisionError: boom"
    assert [event.name for event in ended.events] == ["exception"]


async def test_a_cancellation_ends_the_span_without_failing_it(spans: InMemorySpanExporter) -> None:
    async def work() -> None:
        with span("work"):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    (ended,) = spans.get_finished_spans()
    assert ended.status.status_code == StatusCode.UNSET
    assert ended.events == ()


def test_emitted_events_are_noted_in_order(spans: InMemorySpanExporter) -> None:
    with span("work") as work:
        record_emitted(work, [ANSWER, REQUEST])

    (ended,) = spans.get_finished_spans()
    assert [event.name for event in ended.events] == ["arvo.event.emitted"] * 2
    assert [event.attributes for event in ended.events] == [telemetry_attributes(ANSWER), telemetry_attributes(REQUEST)]


def test_a_span_that_the_sampler_drops_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRACE_STATE, "_TRACER_PROVIDER", TracerProvider(sampler=ALWAYS_OFF))

    with span("work", attributes=must_not_be_asked) as work:
        record_emitted(work, [ANSWER])
        record_failure(ValueError("unheard"))
    with (
        pytest.raises(ValueError, match="mine"),
        event_span("process", REQUEST, handler="h", attributes=must_not_be_asked) as dropped,
    ):
        raise ValueError("mine")
    assert dropped.get_span_context().is_valid


async def test_concurrent_work_keeps_its_spans_apart(spans: InMemorySpanExporter) -> None:
    async def work(number: int) -> None:
        with span(f"outer-{number}") as outer:
            await asyncio.sleep(0)
            with span(f"inner-{number}") as inner:
                await asyncio.sleep(0)
                assert current_span() is inner
            assert current_span() is outer

    await asyncio.gather(*(work(number) for number in range(10)))

    ended = {span.name: span for span in spans.get_finished_spans()}
    for number in range(10):
        assert parent_id(ended[f"inner-{number}"]) == span_id(ended[f"outer-{number}"])
