"""Has faults strike: what each kind does to a process, and what is done with events that were stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextvars import Context
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from arvo.errors import BackendError
from arvo.ports import FinishOutcome
from arvo.testing.simulation.exchange import Exchange
from arvo.testing.simulation.faults import FaultKind
from arvo.testing.simulation.loop import PROCESS
from arvo.testing.simulation.machine import Machine
from arvo.testing.simulation.run_log import WORLD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from arvo.events import Event
    from arvo.ports import Completion, NewDelivery
    from arvo.runtime import Execute, Observation
    from arvo.testing.simulation.clock import SimulatedClock
    from arvo.testing.simulation.faults import Fault
    from arvo.testing.simulation.ledger import Ledger
    from arvo.testing.simulation.loop import SimulatedLoop
    from arvo.testing.simulation.machine import Place
    from arvo.testing.simulation.run_log import RunLog

__all__ = ["Strikes"]

_LONGEST_HANDLING_SECONDS = 0.04


class Strikes:
    """Lets the faults of one run happen.

    `succeed` puts another worker in a place, `repeat` publishes once more, `look` is called after each commit.
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        log: RunLog,
        clock: SimulatedClock,
        ledger: Ledger,
        outside: Place,
        *,
        succeed: Callable[[Place], None],
        repeat: Callable[[NewDelivery, float], None],
        look: Callable[[], None],
    ) -> None:
        self.loop = loop
        self.log = log
        self.exchange = Exchange(loop, ledger.next_due)
        self.struck: Counter[FaultKind] = Counter()
        """How many faults of each kind happened."""
        self._clock = clock
        self._ledger = ledger
        self._outside = outside
        self._succeed = succeed
        self._repeat = repeat
        self._look = look

    def store_time(self) -> datetime:
        """The time on the store's clock."""
        return self._clock.now()

    def strike(self, fault: Fault, machine: Machine) -> None:
        """Let a fault happen to a process, now."""
        if machine.dead or machine.is_over:
            return
        self.count(fault, machine.name)
        if fault.kind is FaultKind.CRASH:
            machine.kill()
            self.loop.call_later(fault.seconds, self._succeed, machine.place, context=Context())
        elif fault.kind is FaultKind.RESTART:
            machine.stop()
            self.loop.call_later(fault.seconds, self._succeed, machine.place, context=Context())
        elif fault.kind is FaultKind.LOCK_EXPIRY:
            machine.be_unwell(fault.seconds)
            self.loop.hold(machine, fault.seconds)
        elif fault.kind is FaultKind.CLOCK_JUMP:
            machine.clock.ahead_seconds = fault.seconds

    def count(self, fault: Fault, who: str) -> None:
        """Note that a fault happened."""
        self.struck[fault.kind] += 1
        self.log.note(who, f"FAULT {fault}")

    def committed(self, completions: Sequence[Completion], outcomes: Sequence[FinishOutcome]) -> None:
        """Completions were carried out: some of the events in them may arrive once more."""
        for completion, outcome in zip(completions, outcomes, strict=True):
            if outcome is not FinishOutcome.COMMITTED:
                continue
            for produced in completion.produced:
                for fault in self._outside.pass_by("output"):
                    if produced.due is None:
                        self.count(fault, WORLD)
                        self._repeat(replace(produced), fault.seconds)
        self._look()

    # Around the handlers.

    async def around(self, event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        """A middleware: handlers take time, and can be struck on both sides."""
        machine = PROCESS.get()
        if not isinstance(machine, Machine):
            return await call_next(event)
        faults = machine.place.pass_by("handle")
        machine.busy[event.id] = self.loop.time()
        try:
            share = machine.place.chance("handle").share()
            if share > 0.5:
                await asyncio.sleep((share - 0.5) ** 2 * 4 * _LONGEST_HANDLING_SECONDS)
            await self._befall(faults, machine, late=False)
            outputs = await call_next(event)
            await self._befall(faults, machine, late=True)
        finally:
            machine.busy.pop(event.id, None)
        return outputs

    async def _befall(self, faults: Sequence[Fault], machine: Machine, *, late: bool) -> None:
        for fault in faults:
            if fault.kind is FaultKind.STORE_ERROR or fault.kind is FaultKind.APPLIED_BUT_FAILED:
                if late is (fault.kind is FaultKind.APPLIED_BUT_FAILED):
                    self.count(fault, machine.name)
                    raise BackendError(f"What the handler works with did not answer ({fault.kind}).")
            elif fault.late is late:
                self.strike(fault, machine)
                await asyncio.sleep(fault.seconds if fault.kind is FaultKind.DELAY else 0)

    def observe(self, observation: Observation) -> None:
        """A hook: keep what handlers made of events."""
        machine = PROCESS.get()
        if not isinstance(machine, Machine) or machine.is_over:
            return
        event = observation.event
        if observation.error is None:
            machine.has_handled(observation.handler, event, observation.outputs)
            self._ledger.made(event, observation.outputs)
            made = ", ".join(self.log.event(output.id, output.type) for output in observation.outputs)
            self.log.note(machine.name, f"handle {self.log.known(event.id)}: {made or 'nothing'}")
        else:
            why = f"{type(observation.error).__name__}: {observation.error}".partition("\n")[0]
            self.log.note(machine.name, f"handle {self.log.known(event.id)} failed: {why}")
