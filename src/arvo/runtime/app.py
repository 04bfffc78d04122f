"""`App`: handlers put together, checked as a whole, and run in this process.

What a run does is in `broker` and `deliveries`; what is checked before is in `assembly`. A durable worker runs the same
app from its `handlers`, `settings` and `middleware`.
"""

# ruff: noqa: ASYNC109 - time limits run on the app's clock, which `asyncio.timeout` does not know

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context, ContextVar, copy_context
from datetime import UTC, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, overload

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import Payload
from arvo.errors import DefinitionError
from arvo.handlers import check_function
from arvo.ports import SystemClock
from arvo.runtime.assembly import check_assembly, doubts
from arvo.runtime.broker import Broker
from arvo.runtime.delays import held_back
from arvo.runtime.publishing import collector_of
from arvo.runtime.records import Records
from arvo.runtime.retry import RetryPolicy
from arvo.runtime.schedule import new_schedule
from arvo.runtime.shutdown import AppClosedError
from arvo.runtime.subscription import Settings, Subscription
from arvo.runtime.topology import topology_of
from arvo.telemetry import traced

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime, tzinfo
    from types import TracebackType

    from arvo.contracts import Contract
    from arvo.events import Event
    from arvo.ports import Clock, MachineMemory
    from arvo.runtime.dead_letters import DeadLetter
    from arvo.runtime.hooks import DeadLetterHook, Hooks, Observer
    from arvo.runtime.invariants import Invariant
    from arvo.runtime.middleware import Middleware
    from arvo.runtime.resolution import Answering
    from arvo.runtime.schedule import EventFactory, Schedule
    from arvo.runtime.shutdown import ShutdownReport
    from arvo.runtime.subscription import Servable

__all__ = ["App", "Sink"]

logger = logging.getLogger("arvo.runtime")

_own_run: ContextVar[tuple[App | None, Broker | None]] = ContextVar("arvo_own_run", default=(None, None))
"""The run that `resolve` made for one event, as seen by all that runs in it."""

A = TypeVar("A", bound=Payload)
R = TypeVar("R", bound=Payload)
F = TypeVar("F", bound="EventFactory")

Sink: TypeAlias = "Callable[[Event[Any]], Awaitable[None]]"
"""Takes an event that leaves this world. An error is retried like a handler's, so it may see the same event again."""


