"""How replies are collected: under the call they answer, each once, in order of arrival, over all rounds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import OrchestratorContract, Payload, ServiceError, services
from arvo.errors import ExecutionViolation, TransactionViolation
from arvo.orchestration import BoundWorkflow, Done, Ignored, Outcome, Resumable, Turn, Wait
from tests.unit.orchestration.orders import (
    CardCharged,
    ChargeCard,
    OrderAnswer,
    OrderPlaced,
    OrderState,
    OrderTurn,
    PlaceOrder,
    ReserveStock,
    StockReserved,
    bound,
    charged,
    record_of,
    request,
    reserve_v1,
    reserved,
)

if TYPE_CHECKING:
    from arvo.events import Event


class Gather(Payload):
    count: int


class Gathered(Payload):
    holds: list[str]
    arrived: list[str]


class GatherState(BaseModel):
    count: int
    turns: int = 0


gather = OrchestratorContract("gather", uri="#/orchestrators/gather")
gather_v1 = gather.version("1.0.0", accepts=Gather, emits=Gathered)
gathering = Resumable(gather)


@gathering.on(gather_v1, state=GatherState, services=services(reserve_v1))
async def gather_all(
    turn: Turn[Gather | StockReserved | ServiceError, GatherState],
) -> Wait[GatherState, ReserveStock] | Done[Gathered, GatherState]:
    """Fan out, and end when as many replies are there as calls went out."""
    if isinstance(turn.event.data, Gather):
        count = turn.event.data.count
        return Wait(GatherState(count=count), [ReserveStock(sku=str(number)) for number in range(count)])
    assert turn.state is not None
    state = turn.state.model_copy(update={"turns": turn.state.turns + 1})
    holds = [reply.data.hold_id for reply in turn.replies(StockReserved)]
    if len(holds) < state.count:
        return Wait(state)
    return Done(Gathered(holds=sorted(holds), arrived=holds), state)


async def fan_out(count: int, memory: InMemoryMachineMemory) -> tuple[BoundWorkflow, list[Event[Any]]]:
    """A started workflow, and the replies to all of its calls."""
    workflow = gathering.bind(memory)
    calls = await workflow.execute(gather_v1.request(Gather(count=count), source="com.web.shop"))
    return workflow, [reserved(call, f"hold-{position}") for position, call in enumerate(calls)]


async def test_replies_are_given_oldest_first() -> None:
    workflow, replies = await fan_out(3, InMemoryMachineMemory())
    await workflow.execute(replies[2])
    await workflow.execute(replies[0])
    (done,) = await workflow.execute(replies[1])
    assert done.data.arrived == ["hold-2", "hold-0", "hold-1"]


@given(order=st.permutations(range(5)), repeated=st.lists(st.integers(0, 4), max_size=5))
def test_no_order_and_no_repetition_of_replies_changes_the_output(order: list[int], repeated: list[int]) -> None:
    async def play() -> None:
        workflow, replies = await fan_out(5, InMemoryMachineMemory())
        outputs: list[Event[Any]] = []
        for position in order:
            outputs += await workflow.execute(replies[position])
            for again in repeated:
                if again in order[: order.index(position) + 1]:
                    assert await workflow.execute(replies[again]) == []
        (done,) = outputs
        assert done.data.holds == [f"hold-{number}" for number in range(5)]
        assert (await record_of(workflow, replies[0]))["state$$"] == {"count": 5, "turns": 5}

    asyncio.run(play())


async def test_concurrent_replies_are_each_collected_once() -> None:
    workflow, replies = await fan_out(32, InMemoryMachineMemory())
    outputs = [event for events in await asyncio.gather(*map(_delivered(workflow), replies)) for event in events]
    (done,) = outputs
    assert done.data.holds == sorted(f"hold-{number}" for number in range(32))
    assert (await record_of(workflow, replies[0]))["state$$"] == {"count": 32, "turns": 32}


async def test_concurrent_replies_are_each_collected_once_without_locks() -> None:
    memory = InMemoryMachineMemory()
    _, replies = await fan_out(32, memory)
    workflow = gathering.bind(_Slow(memory), lock=False)
    outputs = [event for events in await asyncio.gather(*map(_delivered(workflow), replies)) for event in events]
    (done,) = outputs
    assert done.data.holds == sorted(f"hold-{number}" for number in range(32))
    assert (await record_of(workflow, replies[0]))["state$$"] == {"count": 32, "turns": 32}


async def test_a_redelivered_request_is_ignored_once_the_workflow_started() -> None:
    workflow = bound()
    start = request()
    (call,) = await workflow.execute(start)
    await workflow.execute(reserved(call))
    before = await record_of(workflow, start)
    assert await workflow.run(start) == Outcome(ignored=Ignored.DUPLICATE)
    assert await record_of(workflow, start) == before


async def test_a_reply_of_an_earlier_round_is_known_again() -> None:
    workflow = bound()
    (reserve,) = await workflow.execute(request())
    first = reserved(reserve)
    (charge,) = await workflow.execute(first)
    assert await workflow.run(first) == Outcome(ignored=Ignored.DUPLICATE)
    (done,) = await workflow.execute(charged(charge))
    assert done.type == "arvo.orc.order.done"


async def test_new_calls_leave_pending_ones_and_old_replies_in_place() -> None:
    """The reply that leads to a further call is still there when the rest has come."""

    async def function(turn: OrderTurn) -> OrderAnswer:
        match turn.event.data:
            case PlaceOrder():
                return Wait(calls=[ReserveStock(sku="a"), ReserveStock(sku="b")])
            case StockReserved() if len(turn.replies(StockReserved)) == 1:
                return Wait(calls=[ChargeCard(amount_cents=1)])
            case _ if len(turn.replies(StockReserved)) == 2 and turn.replies(CardCharged):
                return Done(
                    OrderPlaced(charge_id=" ".join(reply.data.hold_id for reply in turn.replies(StockReserved)))
                )
            case _:
                return Wait()

    workflow = bound(function)
    first, second = await workflow.execute(request())
    (charge,) = await workflow.execute(reserved(first, "h-a"))
    assert await workflow.execute(charged(charge)) == []
    (done,) = await workflow.execute(reserved(second, "h-b"))
    assert done.data == OrderPlaced(charge_id="h-a h-b")


async def test_several_replies_to_one_call_are_all_collected() -> None:
    seen: list[int] = []

    async def function(turn: OrderTurn) -> OrderAnswer:
        seen.append(len(turn.collected))
        return Wait(calls=[ReserveStock(sku="a")]) if isinstance(turn.event.data, PlaceOrder) else Wait()

    workflow = bound(function)
    (call,) = await workflow.execute(request())
    for position in range(3):
        await workflow.execute(reserve_v1.reply(StockReserved(hold_id="h"), to=call, position=position))
    assert seen == [0, 1, 2, 3]


async def test_an_event_that_answers_no_call_wakes_the_workflow_but_is_not_collected() -> None:
    seen: list[tuple[str, int]] = []

    async def function(turn: OrderTurn) -> OrderAnswer:
        seen.append((turn.event.id, len(turn.collected)))
        return Wait(calls=[ReserveStock(sku="a")]) if isinstance(turn.event.data, PlaceOrder) else Wait()

    workflow = bound(function)
    start = request(id="start")
    (call,) = await workflow.execute(start)
    await workflow.execute(reserved(call).replace(id="stray", parentid="nobody"))
    await workflow.execute(reserved(call).replace(id="orphan", parentid=None))
    assert seen == [("start", 0), ("stray", 0), ("orphan", 0)]


async def test_equal_ids_of_different_sources_are_different_events() -> None:
    workflow, replies = await fan_out(2, InMemoryMachineMemory())
    await workflow.execute(replies[0].replace(id="1"))
    (done,) = await workflow.execute(replies[1].replace(id="1", source="com.other.stock"))
    assert done.data.holds == ["hold-0", "hold-1"]


async def test_a_reply_that_a_violation_sent_back_is_collected_once() -> None:
    attempts: list[int] = []

    async def function(turn: OrderTurn) -> OrderAnswer:
        if isinstance(turn.event.data, PlaceOrder):
            return Wait(OrderState(sku="s", amount_cents=0), [ReserveStock(sku="a"), ReserveStock(sku="b")])
        attempts.append(len(turn.replies(StockReserved)))
        if len(attempts) == 1:
            assert turn.state is not None
            turn.state.amount_cents = 99  # a change of a copy, which the violation must leave without effect
            raise ExecutionViolation("not now")
        return Wait()

    workflow = bound(function)
    first, _ = await workflow.execute(request())
    before = await record_of(workflow, first)
    reply = reserved(first)
    for _ in range(2):
        try:
            await workflow.execute(reply)
        except ExecutionViolation:
            assert await record_of(workflow, first) == before
    assert attempts == [1, 1]
    assert (await record_of(workflow, first))["state$$"]["amount_cents"] == 0


async def test_collected_replies_are_a_sequence() -> None:
    async def function(turn: OrderTurn) -> OrderAnswer:
        if isinstance(turn.event.data, PlaceOrder):
            return Wait(calls=[ReserveStock(sku="a"), ReserveStock(sku="b")])
        if len(turn.collected) == 2:
            assert turn.collected[-1] == turn.event
            assert [event.id for event in turn.collected[:1]] == [first_reply.id]
            return Done(OrderPlaced(charge_id=turn.collected[0].data.hold_id))
        return Wait()

    workflow = bound(function)
    first, second = await workflow.execute(request())
    first_reply = reserved(first, "h-1")
    await workflow.execute(first_reply)
    (done,) = await workflow.execute(reserved(second, "h-2"))
    assert done.data == OrderPlaced(charge_id="h-1")


def _delivered(workflow: BoundWorkflow) -> Any:
    """Delivers like a broker: again and again, until no violation comes back."""

    async def deliver(event: Event[Any]) -> list[Event[Any]]:
        for _ in range(500):
            try:
                return await workflow.execute(event)
            except TransactionViolation:
                await asyncio.sleep(0)
        raise AssertionError("never taken")

    return deliver


class _Slow(InMemoryMachineMemory):
    """Lets other tasks in between reading and writing."""

    def __init__(self, memory: InMemoryMachineMemory) -> None:
        super().__init__()
        self._memory = memory

    async def read(self, id: str) -> dict[str, Any] | None:
        await asyncio.sleep(0)
        return await self._memory.read(id)

    async def write(self, id: str, data: Any, previous: Any) -> None:
        await asyncio.sleep(0)
        await self._memory.write(id, data, previous)
