"""Right and wrong uses of what happens later: publishing, schedules, asking over a store. Checked, never run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, assert_type
from zoneinfo import ZoneInfo

from arvo.contracts import Contract, OrchestratorContract, Payload, ServiceError
from arvo.events import Event
from arvo.handlers import Handler
from arvo.runtime import App, enqueue, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.ports import Store


class ChargeCard(Payload):
    amount_cents: int


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class PlaceOrder(Payload):
    order_id: str


class OrderPlaced(Payload):
    charge_id: str


charge = Contract(uri="#/services/card.charge", type="com.card.charge")
charge_v1 = charge.version("1.0.0", accepts=ChargeCard, emits=CardCharged)
order = OrchestratorContract("order", uri="#/order")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=OrderPlaced)
request = charge_v1.request(ChargeCard(amount_cents=999), source="com.web.checkout")
order_request = order_v1.request(PlaceOrder(order_id="o"), source="com.web.checkout")
app = App(handlers=[Handler(charge)])

SECOND = timedelta(seconds=1)


async def publishes() -> None:
    await app.publish(request, deliver_at=SECOND)
    await app.publish(request, deliver_at=datetime.now(UTC))
    await app.publish(request, deliver_at=60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await app.publish(request, SECOND)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def asks(store: Store) -> None:
    assert_type(await enqueue(app, store, request, deliver_at=SECOND, priority=1), bool)
    assert_type(await resolve(app, store, request), Event[Any])
    charged = await resolve(app, store, request, expect=charge_v1, timeout=SECOND)
    assert_type(charged, Event[CardCharged | ServiceError])

    await enqueue(app, store, request, due=SECOND)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await resolve(app, store, request, timeout=5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await resolve(app, store, request, expect=charge)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await resolve(app, store, order_request, expect=charge_v1)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    await resolve(app, request)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


@app.schedule("0 * * * *")
def hourly(due: datetime) -> Event[ChargeCard]:
    assert_type(due.hour, int)
    return request


@app.schedule("0 6 * * *", name="every morning", timezone=ZoneInfo("Europe/Berlin"))
def each_morning(due: datetime) -> Sequence[Event[Any]]:
    assert_type(due, datetime)
    return [request, order_request]


assert_type(hourly(datetime.now(UTC)), Event[ChargeCard])
app.schedule("5 * * * *", each_morning, name="again")
app.schedule("10 * * * *", lambda _: request, name="often")


# what is not an event
@app.schedule("0 * * * *")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportUntypedFunctionDecorator]
def data_only(_: datetime) -> ChargeCard:
    return request.data


# a factory that cannot take the time
@app.schedule("0 * * * *")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportUntypedFunctionDecorator]
def timeless() -> Event[Any]:
    return request


app.schedule("0 * * * *", hourly, timezone="Europe/Berlin")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
