"""Timers that cannot be had, and records whose timers make no sense: each is refused, and says why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import Contract, Payload, services
from arvo.errors import (
    ConfigViolation,
    ContractViolation,
    DefinitionError,
    ExecutionViolation,
    InvalidEvent,
    TransactionViolation,
)
from arvo.handlers import Emit
from arvo.orchestration import Done, Resumable, Timeout, Wait
from tests.unit.orchestration.documents import document_machine, one_state
from tests.unit.orchestration.machines import Play, begin, order_machine
from tests.unit.orchestration.orders import (
    ChargeCard,
    OrderPlaced,
    OrderState,
    OrderTurn,
    PlaceOrder,
    ReserveStock,
    bound,
    order,
    order_v1,
    record_of,
    request,
)
from tests.unit.orchestration.timing import MINUTE, TimedAnswer, TimedTurn, elapsed, timed

# What a function asks for.


ASKING: dict[str, Any] = {
    "wake_after": Wait(wake_after=MINUTE),
    "a deadline": Wait(calls=[Emit(ReserveStock(sku="x"), deadline=MINUTE)]),
}
ENDING: dict[str, Any] = {
    "output": Done(Emit(OrderPlaced(charge_id="c"), deadline=MINUTE)),
    "call": Done(OrderPlaced(charge_id="c"), calls=[Emit(ChargeCard(amount_cents=1), deadline=MINUTE)]),
}


@pytest.mark.parametrize("what", ASKING)
async def test_a_function_that_takes_no_timeouts_cannot_ask_for_one(what: str) -> None:
    async def function(_: OrderTurn) -> Any:
        return ASKING[what]

    with pytest.raises(ContractViolation, match=rf"asked for a Timeout by {what}, .* \.on\(\.\.\., timeouts=True\)"):
        await bound(function).execute(request())


@pytest.mark.parametrize("what", ENDING)
async def test_nothing_at_the_end_can_have_a_deadline(what: str) -> None:
    async def function(_: TimedTurn) -> Any:
        return ENDING[what]

    with pytest.raises(
        ContractViolation, match="with a deadline, which only calls in the Wait of a Resumable can have"
    ):
        await timed(function).execute(request())


@pytest.mark.parametrize("after", [timedelta(-1), timedelta.max, 60, "1h"], ids=str)
@pytest.mark.parametrize("is_deadline", [True, False], ids=["deadline", "wake"])
async def test_a_time_that_is_none_is_refused(after: Any, *, is_deadline: bool) -> None:
    async def function(_: TimedTurn) -> TimedAnswer:
        if is_deadline:
            return Wait(calls=[Emit(ReserveStock(sku="x"), deadline=after)])
        return Wait(wake_after=after)

    with pytest.raises(ExecutionViolation, match=r"set its timer '(wake|deadline:.+)' to .*, which is no time"):
        await timed(function).execute(request())


async def test_an_event_cannot_be_held_back_for_less_than_no_time() -> None:
    async def function(_: OrderTurn) -> Any:
        return Wait(calls=[Emit(ReserveStock(sku="x"), deliver_after=timedelta(-1))])

    with pytest.raises(InvalidEvent, match="not a timedelta between zero and a hundred years"):
        await bound(function).execute(request())


async def test_a_workflow_can_have_a_thousand_timers_and_no_more() -> None:
    async def function(turn: TimedTurn) -> TimedAnswer:
        assert isinstance(turn.event.data, PlaceOrder)
        count = turn.event.data.amount_cents
        return Wait(calls=[Emit(ReserveStock(sku="x"), deadline=MINUTE) for _ in range(count)])

    assert len(await timed(function).execute(request(amount_cents=1000))) == 2000
    with pytest.raises(ExecutionViolation, match=r"asked for 1,001 timers, but can have 1,000"):
        await timed(function).execute(request(amount_cents=1001))


def test_a_service_cannot_send_what_timers_send() -> None:
    class Ring(Payload, event_type="arvo.timer.elapsed"):
        pass

    bell_v1 = Contract(uri="#/services/bell", type="com.bell.ring").version("1.0.0", accepts=Payload, emits=Ring)
    with pytest.raises(DefinitionError, match=r"'arvo\.timer\.elapsed', the type of a workflow's own timers"):
        Resumable(order).on(order_v1, state=OrderState, services=services(bell_v1))


# What comes back.


async def _waiting(turn: TimedTurn) -> TimedAnswer:
    return Wait(wake_after=MINUTE) if isinstance(turn.event.data, PlaceOrder) else Wait()


async def test_a_version_that_no_longer_takes_timeouts_does_not_lose_them() -> None:
    async def function(_: OrderTurn) -> Any:
        raise AssertionError("it could not take this")

    before = timed(_waiting)
    (timer,) = await before.execute(request())
    with pytest.raises(ConfigViolation, match="Put timeouts=True back"):
        await bound(function, memory=before.memory).execute(elapsed(timer))


@pytest.mark.parametrize("dataschema", ["#/arvo/timer.elapsed/2.0.0", None])
async def test_a_timeout_of_another_time_is_refused(dataschema: str | None) -> None:
    workflow = timed(_waiting)
    (timer,) = await workflow.execute(request())
    with pytest.raises(ContractViolation, match="cannot be read: dataschema"):
        await workflow.execute(elapsed(timer).replace(dataschema=dataschema))


async def test_a_timeout_with_broken_data_is_refused() -> None:
    workflow = timed(_waiting)
    (timer,) = await workflow.execute(request())
    with pytest.raises(ContractViolation, match="does not fit Timeout: timer: Field required"):
        await workflow.execute(elapsed(timer).with_data({"callId": None}))


@pytest.mark.parametrize(
    ("timers", "problem"),
    [
        (None, "Expected `object`"),
        (["wake"], "Expected `object`"),
        ({"wake": 5}, "Expected `str`"),
        ({"wake": None}, "Expected `str`"),
        ({f"t{number}": "id" for number in range(5000)}, "Expected `object` of length <= 1000"),
    ],
    ids=["null", "list", "number", "null_id", "too_many"],
)
async def test_a_record_with_impossible_timers_is_no_record(timers: Any, problem: str) -> None:
    memory = InMemoryMachineMemory()
    workflow = timed(_waiting, memory=memory)
    (timer,) = await workflow.execute(request())
    record = dict(await record_of(workflow, timer))
    await memory.write(timer.subject, {**record, "timers": timers}, record)
    with pytest.raises(TransactionViolation, match=f"is not that of a workflow: {problem}") as caught:
        await workflow.execute(elapsed(timer))
    assert caught.value.cause == "READ_FAILURE"


def test_the_words_of_a_timeout_are_its_wire_names() -> None:
    timeout = Timeout(timer="deadline:c1", call_id="c1", call_type="com.card.charge")
    assert timeout.model_dump() == {"timer": "deadline:c1", "callId": "c1", "callType": "com.card.charge"}


# Machines.


async def test_the_calls_of_a_machine_cannot_have_a_deadline() -> None:
    machine = order_machine()
    asking = machine.state("asking")
    machine.start(at=asking)(begin)
    asking.enter(lambda _: Emit(ReserveStock(sku="x"), deadline=MINUTE))
    with pytest.raises(ContractViolation, match=r"statecharts wait with state\.after"):
        await Play(machine).start()


@pytest.mark.parametrize("delay", [timedelta(-1), timedelta.max, 60, None], ids=str)
def test_a_state_cannot_wait_for_what_is_no_time(delay: Any) -> None:
    machine = order_machine()
    with pytest.raises(DefinitionError, match=r"told to wait for .* at 'waiting\.after'"):
        machine.state("waiting").after(delay)


def test_a_delay_that_needs_a_reply_is_refused() -> None:
    def patience(_state: OrderState, _reply: Payload) -> timedelta:
        return MINUTE

    wrong: Any = patience
    with pytest.raises(DefinitionError, match=r"Delay 'patience' .* cannot be called with \(state\)"):
        order_machine().state("waiting").after(wrong)


async def test_a_delay_worked_out_wrongly_is_refused_by_its_name() -> None:
    machine = order_machine()
    waiting = machine.state("waiting")
    machine.start(at=waiting)(begin)
    waiting.after(lambda state: timedelta(seconds=-state.amount_cents))
    with pytest.raises(ExecutionViolation, match=r"set its timer 'xstate\.after\.waiting\.after\.order\.waiting' to"):
        await Play(machine).start()


async def test_a_delay_that_raises_ends_the_workflow_and_is_named() -> None:
    def patience(state: OrderState) -> timedelta:
        raise LookupError(state.sku)

    machine = order_machine()
    waiting = machine.state("waiting")
    machine.start(at=waiting)(begin)
    waiting.after(patience)
    play = Play(machine)
    (error,) = await play.start()
    assert "Raised by the delay 'patience' in statechart 'order'." in str(error.model_dump()["errorStack"])


def test_nothing_leads_out_of_a_final_state_not_even_time() -> None:
    machine = order_machine()
    machine.start(at=machine.state("first"))(begin)
    ended = machine.state("ended")
    machine.final(at=ended)(lambda _: OrderPlaced(charge_id="c"))
    ended.after(MINUTE)
    with pytest.raises(DefinitionError, match="it is final, so nothing leads out of it"):
        machine.check()


@pytest.mark.parametrize(
    ("delays", "path"),
    [({}, ("states", "only", "after", "soon")), ({"soon": 1000}, ("delays", "soon"))],
    ids=["missing", "number"],
)
def test_delays_of_documents_are_given_as_times(delays: Any, path: tuple[str, ...]) -> None:
    with pytest.raises(DefinitionError) as caught:
        document_machine(one_state(after={"soon": "only"}), delays=delays)
    assert [issue.path for issue in caught.value.issues] == [path]


def test_a_document_cannot_wait_for_centuries() -> None:
    with pytest.raises(DefinitionError, match="nobody can wait for 1157407 days") as caught:
        document_machine(one_state(after={"100000000000000": "only"}))
    assert [issue.path for issue in caught.value.issues] == [("#one.only", "after", "100000000000000")]
