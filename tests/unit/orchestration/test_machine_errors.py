"""What a machine written in Python refuses: some where it is written, the rest when it is complete."""

# ruff: noqa: ARG005 - what a function does with its arguments is of no interest here

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field

from arvo.contracts import Payload, ServiceError, SimpleContract, services
from arvo.errors import DefinitionError
from arvo.orchestration import Machine, Orchestrator
from tests.unit.orchestration.machines import asking_all, begin, order_machine
from tests.unit.orchestration.orders import (
    CardCharged,
    OrderPlaced,
    OrderState,
    ReserveStock,
    StockReserved,
    charge_v1,
    order,
    order_services,
    order_v1,
    reserve_v1,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.orchestration.machines import OrderMachine


class SendMail(Payload):
    pass


class MailSent(Payload):
    pass


mail_v1 = SimpleContract("mail.send", uri="#/mail").version("1.0.0", accepts=SendMail, emits=MailSent)


def started() -> tuple[OrderMachine, Any]:
    """A machine with one state, and that state, untyped: what is tested here no type checker lets through."""
    machine = asking_all(order_machine())
    only = machine.state("only")
    machine.start(at=only)(begin)
    return machine, only


def started_without_start() -> tuple[Any, Any]:
    machine = order_machine()
    return machine, machine.state("only")


def refused(write: Callable[[], object]) -> str:
    with pytest.raises(DefinitionError) as caught:
        write()
    return str(caught.value)


# While it is written


async def waits(state: OrderState) -> None: ...


def takes_state(state: OrderState) -> None: ...


def takes_reply(state: OrderState, reply: StockReserved) -> None: ...


def does_nothing(*_: object) -> None: ...


class Waiting:
    async def __call__(self, state: OrderState) -> None: ...


def yields(state: OrderState) -> Any:
    yield state


REFUSED: list[tuple[Callable[[Any], object], str]] = [
    (lambda only: only.on(MailSent), "MailSent, which no service of it sends; it can take StockReserved"),
    (lambda only: only.on(ReserveStock), "ReserveStock, which no service of it sends"),
    (lambda only: only.on("evt.stock.reserve.success"), "'evt.stock.reserve.success', which no service"),
    (lambda only: only.on(StockReserved, of=charge_v1), "StockReserved, which #/services/card.charge/1.0.0 sends"),
    (lambda only: only.on(ServiceError, of=mail_v1), "none of its services: #/services/stock.reserve/1.0.0"),
    (lambda only: only.on(StockReserved)(takes_state), "cannot be called with (state, reply)"),
    (lambda only: only.enter(takes_reply), "cannot be called with (state)"),
    (lambda only: only.enter(waits), "'waits' of the machine for #/orchestrators/order/1.0.0 is async or yields"),
    (lambda only: only.exit(yields), "is async or yields"),
    (lambda only: only.exit(Waiting()), "is async or yields"),
    (lambda only: only.enter(ReserveStock(sku="s")), "which is no function"),
    (lambda only: only.always(when=True), "True, which is no function"),
    (lambda only: only.always(when=takes_reply), "cannot be called with (state)"),
    (lambda only: only.on(StockReserved, when=lambda: True), "cannot be called with (state, reply)"),
    (lambda only: only.on(StockReserved, when=waits), "is async or yields"),
    (lambda only: only.state("1st"), "cannot have a state named '1st'. Start with a letter"),
    (lambda only: [only.state("x"), only.state("x")], "has a state 'x' already"),
    (lambda only: only.state("x", final=True).state("y"), "is final, so there can be no states in it"),
    (lambda only: only.start(at=only), "cannot start at state 'only'"),
    (lambda only: only.start(at=only.history()), "cannot start at state 'only.history'"),
    (lambda only: only.parallel("p").start(at=only), "cannot start at"),
]


@pytest.mark.parametrize(("write", "problem"), REFUSED)
def test_what_cannot_work_is_refused_where_it_is_written(write: Callable[[Any], object], problem: str) -> None:
    _, only = started()
    assert problem in refused(lambda: write(only))


def test_a_function_that_does_not_say_what_it_takes_is_taken_at_its_word() -> None:
    machine, only = started()
    only.always(to=machine.state("next"), when=max)
    machine.check()


def test_parallel_states_all_start_together() -> None:
    machine, _ = started()
    both = machine.parallel("both")
    one = both.state("one")
    assert "its states all start together" in refused(lambda: both.start(at=one))


def test_states_and_signals_of_another_machine_are_refused() -> None:
    _, only = started()
    other, elsewhere = started()
    assert "cannot lead to state 'only'" in refused(lambda: only.on(StockReserved, to=elsewhere))
    assert "cannot lead to" in refused(lambda: only.history(default=elsewhere))
    assert "cannot start at" in refused(lambda: other.start(at=only))
    foreign = other.signal("ring")
    assert "Signal(name='ring'), which is of another machine" in refused(lambda: only.on_signal(foreign))


@pytest.mark.parametrize("name", ["ring", "not a name", ""])
def test_a_signal_needs_a_name_of_its_own(name: str) -> None:
    machine, _ = started()
    machine.signal("ring")
    assert f"cannot have the signal {name!r}" in refused(lambda: machine.signal(name))


def test_a_machine_has_one_start_and_each_end_one_output() -> None:
    machine, only = started()
    assert "has a start already" in refused(lambda: machine.start(at=only)(begin))
    other, elsewhere = started_without_start()
    assert "cannot be called with (request)" in refused(lambda: other.start(at=elsewhere)(lambda: None))
    end = machine.state("end")
    report = machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))
    assert "has an output already" in refused(lambda: machine.final(at=end)(report))
    assert "cannot end at state 'only.inner'" in refused(lambda: machine.final(at=only.state("inner"))(report))
    assert "cannot end at state 'only'" in refused(lambda: machine.final(at=only)(report))
    assert "cannot end at the machine" in refused(lambda: machine.final(at=machine.root)(report))


