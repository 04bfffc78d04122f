"""Our side of the benchmark: the cases of `theirs.cjs`, written as a user of this package writes them.

Runs as a process of its own that speaks the line protocol of `protocol.py`. `--sdk` registers an OpenTelemetry SDK that
records spans and drops them; without it no SDK is even imported.
"""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arvo.contracts import Contract, Payload
from arvo.events import Event, Subject
from arvo.handlers import Handler, HandlerContext
from benchmarks.protocol import Case, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE: dict[str, Any] = json.loads((Path(__file__).parent / "event.json").read_text(encoding="utf-8"))


class Address(Payload):
    street: str
    city: str
    postcode: str
    country: str


class Customer(Payload):
    name: str
    email: str
    address: Address


class Line(Payload):
    sku: str
    title: str
    quantity: int
    unit_cents: int


class PlaceOrder(Payload):
    order_id: str
    customer: Customer
    lines: list[Line]
    express: bool
    notes: str


class OrderPlaced(Payload, event_type="evt.order.place.success"):
    order_id: str
    total_cents: int
    line_count: int


order = Contract(uri="#/services/order.place", type="com.order.place")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=OrderPlaced)

place_order = Handler(order, execution_units=1)


@place_order.on(order_v1)
async def place(event: Event[PlaceOrder], _: HandlerContext) -> OrderPlaced:
    lines = event.data.lines
    total = sum(line.quantity * line.unit_cents for line in lines)
    return OrderPlaced(order_id=event.data.order_id, total_cents=total, line_count=len(lines))


def identifier(index: int) -> str:
    return f"9f1b2c3d-4e5f-4a6b-8c7d-{index:012d}"


def fields(index: int) -> dict[str, Any]:
    return {**TEMPLATE["data"], "order_id": identifier(index)}


SUBJECTS = [
    Subject.new(
        name=TEMPLATE["source"], version="1.0.0", initiator="com.web.checkout", execution_id=identifier(index)
    ).encode()
    for index in range(5000)
]


def subject(index: int) -> str:
    return SUBJECTS[index % len(SUBJECTS)]


def text(index: int) -> bytes:
    event = {**TEMPLATE, "id": identifier(index), "subject": subject(index)}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def subject_and_fields(index: int) -> tuple[str, dict[str, Any]]:
    return subject(index), fields(index)


def request(data: Mapping[str, Any]) -> Event[PlaceOrder]:
    return order_v1.request(PlaceOrder.model_validate(data), source=TEMPLATE["source"])


def request_in(given: tuple[str, Mapping[str, Any]]) -> Event[PlaceOrder]:
    subject, data = given
    return order_v1.request(PlaceOrder.model_validate(data), source=TEMPLATE["source"], subject=subject)


def parse_and_read(received: bytes) -> Event[Any]:
    event = Event.from_json(received)
    assert event.data["lines"]
    return event


def serialise(event: Event[Any]) -> bytes:
    return event.to_json()


async def handle(event: Event[Any]) -> Event[Any]:
    return (await place_order.execute(event))[0]


async def hop(received: bytes) -> bytes:
    return (await place_order.execute(Event.from_json(received)))[0].to_json()


CASES = {
    "factory": Case(prepare=fields, run=request),
    "factory_in_subject": Case(prepare=subject_and_fields, run=request_in),
    "handle": Case(prepare=lambda index: Event.from_json(text(index)), run_async=handle),
    "parse": Case(prepare=text, run=Event.from_json),
    "parse_and_read": Case(prepare=text, run=parse_and_read),
    "serialise": Case(prepare=lambda index: request_in(subject_and_fields(index)), run=serialise),
    "hop": Case(prepare=text, run_async=hop),
}


def record_spans() -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())


def main() -> None:
    if "--sdk" in sys.argv[1:]:
        record_spans()
    elif "opentelemetry.sdk" in sys.modules:
        raise RuntimeError("An OpenTelemetry SDK was imported, so this would not measure a process without one.")
    asyncio.run(serve(CASES, versions=[f"arvo-event-handler {version('arvo-event-handler')}"]))


if __name__ == "__main__":
    main()
