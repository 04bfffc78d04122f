"""Laws of timers, tried on workflows that ask for any of them, in any order of events, each of which may come twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from arvo.backends.memory import InMemoryMachineMemory
from arvo.events import Event, new_event_id
from arvo.handlers import Emit
from arvo.orchestration import BoundWorkflow, Done, Ignored, Timeout, Wait, wanted_timers
from tests.unit.orchestration.documents import document_machine, orchestrated, returning
from tests.unit.orchestration.orders import (
    OrderPlaced,
    OrderState,
    ReserveStock,
    StockReserved,
    request,
    reserve_v1,
)
from tests.unit.orchestration.timing import MINUTE, TimedAnswer, TimedTurn, elapsed, timed


@dataclass(frozen=True)
class Plan:
    """What a turn answers: a call for each item, with a deadline where it is true."""

    calls: list[bool]
    wakes: bool
    is_last: bool


def planned(plans: list[Plan]) -> BoundWorkflow:
    """A workflow that follows plans, turn by turn, and the last of them for ever."""

    async def function(turn: TimedTurn) -> TimedAnswer:
        number = 0 if turn.state is None else turn.state.amount_cents
        plan = plans[min(number, len(plans) - 1)]
        calls = [
            Emit(ReserveStock(sku="x"), deadline=MINUTE) if is_timed else ReserveStock(sku="x")
            for is_timed in plan.calls
        ]
        state = OrderState(sku="x", amount_cents=number + 1)
        if plan.is_last:
            return Done(OrderPlaced(charge_id="c"), state, [ReserveStock(sku="x") for _ in calls])
        return Wait(state, calls, MINUTE if plan.wakes else None)

    return timed(function)


@dataclass
class Life:
    """One execution of a workflow, and which timers it should wait for by now."""

    workflow: BoundWorkflow
    emitted: list[Event[Any]] = field(default_factory=list[Event[Any]])
    wanted: dict[str, str] = field(default_factory=dict[str, str])
    """Ids of timer events, by the names of the timers."""

    async def take(self, event: Event[Any]) -> None:
        memory = self.workflow.memory
        before = await memory.read(event.subject)
        is_unwanted = isinstance(event.data, Timeout) and event.id not in self.wanted.values()
        outcome = await self.workflow.run(event)
        after = await memory.read(event.subject)
        assert after is not None
        if is_unwanted or outcome.ignored is not None:
            assert outcome.ignored in (Ignored.OBSOLETE, Ignored.DUPLICATE, Ignored.ENDED)
            assert is_unwanted or outcome.ignored is not Ignored.OBSOLETE
            assert after == before
            return
        self.emitted += outcome.events
        assert len({each.id for each in self.emitted}) == len(self.emitted)
        self._expect(event, outcome.events, is_over=after["status"] == "done")
        assert after.get("timers", {}) == self.wanted
        assert wanted_timers(after) == set(self.wanted.values())
        await self._take_again(event, before, [each.id for each in outcome.events])

    def _expect(self, event: Event[Any], emitted: list[Event[Any]], *, is_over: bool) -> None:
        over = {"wake", f"deadline:{event.parentid}"}
        if isinstance(event.data, Timeout):
            over = {"wake", event.data.timer}
        kept = {name: event_id for name, event_id in self.wanted.items() if name not in over}
        started = {each.data.timer: each.id for each in emitted if isinstance(each.data, Timeout)}
        self.wanted = {} if is_over else {**kept, **started}

    async def _take_again(self, event: Event[Any], before: Any, ids: list[str]) -> None:
        """The same event gives the same events from the same record, and nothing from the one after it."""
        assert (await self.workflow.run(event)).ignored is not None
        memory = InMemoryMachineMemory()
        if before is not None:
            await memory.write(event.subject, before, None)
        twin = BoundWorkflow(self.workflow.workflow, memory, lock=False)
        assert [each.id for each in await twin.execute(event)] == ids


def next_event(emitted: list[Event[Any]], choice: int) -> Event[Any]:
    """A reply to some call, or some timer."""
    chosen = emitted[choice % len(emitted)]
    if isinstance(chosen.data, Timeout):
        return elapsed(chosen)
    return reserve_v1.reply(StockReserved(hold_id="h"), to=chosen, id=new_event_id())


plans = st.lists(
    st.builds(Plan, st.lists(st.booleans(), max_size=3), st.booleans(), st.sampled_from([False] * 5 + [True])),
    min_size=1,
    max_size=5,
)
choices = st.lists(st.integers(0, 30), max_size=10)


@given(plans, choices)
def test_wanted_are_the_timers_asked_for_and_not_ended(given_plans: list[Plan], chosen: list[int]) -> None:
    async def live() -> None:
        life = Life(planned(given_plans))
        await life.take(request())
        for choice in chosen:
            open_events = [each for each in life.emitted if each.type in ("com.stock.reserve", "arvo.timer.elapsed")]
            if open_events:
                await life.take(next_event(open_events, choice))

    asyncio.run(live())


@dataclass(frozen=True)
class Ring:
    """A region of states that lead round in a circle: each by time, by a reply, by both or by neither."""

    states: list[tuple[bool, bool]]

    def document(self) -> dict[str, Any]:
        count = len(self.states)
        states: dict[str, Any] = {}
        for number, (by_time, by_reply) in enumerate(self.states):
            following = f"s{(number + 1) % count}"
            states[f"s{number}"] = {
                "after": {"1000": following} if by_time else {},
                "on": {"evt.stock.reserve.success": following} if by_reply else {},
            }
        return {"initial": "s0", "states": states}


rings = st.lists(
    st.builds(Ring, st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=3)), min_size=1, max_size=3
)


@given(rings, choices)
def test_a_machine_waits_for_the_timers_of_its_active_states(given_rings: list[Ring], chosen: list[int]) -> None:
    document = {
        "id": "order",
        "type": "parallel",
        "entry": "ask",
        "states": {f"r{number}": ring.document() for number, ring in enumerate(given_rings)},
    }
    ask = {"ask": returning(ReserveStock(sku="x"))}

    async def live() -> None:
        workflow = orchestrated(document_machine(document, calls=ask))
        start = request()
        emitted = await workflow.execute(start)
        for choice in chosen:
            emitted += await workflow.execute(next_event(emitted, choice))
            record = await workflow.memory.read(start.subject)
            assert record is not None
            active = [(number, int(record["value"][f"r{number}"][1:])) for number in range(len(given_rings))]
            timed_states = [(ring, state) for ring, state in active if given_rings[ring].states[state][0]]
            names = {f"xstate.after.1000.order.r{ring}.s{state}" for ring, state in timed_states}
            assert record.get("timers", {}).keys() == names
            latest = {each.data.timer: each.id for each in emitted if isinstance(each.data, Timeout)}
            assert wanted_timers(record) == {latest[name] for name in names}

    asyncio.run(live())