class Forgetful(BaseModel):
    value: int = Field(default=0, exclude=True)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Machine(charge_v1, state=OrderState), "A Machine needs a version of a workflow's contract"),
        (lambda: Machine(order, state=OrderState), "A Machine needs a version of a workflow's contract"),  # type: ignore[call-overload]
        (lambda: Machine(order_v1, state=dict), "is not a Pydantic model class"),  # type: ignore[type-var]
        (lambda: Machine(order_v1, state=Forgetful), "would not survive being kept as JSON"),
        (
            lambda: Machine(order_v1, state=ReserveStock, services=order_services),
            "State ReserveStock of #/orchestrators/order/1.0.0 is also what #/services/stock.reserve/1.0.0 accepts",
        ),
    ],
    ids=["not a workflow", "not a version", "not a model", "not JSON", "a call"],
)
def test_a_machine_that_cannot_work_is_refused(make: Callable[[], object], problem: str) -> None:
    assert problem in refused(make)


# When it is complete


def issues(machine: Machine[Any, Any, Any, Any, Any]) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(DefinitionError) as caught:
        machine.check()
    return {issue.path: issue.code for issue in caught.value.issues}


def test_everything_that_is_missing_is_named_at_once() -> None:
    machine = order_machine()
    machine.state("end", final=True)
    machine.parallel("nothing").on_done()
    outer = machine.state("outer")
    outer.state("over", final=True).on(StockReserved)
    machine.state("forgetful").history()
    machine.state("single").on_done()
    assert issues(machine) == {
        (): "missing_start",
        ("end",): "missing_output",
        ("nothing",): "never_done",
        ("outer", "over"): "final",
        ("forgetful",): "no_states",
        ("single",): "never_done",
    }


def test_nothing_follows_the_end_of_the_machine() -> None:
    machine, only = started()
    machine.root.on_done(to=only)
    assert issues(machine) == {(): "never_done"}


def test_a_final_state_that_takes_any_reply_is_an_error() -> None:
    machine, only = started()
    end = only.state("end", final=True)
    end.on_any(to=only)
    assert issues(machine) == {("only", "end"): "final"}


def test_a_machine_can_be_completed_after_it_was_refused() -> None:
    machine = order_machine()
    only = machine.state("only")
    only.on_any()
    assert issues(machine) == {(): "missing_start"}
    machine.start(at=only)(begin)
    machine.check()
    assert [len(group) for group in machine.definition.find("only").on.values()] == [1, 1, 1, 1, 1]


def test_errors_of_the_chart_name_the_state_where_they_stand() -> None:
    machine, only = started()
    one = only.state("one")
    two = only.state("two")
    only.on(StockReserved, to=[one, two])
    with pytest.raises(DefinitionError, match=r"only.StockReserved.target: #order.only.one and #order.only.two do not"):
        machine.check()


def test_a_complete_machine_takes_no_more() -> None:
    machine, only = started()
    transition = only.on(StockReserved)
    Orchestrator(order, [machine])
    late: list[Callable[[], object]] = [
        lambda: machine.state("late"),
        lambda: only.on(StockReserved),
        lambda: only.enter(does_nothing),
        lambda: transition(does_nothing),
        lambda: machine.signal("late"),
        lambda: only.start(at=only),
    ]
    for write in late:
        assert "is complete: it was checked, drawn or put into an Orchestrator" in refused(write)


def test_services_of_another_machine_do_not_matter() -> None:
    machine = Machine(order_v1, state=OrderState, services=services(reserve_v1))
    assert "it can take StockReserved, ServiceError" in refused(lambda: machine.root.on(CardCharged))  # type: ignore[arg-type]
