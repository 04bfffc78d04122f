"""The author's state as it goes into the record and comes back, also after its class has changed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal  # noqa: TC003  # Pydantic reads it
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, RootModel, computed_field
from pydantic.alias_generators import to_camel

from arvo.errors import ContractViolation
from arvo.orchestration import Wait
from arvo.orchestration.state import dump_state, load_state
from tests.unit.orchestration.memories import FaultyMemory
from tests.unit.orchestration.orders import (
    OrderAnswer,
    OrderPlaced,
    OrderState,
    OrderTurn,
    ReserveStock,
    advance,
    bound,
    record_of,
    request,
    reserved,
)


class Priority(Enum):
    HIGH = "high"
    LOW = "low"


class Line(BaseModel):
    sku: str
    price: Decimal


class Basket(BaseModel):
    """Strict, so that only its JSON form, read as JSON, fits it again."""

    model_config = ConfigDict(strict=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")

    opened_at: datetime
    due: date | None = None
    priority: Priority = Priority.LOW
    order_lines: tuple[Line, ...] = ()
    tags: frozenset[str] = frozenset()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def size(self) -> int:
        return len(self.order_lines)


prices = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9)
baskets = st.builds(
    Basket,
    openedAt=st.datetimes(timezones=st.just(UTC)),
    due=st.none() | st.dates(),
    priority=st.sampled_from(Priority),
    orderLines=st.lists(st.builds(Line, sku=st.text(), price=prices), max_size=3).map(tuple),
    tags=st.frozensets(st.text(st.characters(codec="utf-8")), max_size=3),
)


@given(baskets)
def test_a_state_comes_back_from_the_record_as_it_was(basket: Basket) -> None:
    assert load_state(Basket, dump_state(basket), workflow="w") == basket


def test_a_state_is_kept_under_its_aliases() -> None:
    kept = dump_state(Basket(opened_at=datetime(2026, 1, 2, tzinfo=UTC)))
    assert kept == {"openedAt": "2026-01-02T00:00:00Z", "due": None, "priority": "low", "orderLines": [], "tags": []}


def test_a_state_may_be_any_json() -> None:
    assert load_state(RootModel[Any], dump_state(RootModel[Any]([1, None])), workflow="w").root == [1, None]


async def test_a_stored_state_that_no_longer_fits_names_the_field_and_stays() -> None:
    memory = FaultyMemory()
    workflow = bound(memory=memory)
    (call,) = await workflow.execute(request())
    stored = await record_of(workflow, call)
    old = {**stored, "state$$": {"sku": "shoe", "price": 5}}
    await memory.write(call.subject, old, stored)
    with pytest.raises(ContractViolation, match=r"does not fit OrderState: state\$\$\.amount_cents") as caught:
        await workflow.execute(reserved(call))
    assert [issue.path for issue in caught.value.issues] == [("state$$", "amount_cents")]
    assert await memory.read(call.subject) == old


async def test_a_state_of_another_class_is_a_contract_violation() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Wait(OrderPlaced(charge_id="c"))  # type: ignore[arg-type]  # pyright: ignore[reportReturnType]

    with pytest.raises(ContractViolation, match="a OrderPlaced as its state, but its state is OrderState"):
        await bound(function).execute(request())


async def test_a_state_that_json_cannot_hold_is_a_contract_violation() -> None:
    async def function(_: OrderTurn) -> OrderAnswer:
        return Wait(OrderState(sku="\ud800", amount_cents=1), [ReserveStock(sku="x")])

    memory = FaultyMemory()
    with pytest.raises(ContractViolation, match="cannot be saved") as caught:
        await bound(function, memory=memory).execute(request())
    assert [issue.path for issue in caught.value.issues] == [("state$$", "sku")]
    assert memory.operations == ["lock", "read", "unlock"]


async def test_a_turn_has_a_copy_of_the_state() -> None:
    async def function(turn: OrderTurn) -> OrderAnswer:
        if turn.state is not None:
            turn.state.sku = "changed"
            return Wait()
        return await advance(turn)

    workflow = bound(function)
    (call,) = await workflow.execute(request())
    await workflow.execute(reserved(call))
    assert (await record_of(workflow, call))["state$$"]["sku"] == "shoe"
