"""What an operator sees of a whole system: one trace through a workflow, and figures of every attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryMachineMemory
from arvo.errors import ExecutionViolation
from arvo.runtime import App, RetryPolicy
from arvo.telemetry import span
from tests.integration.order_system import HANDLERS, OrderPlaced, an_order, order_v1
from tests.support.telemetry_sdk import parent_id, span_id, trace_id
from tests.unit.runtime.scene import FunctionHandler, request
from tests.unit.telemetry.test_metrics import collected

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from arvo.events import Event


async def test_a_whole_workflow_is_one_trace_below_the_span_of_its_caller(spans: InMemorySpanExporter) -> None:
    with span("checkout") as checkout:
        answer = await App(HANDLERS, memory=InMemoryMachineMemory()).resolve(an_order(), expect=order_v1)
        caller = checkout.get_span_context()
    assert isinstance(answer.data, OrderPlaced)
    ended = spans.get_finished_spans()
    assert len(ended) > len(HANDLERS)
    assert {trace_id(one) for one in ended} == {f"{caller.trace_id:032x}"}
    known = {span_id(one) for one in ended}
    assert all(parent_id(one) in known for one in ended if one.name != "checkout")


async def test_attempts_retries_and_dead_letters_are_counted(reader: InMemoryMetricReader) -> None:
    async def fail(_: Event[Any]) -> None:
        raise ExecutionViolation("not today")

    policy = RetryPolicy(attempts=2, initial_delay=timedelta(0))
    async with App([FunctionHandler("com.some.service", fail)], retry=policy) as app:
        await app.publish(request("com.some.service"))
        await app.wait_idle()

    measured = collected(reader)
    counts = {
        name: sum(value for _, value in points) for name, (unit, points) in measured.items() if unit.startswith("{")
    }
    assert counts == {"arvo.deliveries": 2, "arvo.retries": 1, "arvo.dead_letters": 1}
    assert {"messaging.process.duration", "arvo.queue.duration"} <= measured.keys()
