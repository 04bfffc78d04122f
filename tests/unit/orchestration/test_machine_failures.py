"""What becomes of an event when a function of a machine written in Python misbehaves."""

# ruff: noqa: ARG001, ARG005 - what a function does with its arguments is of no interest here

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field

from arvo.contracts import Payload, ServiceError
from arvo.errors import ContractViolation, EndlessLoop
from arvo.orchestration import Machine
from tests.unit.orchestration.machines import Play, asking_all, begin, order_machine
from tests.unit.orchestration.orders import (
    OrderState,
    PlaceOrder,
    ReserveStock,
    StockReserved,
    order_services,
    order_v1,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class SendMail(Payload):
    pass


class Counted(BaseModel):
    count: int = Field(default=0, ge=0)

    @cached_property
    def double(self) -> int:
        return self.count * 2


def counting(action: Callable[[Counted], object]) -> Machine[Any, Any, Any, Any, Any]:
    machine: Machine[Any, Any, Counted, Any, Any] = Machine(order_v1, state=Counted, services=order_services)
    only = machine.state("only")
    machine.start(at=only)(lambda _: Counted())
    only.enter(action)
    return machine


WRONG: list[tuple[Callable[[Counted], object], str]] = [
    (lambda state: "done", "'only.enter' of the machine for #/orchestrators/order/1.0.0 returned 'done'"),
    (lambda state: [state, 5], "returned 5. Return a new Counted, a payload that a service accepts"),
    (lambda state: order_machine().signal("ring"), "returned Signal(name='ring')"),
    (lambda state: [Counted(count=1), Counted(count=2)], "returned two states"),
    (lambda state: state.model_copy(update={"count": -1}), "count: Input should be greater than or equal to 0"),
    (lambda state: state.model_copy(update={"count": object()}), "Unable to serialize unknown type"),
    (lambda state: state.model_copy(update={"cuont": 1}), "cuont: Counted has no such field"),
    (lambda state: SendMail(), "called SendMail, which none of its services accepts"),
]


@pytest.mark.parametrize(
    ("action", "problem"),
    WRONG,
    ids=["text", "number", "foreign signal", "two states", "invalid", "not JSON", "no field", "no service"],
)
async def test_what_an_action_may_not_return_leaves_everything_as_it_was(
    action: Callable[[Counted], object], problem: str
) -> None:
    play = Play(counting(action))
    with pytest.raises(ContractViolation) as caught:
        await play.start()
    assert problem in str(caught.value)
    assert await play.workflow.memory.read(play.request.subject) is None


async def test_a_cached_property_is_no_foreign_field() -> None:
    def use(state: Counted) -> Counted:
        changed = state.model_copy(update={"count": 2})
        assert changed.double == 4
        return changed

    play = Play(counting(use))
    await play.start()
    assert (await play.record())["state"]["context"] == {"count": 2}


async def test_a_start_that_makes_no_state_is_a_violation() -> None:
    machine = order_machine()

    def makes_nothing(request: PlaceOrder) -> Any:
        return None

    machine.start(at=machine.state("only"))(makes_nothing)
    with pytest.raises(ContractViolation, match=r"The start of the machine .* returned None, which is no OrderState"):
        await Play(machine).start()


async def test_an_exception_in_a_function_ends_the_workflow_with_a_system_error() -> None:
    machine = asking_all(order_machine())
    only = machine.state("only")
    machine.start(at=only)(begin)

    @only.on(StockReserved)
    def breaks(state: OrderState, reply: StockReserved) -> None:
        raise ZeroDivisionError(reply.hold_id)

    play = Play(machine)
    await play.start()
    (error,) = await play.reply(StockReserved(hold_id="h"))
    assert isinstance(error, ServiceError)
    assert (error.error_name, error.error_message) == ("ZeroDivisionError", "h")
    assert "Raised by the action 'breaks' in statechart 'order'." in (error.error_stack or "")
    assert (await play.record())["executionStatus"] == "failure"


async def test_a_machine_that_never_settles_is_cut() -> None:
    machine = order_machine()
    only = machine.state("only")
    machine.start(at=only)(begin)
    only.always(to=(other := machine.state("other")))
    other.always(to=only)
    (error,) = await Play(machine).start()
    assert isinstance(error, ServiceError)
    assert error.error_name == EndlessLoop.__name__
    assert "#order.only -> #order.other" in error.error_message


async def test_a_state_that_no_longer_fits_its_class_is_a_violation() -> None:
    play = Play(counting(lambda state: ReserveStock(sku="s")))
    await play.start()
    record = await play.record()
    await play.workflow.memory.write(
        play.request.subject, {**record, "state": {**record["state"], "context": {"count": "many"}}}, record
    )
    with pytest.raises(ContractViolation, match=r"does not fit Counted: .*count"):
        await play.reply(StockReserved(hold_id="h"))
