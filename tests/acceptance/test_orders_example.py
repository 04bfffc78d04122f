"""The example order system, as its readers would try it: every kind of order ends as it should, and exactly once.

Its order workflow is written twice, as a resumable and as a statechart; from outside nobody can tell which one runs.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.backends.sqlite import SqliteMachineMemory
from examples.orders import app as with_resumable
from examples.orders import app_machine as with_machine
from examples.orders import make_orders
from examples.orders.card import ChargeCard, charge_v1
from examples.orders.order import OrderFailed, OrderPlaced, PlaceOrder, order_v1

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from arvo import App, Event
    from arvo.ports import MachineMemory
    from arvo.runtime import Observation

SHOP = "com.web.checkout"
ORDERS = Path(make_orders.__file__).with_name("orders.jsonl")

_observed: list[Observation] = []
for each in (with_resumable, with_machine):
    each.app.on_event(_observed.append)


@pytest.fixture(params=[with_resumable, with_machine], ids=["resumable", "machine"])
def app(request: pytest.FixtureRequest) -> App:
    """The example, with its order workflow as one or the other."""
    found: App = request.param.app
    return found


@pytest.fixture
def observed() -> list[Observation]:
    """What the handlers of the example do during the test."""
    _observed.clear()
    return _observed


@pytest.fixture(params=["memory", "sqlite"])
async def memory(request: pytest.FixtureRequest, app: App, tmp_path: Path) -> AsyncGenerator[MachineMemory]:
    """An empty machine memory that the example uses."""
    if request.param == "memory":
        kept: MachineMemory = InMemoryMachineMemory()
        app.bind(kept)
        yield kept
        return
    async with SqliteMachineMemory(tmp_path / "orders.db") as stored:
        app.bind(stored)
        yield stored


def an_order(**changes: Any) -> PlaceOrder:
    ordinary = PlaceOrder(
        order_id="order-1",
        sku="lamp",
        quantity=1,
        amount_cents=4_900,
        currency="EUR",
        card="4111-1111",
        country="DE",
    )
    return PlaceOrder.model_validate({**ordinary.model_dump(), **changes})


async def placed(app: App, order: PlaceOrder) -> OrderPlaced | OrderFailed:
    answer = await app.resolve(order_v1.request(order, source=SHOP), expect=order_v1)
    assert isinstance(answer.data, OrderPlaced | OrderFailed)
    return answer.data


def handled(observed: list[Observation]) -> Counter[str]:
    return Counter(seen.handler for seen in observed)


@pytest.mark.usefixtures("memory")
async def test_an_ordinary_order_is_charged_reserved_and_shipped_in_one_parcel(
    app: App, observed: list[Observation]
) -> None:
    outcome = await placed(app, an_order())
    assert isinstance(outcome, OrderPlaced)
    assert len(outcome.tracking) == 1
    assert outcome.tracking[0].startswith("LEJ-")
    assert handled(observed) >= Counter({"com.card.charge": 1, "com.stock.reserve": 1, "com.parcel.book": 1})
    assert not handled(observed) & Counter({"com.stock.release": 1, "com.card.refund": 1, "sink of human.approval": 1})


@pytest.mark.usefixtures("memory")
async def test_a_large_order_is_shipped_in_parcels_of_ten(app: App, observed: list[Observation]) -> None:
    outcome = await placed(app, an_order(sku="cable", quantity=25, amount_cents=22_500))
    assert isinstance(outcome, OrderPlaced)
    assert len(set(outcome.tracking)) == 3
    assert handled(observed)["com.parcel.book"] == 3


@pytest.mark.usefixtures("memory")
async def test_an_expensive_order_waits_for_a_yes_before_anything_is_bought(
    app: App, observed: list[Observation]
) -> None:
    outcome = await placed(app, an_order(sku="desk", quantity=4, amount_cents=159_600))
    assert isinstance(outcome, OrderPlaced)
    assert [seen.handler for seen in observed[:4]] == [
        "arvo.orc.order",
        "sink of human.approval",
        "arvo.orc.order",
        "com.stock.reserve",
    ]


@pytest.mark.usefixtures("memory")
async def test_a_rejected_order_fails_and_nothing_was_bought(app: App, observed: list[Observation]) -> None:
    outcome = await placed(app, an_order(sku="desk", quantity=20, amount_cents=798_000))
    assert outcome == OrderFailed(reason="mara said no: too much for one order")
    assert handled(observed) == {"arvo.orc.order": 2, "sink of human.approval": 1}


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    ("changes", "reason", "undone"),
    [
        ({"card": "4000-0000"}, "card declined: insufficient funds", {"com.stock.release": 1}),
        ({"currency": "JPY"}, "card declined: currency JPY is not accepted", {"com.stock.release": 1}),
        ({"sku": "cable", "quantity": 60}, "cable is out of stock", {"com.card.refund": 1}),
        (
            {"country": "AQ"},
            "nothing can be sent to AQ, the carrier broke down with KeyError: 'AQ'",
            {"com.stock.release": 1, "com.card.refund": 1},
        ),
        ({"sku": "cable", "quantity": 60, "card": "4000-0000"}, None, {}),
    ],
    ids=["declined", "currency", "out of stock", "carrier", "both"],
)
async def test_an_order_that_fails_undoes_what_was_done_and_nothing_else(
    app: App, observed: list[Observation], changes: dict[str, Any], reason: str | None, undone: dict[str, int]
) -> None:
    outcome = await placed(app, an_order(**changes))
    assert isinstance(outcome, OrderFailed)
    assert reason in (None, outcome.reason)
    compensations = {"com.stock.release", "com.card.refund"}
    assert {name: count for name, count in handled(observed).items() if name in compensations} == undone


async def test_the_first_version_of_the_card_service_takes_no_currency(app: App) -> None:
    answer = await app.resolve(
        charge_v1.request(ChargeCard(card="4111-1111", amount_cents=100), source=SHOP), expect=charge_v1
    )
    assert answer.type == "evt.card.charge.success"


async def test_two_hundred_orders_each_end_exactly_once_and_again_not_at_all(
    app: App, memory: MachineMemory, observed: list[Observation]
) -> None:
    lines = [json.loads(line) for line in ORDERS.read_text(encoding="utf-8").splitlines()]
    orders = [order_v1.request(PlaceOrder.model_validate(line["data"]), source=SHOP, id=line["id"]) for line in lines]
    async with app:
        answers = await asyncio.gather(*(app.resolve(order) for order in orders))
    assert [answer.parentid for answer in answers] == [order.id for order in orders]
    assert ends(observed) == Counter(order.id for order in orders)
    assert app.dead_letters == ()
    for order in orders:
        record = await memory.read(order.subject)
        assert record is not None
        assert record["status"] == "done"

    observed.clear()
    async with app:
        for order in orders:
            await app.publish(order)
    assert ends(observed) == Counter()
    assert handled(observed) == {"arvo.orc.order": 200}


def ends(observed: list[Observation]) -> Counter[str | None]:
    """How often each order was answered, by the id of its request."""
    outputs: list[Event[Any]] = [output for seen in observed for output in seen.outputs]
    return Counter(output.parentid for output in outputs if output.to == SHOP)


def test_the_orders_of_the_demo_are_those_that_its_script_writes(capsys: pytest.CaptureFixture[str]) -> None:
    make_orders.main()
    assert capsys.readouterr().out == ORDERS.read_text(encoding="utf-8")
