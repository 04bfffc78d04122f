"""One simulated run: real workers on one store, inputs from outside, and the faults of a plan; then what is left."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import Mapping, Sequence  # noqa: TC003 - dataclass fields are looked at
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from arvo.backends.memory import InMemoryStore
from arvo.errors import BackendError
from arvo.runtime import Worker, enqueue
from arvo.runtime.worker.posts import posts_of
from arvo.testing.simulation.chance import Chance
from arvo.testing.simulation.clock import EPOCH, SimulatedClock
from arvo.testing.simulation.connection import Connection
from arvo.testing.simulation.endings import check_ending
from arvo.testing.simulation.faults import FaultKind
from arvo.testing.simulation.ledger import Ledger
from arvo.testing.simulation.loop import SimulatedLoop, StuckError
from arvo.testing.simulation.machine import Machine, Place
from arvo.testing.simulation.run_log import WORLD, RunLog
from arvo.testing.simulation.strikes import Strikes
from arvo.testing.simulation.view import check_invariants
from arvo.testing.simulation.violations import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Generator

    from arvo.events import Event
    from arvo.ports import NewDelivery
    from arvo.runtime import App
    from arvo.testing.simulation.system import Scenario, System

__all__ = ["Outcome", "run"]

_ARRIVALS_SECONDS = 0.3
_PATIENCE_SECONDS = 60.0
"""So long may nothing come to its end while there is work; what retries and leases wait for comes on top."""
_HANDLER_SECONDS = 3600.0
"""So long may a handler take in which nothing else comes to its end."""
_LONG_REST_SECONDS = 60.0
"""When nothing is to be done for longer than this, the workers go home meanwhile."""
_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    violations: Sequence[Violation]
    workflows: int
    deliveries: int
    seconds: float
    """In simulated time."""
    struck: Mapping[FaultKind, int]
    given_up: Mapping[tuple[str, str], str]
    """The dead letters, by handler and reason, with what the log says of one."""
    unending: Mapping[str, str]
    """The inputs that began workflows which neither ended nor are parked, with what the log says of one."""
    log: RunLog = field(repr=False)


def run(system: System, scenario: Scenario) -> Outcome:
    """Run a scenario from its beginning to its end."""
    app = system.make_app()
    simulation = Run(app, scenario)
    with _quiet(), _repeatable(scenario.seed), _watched(app, simulation.strikes):
        return simulation.execute()


class Run:
    def __init__(self, app: App, scenario: Scenario) -> None:
        self.loop = SimulatedLoop()  # type: ignore[abstract]
        self.log = RunLog(self.loop.time)
        self._app = app
        self._scenario = scenario
        clock = SimulatedClock(self.loop)
        self._clock = clock
        self.store = InMemoryStore(clock=clock)
        self.ledger = Ledger(posts_of(app, None), self.log, clock)
        chance = Chance(scenario.seed, "workers")
        self._chance = chance
        self._concurrency = chance.pick((1, 2, 4, 16))
        self._per_lane = chance.pick((1, 3, 16))
        self.machines: list[Machine] = []
        self._places = [Place(number, scenario.seed, scenario.faults) for number in range(scenario.workers)]
        self._outside = Machine("outside", Place(-1, scenario.seed, scenario.faults), self.loop)
        self.strikes = Strikes(
            self.loop,
            self.log,
            clock,
            self.ledger,
            self._outside.place,
            succeed=self._begin_worker,
            repeat=self._publish_again,
            look=lambda: check_invariants(app, self) if app.invariants else None,
        )
        self._under_way = 0
        self._is_resting = False
        self._progress = (0, 0.0)
        self._busy_at = -_HANDLER_SECONDS
        self._patience = (
            _PATIENCE_SECONDS
            + 10 * scenario.lease
            + max(
                settings.retry.max_delay.total_seconds() for settings in (*app.settings.values(), app.default_settings)
            )
        )

    def execute(self) -> Outcome:
        """Run to the end, and judge it."""
        scenario = self._scenario
        try:
            for event in scenario.inputs:
                self._send(event)
            for place in self._places:
                self.loop.call_later(self._chance.between(0, 0.05), self._begin_worker, place)
            self._drive()
            if not self.ledger.violations:
                self._go_home()
                if not self.ledger.violations:
                    check_invariants(self._app, self, at_rest=True)
            ending = check_ending(self)
        except StuckError as error:
            self.ledger.violate(Rule.DEFECT, error.message)
            ending = check_ending(self)
        seconds = self.loop.time()
        self._clear_away()
        return Outcome(
            violations=tuple(self.ledger.violations),
            workflows=ending.workflows,
            deliveries=self.ledger.commits,
            seconds=seconds,
            struck=dict(self.strikes.struck),
            given_up=ending.given_up,
            unending=ending.unending,
            log=self.log,
        )

    @property
    def app(self) -> App:
        """The app that runs."""
        return self._app

    @property
    def lease(self) -> float:
        """How long claims last, in seconds."""
        return self._scenario.lease

    # Inputs.

    def _send(self, event: Event[Any]) -> None:
        delay = Chance(self._scenario.seed, "input", event.id).share() * _ARRIVALS_SECONDS
        again: list[float] = []
        for fault in self._outside.place.pass_by("input"):
            self.strikes.count(fault, WORLD)
            if fault.kind is FaultKind.DUPLICATE:
                again.append(fault.seconds)
            else:
                delay += fault.seconds
        for wait in (delay, *(delay + extra for extra in again)):
            self._start_outside(self._enqueue(event, wait))

    async def _enqueue(self, event: Event[Any], wait: float) -> None:
        await asyncio.sleep(wait)
        connection = self._connection(self._outside).as_store()
        await self._insist(lambda: enqueue(self._app, connection, event))

    def _publish_again(self, delivery: NewDelivery, wait: float) -> None:
        async def publish() -> None:
            await asyncio.sleep(wait)
            await self._insist(lambda: self._connection(self._outside).publish([delivery]))

        self._start_outside(publish())

    async def _insist(self, call: Any) -> None:
        while True:
            try:
                await call()
            except BackendError:
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return

    def _start_outside(self, work: Any) -> None:
        self._under_way += 1
        task = self.loop.create_task(work, context=self._outside.context.copy())
        task.add_done_callback(self._ended_outside)

    def _ended_outside(self, task: asyncio.Task[None]) -> None:
        self._under_way -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            self.ledger.violate(Rule.DEFECT, f"publishing failed: {error}")

    # Workers.

    def _connection(self, machine: Machine) -> Connection:
        return Connection(machine, self.store, self.ledger, self.strikes)

    def _begin_worker(self, place: Place) -> None:
        if self._is_resting or any(machine.place is place and machine.is_working for machine in self.machines):
            return
        machine = Machine(f"w{len(self.machines) + 1}", place, self.loop, self._scenario.lease)
        self.machines.append(machine)
        machine.worker = machine.context.run(self._new_worker, machine)
        self.log.note(machine.name, "begins")
        self.loop.create_task(self._work(machine, machine.worker), context=machine.context.copy())

    def _new_worker(self, machine: Machine) -> Worker:
        lease = timedelta(seconds=self._scenario.lease)
        return Worker(
            self._app,
            self._connection(machine).as_store(),
            concurrency=self._concurrency,
            lease=lease,
            heartbeat=lease / 4,
            drain_timeout=lease,
            deliveries_per_lane=self._per_lane,
            clock=machine.clock,
        )

    async def _work(self, machine: Machine, worker: Worker) -> None:
        try:
            await worker.run()
        except Exception as error:  # noqa: BLE001 - whatever ends a worker is what is looked for
            if not machine.is_over:
                self.ledger.violate(Rule.DEFECT, f"{machine.name} broke down: {_innermost(error)!r}")
        machine.has_ended = True
        self.log.note(machine.name, "ends")

    # Time.

    def _drive(self) -> None:
        while not self.loop.run_until(self._is_enough):
            raise StuckError("Nothing is left that could ever happen.")
        if self.ledger.violations or self._is_done():
            return
        resting = self._long_rest()
        if resting is None:
            self._explain_standstill()
            return
        self._go_home()
        self.loop.run_until(lambda: False, latest=resting)
        self._is_resting = False
        for place in self._places:
            self._begin_worker(place)
        self._drive()

    def _is_enough(self) -> bool:
        if self.ledger.violations or self._is_done():
            return True
        now = self.loop.time()
        if self.ledger.commits != self._progress[0]:
            self._progress = (self.ledger.commits, now)
        elif now - self._progress[1] > self._patience and self._is_standing_still(now):
            return True
        return self._long_rest() is not None

    def _is_standing_still(self, now: float) -> bool:
        if any(machine.busy for machine in self.machines if not machine.dead):
            self._busy_at = now
            return now - self._progress[1] > _HANDLER_SECONDS
        return now - self._busy_at > self._patience

    def _is_done(self) -> bool:
        return not self._under_way and self.ledger.is_settled

    def _long_rest(self) -> float | None:
        """Until when nothing is to be done, if that is long."""
        if self._under_way or self.ledger.open:
            return None
        due = self.ledger.next_timer()
        if due is None:
            return None
        until = (due - EPOCH).total_seconds() - 1
        return until if until - self.loop.time() > _LONG_REST_SECONDS else None

    def _explain_standstill(self) -> None:
        waits = [
            f"{machine.name} has been handling {self.log.known(event)} since {since:.3f} s"
            for machine in self.machines
            if machine.is_working
            for event, since in machine.busy.items()
        ]
        pending = [
            f"{arrival.name} for {lane.handler}"
            for lane in self.ledger.lanes.values()
            if lane.handler in self.ledger.served
            for arrival in lane.queue
        ]
        pending += [f"{timer.arrival.name}, a timer" for timer in self.ledger.timers.values()]
        if waits:
            text = f"{'; '.join(waits)}: it waits for what never comes in simulated time (real I/O, a thread?)"
            self.ledger.violate(Rule.ENDS, text)
        else:
            self.ledger.violate(Rule.NOTHING_LOST, f"nobody gets to work on {', '.join(pending) or 'what is left'}")

    def _go_home(self) -> None:
        """Have all workers stop in good order, and nobody take their places."""
        self._is_resting = True
        for machine in self.machines:
            if machine.is_working:
                machine.stop()
        latest = self.loop.time() + 10 * self._scenario.lease + _LONG_REST_SECONDS
        if not self.loop.run_until(self._are_all_gone, latest=latest):
            left = ", ".join(machine.name for machine in self.machines if not (machine.dead or machine.has_ended))
            self.ledger.violate(Rule.DEFECT, f"{left} did not end when told to stop")

    def _are_all_gone(self) -> bool:
        return all(machine.dead or machine.has_ended for machine in self.machines)

    def _clear_away(self) -> None:
        """Let everything end that is still there, without any effect."""
        for machine in (*self.machines, self._outside):
            machine.is_over = True
            self.loop.revive(machine)
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until(lambda: all(task.done() for task in tasks), latest=self.loop.time() + 60)
        self.loop.close()


def _innermost(error: BaseException) -> BaseException:
    group = cast("BaseExceptionGroup[BaseException]", error)
    return _innermost(group.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@contextmanager
def _watched(app: App, strikes: Strikes) -> Generator[None]:
    middleware = app.middleware
    app.middleware = (strikes.around, *middleware)
    app.hooks.observers.append(strikes.observe)
    try:
        yield
    finally:
        app.middleware = middleware
        app.hooks.observers.remove(strikes.observe)


@contextmanager
def _repeatable(seed: int) -> Generator[None]:
    """Nothing is left to chance: neither the shared random numbers, nor when garbage is collected."""
    before = random.getstate()
    collecting = gc.isenabled()
    random.seed(f"{seed}/shared")
    gc.disable()
    try:
        yield
    finally:
        random.setstate(before)
        if collecting:
            gc.enable()


@contextmanager
def _quiet() -> Generator[None]:
    """What would be alarming elsewhere is the daily bread of a simulation."""
    logger = logging.getLogger("arvo")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