class App:
    """Handlers that work together.

        app = App(handlers=[charge_card, place_order])
        answer = await app.resolve(order_v1.request(PlaceOrder(...), source="com.web.checkout"))

    Within `async with app:` events can be published, and leaving the block finishes what is in flight; `resolve` alone
    needs no block. Workflows keep their state in `memory`, by default in one of this process alone. `concurrency`,
    `queue_limit` and `retry` hold for every handler without a `Subscription` of its own. `middleware` runs around every
    handler, the first one outermost. `external` names contracts that other processes answer for. `record_limit` bounds
    the dead letters and the waiting events that are kept. An app belongs to one event loop at a time.
    """

    def __init__(
        self,
        handlers: Iterable[Servable | Subscription],
        *,
        memory: MachineMemory | None = None,
        middleware: Iterable[Middleware] = (),
        retry: RetryPolicy | None = None,
        concurrency: int = 16,
        queue_limit: int = 1000,
        external: Iterable[Contract] = (),
        clock: Clock | None = None,
        drain_timeout: timedelta = timedelta(seconds=30),
        record_limit: int = 1000,
    ) -> None:
        self._settings = Settings(
            concurrency=concurrency, queue_limit=queue_limit, retry=RetryPolicy() if retry is None else retry
        )
        given = [entry if isinstance(entry, Subscription) else Subscription(entry) for entry in handlers]
        self.handlers: tuple[Servable, ...] = tuple(entry.handler for entry in given)
        self.external: frozenset[Contract] = frozenset(external)
        """Contracts that other processes answer for."""
        check_assembly(self.handlers, external=self.external)
        self.settings: Mapping[str, Settings] = {
            entry.handler.source: entry.settings(self._settings) for entry in given
        }
        """What holds for each handler, by source."""
        self.middleware: tuple[Middleware, ...] = tuple(middleware)
        for layer in self.middleware:
            check_function(layer, "Middleware")
        self.shutdown_report: ShutdownReport | None = None
        """How the latest run ended."""
        self._memory: MachineMemory = InMemoryMachineMemory() if memory is None else memory
        self._clock = SystemClock() if clock is None else clock
        self._drain_timeout = drain_timeout
        self._records = Records(record_limit)
        self._sinks: dict[str, Sink] = {}
        self._unhandled: Sink | None = None
        self._invariants: list[Invariant] = []
        self._schedules: dict[str, Schedule] = {}
        self._broker: Broker | None = None
        self._exits = AsyncExitStack()

    # Setting up. None of this is possible while the app runs.

    def bind(self, memory: MachineMemory) -> None:
        """Have workflows keep their state in `memory`, instead of the one that was given before."""
        self._refuse_running("bind a memory")
        self._memory = memory

    def sink(self, domain: str) -> Callable[[Sink], Sink]:
        """Hand every event that is emitted into `domain` to the decorated coroutine function.

            @app.sink("human.inbox")
            async def show(event: Event[Any]) -> None: ...

        Events of one subject come one at a time and in order; errors are retried, then the event is a dead letter.
        """

        def register(sink: Sink) -> Sink:
            self._refuse_running("register a sink")
            check_function(sink, f"Sink of {domain!r}")
            if domain in self._sinks:
                raise DefinitionError(f"Domain {domain!r} has a sink already. Let one sink do both things.")
            self._sinks[domain] = sink
            return sink

        return register

    def on_unhandled(self, hook: Sink) -> Sink:
        """Hand every event that nobody here answers to or waits for to the decorated coroutine function.

        Without it, answers to published events are let go, and events with an unknown address are dead letters.
        """
        self._refuse_running("register on_unhandled")
        check_function(hook, "on_unhandled")
        if self._unhandled is not None:
            raise DefinitionError("on_unhandled is registered already. Let one function take all such events.")
        self._unhandled = hook
        return hook

    @overload
    def schedule(
        self, cron: str, factory: EventFactory, *, name: str | None = None, timezone: tzinfo = UTC
    ) -> EventFactory: ...
    @overload
    def schedule(self, cron: str, *, name: str | None = None, timezone: tzinfo = UTC) -> Callable[[F], F]: ...
    def schedule(
        self, cron: str, factory: EventFactory | None = None, *, name: str | None = None, timezone: tzinfo = UTC
    ) -> Any:
        """Publish what the function makes, each time that the cron expression is due.

            @app.schedule("0 6 * * MON-FRI", timezone=ZoneInfo("Europe/Berlin"))
            def morning_report(due: datetime) -> Event[Any]:
                return report_v1.request(MakeReport(day=due.date()), source="com.reports.schedule")

        The function gets the time for which it is called, and returns an event or a list of events; their ids are made
        of that time and the schedule's `name`, which is the function's unless given. What it raises makes a dead letter
        of this occurrence, and the next one comes all the same.

        In this process schedules go while the app is open. Over a store they go while any worker of the app runs, each
        occurrence once over all of them; of the occurrences that came while none ran, one is made up for. Names are
        unique among all apps that share a store.
        """

        def register(factory: F) -> F:
            self._refuse_running("add a schedule")
            schedule = new_schedule(cron, factory, name=name, zone=timezone)
            if schedule.name in self._schedules:
                raise DefinitionError(
                    f"The app has a schedule {schedule.name!r} already. Give one of them another name."
                )
            self._schedules[schedule.name] = schedule
            return factory

        return register if factory is None else register(factory)

    def on_event(self, hook: Observer) -> Observer:
        """Call the decorated function with an `Observation` after each attempt of a handler or sink."""
        self._refuse_running("register on_event")
        self._records.hooks.observers.append(hook)
        return hook

    def on_dead_letter(self, hook: DeadLetterHook) -> DeadLetterHook:
        """Await the decorated coroutine function with each `DeadLetter`."""
        self._refuse_running("register on_dead_letter")
        check_function(hook, "on_dead_letter")
        self._records.hooks.on_dead_letter.append(hook)
        return hook

    def invariant(self, check: Invariant) -> Invariant:
        """Have simulations call the decorated function with a `SystemView` after everything that is stored.

            @app.invariant
            def nobody_pays_twice(system: SystemView) -> None:
                paid = [charged.order_id for charged in system.payloads(CardCharged)]
                assert len(paid) == len(set(paid))

        It raises, or returns False, when something is wrong. Nothing else calls it.
        """
        self._refuse_running("register an invariant")
        self._invariants.append(check)
        return check

    # Looking at it.

    @property
    def invariants(self) -> Sequence[Invariant]:
        """What must always hold, in the order of registration."""
        return tuple(self._invariants)

    @property
    def sinks(self) -> Mapping[str, Sink]:
        """The sinks, by domain."""
        return MappingProxyType(self._sinks)

    @property
    def unhandled(self) -> Sink | None:
        """What takes the events that nobody here answers to."""
        return self._unhandled

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """What is published at certain times."""
        return tuple(self._schedules.values())

    @property
    def default_settings(self) -> Settings:
        """What holds for sinks, and for handlers without settings of their own."""
        return self._settings

    @property
    def hooks(self) -> Hooks:
        """Who watches; whatever runs the handlers tells them."""
        return self._records.hooks

    @property
    def memory(self) -> MachineMemory:
        """Where workflows keep their state."""
        return self._memory

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is probably missing, though it may be meant: one sentence each."""
        return tuple(doubts(self.handlers, sinks=self._sinks))

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The latest events that were given up, oldest first. `publish(letter.event)` tries one again."""
        return tuple(self._records.dead_letters)

    def waiting(self, domain: str) -> tuple[Event[Any], ...]:
        """Events for a domain without a sink, oldest first, until an answer to them is published."""
        return self._records.waiting.of(domain)

    # Running.

    async def __aenter__(self) -> Self:
        if self._broker is not None:
            raise DefinitionError("The app is open already. Open it once, and let all tasks use it.")
        self._broker = await self._exits.enter_async_context(
            self._running(copy_context(), schedules=self._schedules.values())
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._exits.__aexit__(kind, error, traceback)
        finally:
            self._broker = None

    async def publish(self, event: Event[Any], *, deliver_at: datetime | timedelta | None = None) -> None:
        """Take the event in and return; what becomes of it, hooks and sinks will see.

        With `deliver_at`, a time or a delay from now, it arrives then. An event that is held back in this process is
        lost when the app closes; the shutdown report lists it.

        Waits while the handler has `queue_limit` published events unfinished, unless called from inside a handler, sink
        or hook, whose publishing belongs to its own event. An answer to an event that waits for its domain ends that
        wait. Raises `ConfigViolation` when nobody answers to its address, `AppClosedError` when the app is not open.

        In a handler or sink that a durable `Worker` runs, the event is stored together with what else comes of the
        work there, or not at all.
        """
        event, due = held_back(traced(event), deliver_at)
        collector = collector_of(self)
        if collector is not None:
            collector.publish(event, due)
        else:
            await self._open_broker().publish(event, due)

    @overload
    async def resolve(
        self, event: Event[A], *, expect: Answering[A, R], timeout: timedelta | None = None
    ) -> Event[R]: ...
    @overload
    async def resolve(self, event: Event[Any], *, timeout: timedelta | None = None) -> Event[Any]: ...
    async def resolve(
        self,
        event: Event[Any],
        *,
        expect: Answering[Any, Any] | None = None,
        timeout: timedelta | None = None,
    ) -> Event[Any]:
        """Publish the event, run all that comes of it here, and return the first event that comes back to its source.

        With `expect=charge_v1` the answer is read as one that this version gives. Without `timeout` it ends as soon as
        nothing of the event is in flight or will arrive later; with one, it also waits that long for answers from other
        domains to be published. Raises `UnansweredError` (`ResolveTimeoutError` after the timeout), which says what
        became of the event instead, and `ConfigViolation` when nobody answers to its address.

        An app that is not open is opened for this one event, and finishes all that came of it before this returns.
        """
        event, due = held_back(traced(event), None)
        broker = self._broker_here()
        if broker is not None:
            answer = await broker.resolve(event, timeout, due)
        else:
            context = copy_context()
            async with self._running(context, schedules=()) as broker:
                context.run(_own_run.set, (self, broker))
                answer = await broker.resolve(event, timeout, due)
        return answer if expect is None else expect.parse_emitted(answer)

    async def wait_idle(self) -> None:
        """Return when nothing is in flight any more: queued, running, waiting to be retried or to be let in.

        Events that arrive later are not in flight, unless a `resolve` waits for what comes of them.
        """
        await self._open_broker().wait_idle()

    async def close(self, *, timeout: timedelta | None = None) -> ShutdownReport:
        """Stop taking events, finish what is in flight within `timeout`, cancel the rest, and tell what that was.

        The default is the app's `drain_timeout`. Leaving `async with app:` does this; call it to stop from elsewhere,
        for example when a signal came. A second call with a shorter timeout hurries the first.
        """
        broker = self._open_broker()
        await broker.close(self._drain_timeout if timeout is None else timeout)
        return broker.report()

    def _broker_here(self) -> Broker | None:
        """The run of this app that the present code is part of, else the one that all share."""
        app, broker = _own_run.get()
        return broker if app is self else self._broker

    def _open_broker(self) -> Broker:
        broker = self._broker_here()
        if broker is None:
            raise AppClosedError("The app is not open. Use it within `async with app:`.")
        return broker

    def _refuse_running(self, action: str) -> None:
        if self._broker is not None:
            raise DefinitionError(f"The app is running, so it is too late to {action}. Do it before `async with app:`.")

    @asynccontextmanager
    async def _running(self, context: Context, *, schedules: Iterable[Schedule]) -> AsyncGenerator[Broker]:
        broker = Broker(topology_of(self, schedules), self._records, self._clock, context, self._memory)
        await broker.start()
        try:
            try:
                yield broker
            except BaseException:
                await broker.stop()
                raise
            await broker.close(self._drain_timeout)
        finally:
            try:
                await broker.finish()
            finally:
                self.shutdown_report = broker.report()
                if not self.shutdown_report.clean:
                    logger.warning("%s", self.shutdown_report)
