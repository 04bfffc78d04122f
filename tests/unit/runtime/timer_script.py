"""A workflow whose turns follow a script of waits and calls, and the laws that its log must keep whatever runs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from arvo.events import delayed
from arvo.handlers import Emit
from arvo.orchestration import Done, Resumable, Timeout, Wait
from arvo.runtime import App
from tests.unit.orchestration.orders import (
    OrderPlaced,
    OrderState,
    PlaceOrder,
    ReserveStock,
    StockReserved,
    charge,
    order,
    order_services,
    order_v1,
    reserve_v1,
)
from tests.unit.runtime.scene import FunctionHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arvo.events import Event
    from arvo.ports import Clock
    from tests.unit.orchestration.timing import TimedAnswer, TimedTurn

MINUTE = 60.0


@dataclass(frozen=True)
class Call:
    """Is answered after so many minutes, and should be after so many."""

    answered_after: float
    deadline: int | None


@dataclass(frozen=True)
class Step:
    """What the workflow does in one turn; times are in minutes."""

    wake_after: int | None
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One turn that was taken."""

    at: float
    event: Event[Any]
    wake_after: int | None


steps = st.builds(
    Step,
    st.none() | st.integers(1, 5),
    st.lists(
        # Answers never come in the very moment in which a timer elapses.
        st.builds(Call, st.integers(0, 6).map(lambda minutes: minutes + 0.5), st.none() | st.integers(1, 6)),
        max_size=2,
    ).map(tuple),
)
scripts = st.lists(steps, min_size=1, max_size=6)


@dataclass
class Play:
    """One workflow that plays a script until it ends; `unit` is how many seconds a minute of the script has."""

    script: Sequence[Step]
    now: Callable[[], float]
    unit: float = MINUTE
    turns: list[Entry] = field(default_factory=list[Entry])
    sent: dict[str, tuple[float, Call]] = field(default_factory=dict[str, tuple[float, Call]])
    ended_at: float | None = None

    def app(self, clock: Clock | None = None) -> App:
        workflow = Resumable(order)
        workflow.on(order_v1, state=OrderState, services=order_services, timeouts=True)(self._turn)
        reserve = FunctionHandler("com.stock.reserve", self._reserve, implements=(reserve_v1,))
        return App([workflow, reserve], external=[charge], clock=clock)

    def request(self) -> Event[PlaceOrder]:
        return order_v1.request(PlaceOrder(sku="", amount_cents=1), source="com.web.shop")

    def check_order(self) -> None:
        """The laws that hold however late things come: only what is still wanted wakes the function, and once."""
        answered: set[str | None] = set()
        late: set[str | None] = set()
        for before, entry in zip([None, *self.turns], self.turns, strict=False):
            data = entry.event.data
            if not isinstance(data, Timeout):
                answered.add(entry.event.parentid)
            elif data.call_id is None:
                assert before is not None
                assert before.wake_after is not None
                assert entry.event.parentid == before.event.id
            else:
                assert data.call_id not in answered | late
                late.add(data.call_id)

    def check(self) -> None:
        """Every law of timers, where time passes only when nothing is left to do."""
        self.check_order()
        late: set[str | None] = set()
        for before, entry in zip([None, *self.turns], self.turns, strict=False):
            data = entry.event.data
            if before is not None and before.wake_after is not None:
                assert entry.at <= self._later(before.at, before.wake_after)
            if isinstance(data, Timeout) and data.call_id is None:
                assert before is not None
                assert before.wake_after is not None
                assert entry.at == self._later(before.at, before.wake_after)
            elif isinstance(data, Timeout):
                sent_at, call = self.sent[str(data.call_id)]
                assert call.deadline is not None
                assert entry.at == self._later(sent_at, call.deadline)
                late.add(data.call_id)
        if self.ended_at is not None:
            assert late >= {id_ for id_, (sent_at, call) in self.sent.items() if self._is_missed(sent_at, call)}

    def _is_missed(self, sent_at: float, call: Call) -> bool:
        assert self.ended_at is not None
        return (
            call.deadline is not None
            and call.deadline < call.answered_after
            and self._later(sent_at, call.deadline) < self.ended_at
        )

    def _later(self, at: float, minutes: float) -> float:
        return at + minutes * self.unit

    async def _turn(self, turn: TimedTurn) -> TimedAnswer:
        step = self.script[len(self.turns)] if len(self.turns) < len(self.script) else None
        self.turns.append(Entry(self.now(), turn.event, step.wake_after if step is not None else None))
        if step is None:
            self.ended_at = self.now()
            return Done(OrderPlaced(charge_id="c"))
        calls = [
            Emit(
                ReserveStock(sku=f"{call.answered_after} {call.deadline}"),
                deadline=None if call.deadline is None else timedelta(seconds=call.deadline * self.unit),
            )
            for call in step.calls
        ]
        wake = None if step.wake_after is None else timedelta(seconds=step.wake_after * self.unit)
        return Wait(None, calls, wake_after=wake)

    async def _reserve(self, event: Event[Any]) -> Event[Any]:
        after, _, deadline = reserve_v1.parse_accepted(event).data.sku.partition(" ")
        call = Call(float(after), None if deadline == "None" else int(deadline))
        self.sent[event.id] = (self.now(), call)
        answer = reserve_v1.reply(StockReserved(hold_id="h"), to=event)
        return delayed(answer, timedelta(seconds=call.answered_after * self.unit))
