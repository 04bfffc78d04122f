"""`BrokerWorker`: an app connected to others by a message broker. Its two ways of working are modules of their own."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypedDict

from typing_extensions import Unpack

from arvo.backends.memory import InMemoryMachineMemory
from arvo.errors import DefinitionError
from arvo.ports import SystemClock
from arvo.runtime.brokered.arrival import Arrivals
from arvo.runtime.brokered.direct import Direct
from arvo.runtime.brokered.inbox import Inbox, InboxReport
from arvo.runtime.brokered.message_run import MessageRuns
from arvo.runtime.brokered.outbox import relay_to
from arvo.runtime.subscription import WorkflowDefinition
from arvo.runtime.worker.lane_run import Surroundings
from arvo.runtime.worker.patience import Patience
from arvo.runtime.worker.posts import posts_of
from arvo.runtime.worker.routes import UNHANDLED, Routes, sink_address
from arvo.runtime.worker.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.ports import Clock, Store
    from arvo.ports.broker import MessageBroker
    from arvo.runtime.app import App
    from arvo.runtime.worker.health import WorkerHealth
    from arvo.runtime.worker.report import WorkerReport

__all__ = ["BrokerWorker", "WorkerOptions"]

_AT_HAND: Final = 1024
"""So many messages of an address may be on their way into the store."""


class WorkerOptions(TypedDict, total=False):
    """What else a `Worker` takes; these are of use with a store only."""

    lease: timedelta
    heartbeat: timedelta
    deliveries_per_lane: int


class BrokerWorker:
    """Works for `app` on what a broker brings, and publishes what is for addresses beyond the app.

        async with SqliteStore("sqlite:///orders.db") as store, NatsBroker("nats://localhost:4222") as broker:
            await BrokerWorker(app, broker, store=store).run()

    With a store it is a `Worker`: what comes is stored first, each event once, and acknowledged then; what goes out
    waits in the store until the broker has confirmed it. So nothing is lost, and each effect in the store is there
    once, whoever crashes. Without one, handlers run on the messages themselves: what comes of one is published before
    it is acknowledged, so an event may be handled again, and gives the same outputs with the same ids. Workflows then
    need an app with a memory that outlives the process.

    `callers` are addresses that no handler has and whose events are for this app all the same: the sources of those who
    ask (`resolve` over the same store), or of what `on_unhandled` takes. `binary` has events published in the binary
    mode of CloudEvents. `sources`, `concurrency` and the rest are those of `Worker`.
    """

    def __init__(
        self,
        app: App,
        broker: MessageBroker,
        *,
        store: Store | None = None,
        callers: Iterable[str] = (),
        sources: Iterable[str] | None = None,
        concurrency: int = 64,
        binary: bool = False,
        drain_timeout: timedelta = timedelta(seconds=30),
        clock: Clock | None = None,
        **options: Unpack[WorkerOptions],
    ) -> None:
        clock = SystemClock() if clock is None else clock
        callers = frozenset(callers)
        relay = relay_to(broker, callers, binary=binary)
        posts = posts_of(app, sources)
        self._stopping = asyncio.Event()
        self._worker: Worker | None = None
        self._inbox: Inbox | None = None
        self._direct: Direct | None = None
        served = [handler.source for handler in app.handlers if handler.source in posts]
        lanes = {source: source for source in served}
        if store is not None:
            lanes |= {caller: UNHANDLED if app.unhandled is not None else caller for caller in callers}
            self._worker = Worker(
                app,
                store,
                concurrency=concurrency,
                sources=sources,
                drain_timeout=drain_timeout,
                relay=relay,
                clock=clock,
                **options,
            )
            self._inbox = Inbox(
                broker,
                dict.fromkeys(lanes, _AT_HAND),
                Arrivals(app, lanes),
                store,
                priorities={source: app.settings[source].priority for source in served},
                patience=Patience(clock),
                clock=clock,
            )
            self._serves = self._worker.serves
        else:
            _check_without_store(app, broker, callers, options)
            lanes |= dict.fromkeys(callers, UNHANDLED)
            lanes |= {address: address for domain in app.sinks if (address := sink_address(domain)) in posts}
            self._runs = MessageRuns(
                broker,
                posts,
                Surroundings(app, Routes(app, relay), clock),
                Patience(clock),
                workflows=frozenset(handler.source for handler in app.handlers if _is_workflow(handler)),
                binary=binary,
            )
            self._direct = Direct(
                broker,
                {address: 2 * posts[lane].settings.concurrency for address, lane in lanes.items()},
                posts,
                Arrivals(app, lanes),
                self._runs,
                concurrency=concurrency,
                drain_timeout=drain_timeout,
                clock=clock,
            )
            self._serves = tuple(lanes)

    @property
    def serves(self) -> tuple[str, ...]:
        """The addresses whose events it takes."""
        return self._serves

    @property
    def report(self) -> WorkerReport:
        """What was done so far."""
        return self._runs.report if self._worker is None else self._worker.report

    @property
    def inbox_report(self) -> InboxReport:
        """What was taken into the store so far; nothing without one."""
        return InboxReport() if self._inbox is None else self._inbox.report

    def health(self) -> WorkerHealth:
        """How the worker on the store is doing; `DefinitionError` when there is none."""
        if self._worker is None:
            raise DefinitionError("Only a worker with a store can tell how it is doing. Give it one.")
        return self._worker.health()

    def stop(self) -> None:
        """Take nothing more, and have `run` return once what runs is done. May be called from a signal handler."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()

    async def run(self) -> WorkerReport:
        """Work until `stop` is called, then finish what runs within `drain_timeout` and hand back the rest.

        A store or a broker that does not answer is asked again until it does.
        """
        if self._direct is not None:
            await self._direct.run(self._stopping)
            return self.report
        assert self._worker is not None  # noqa: S101 - one of the two is there
        assert self._inbox is not None  # noqa: S101 - together with the worker
        async with asyncio.TaskGroup() as group:
            working = group.create_task(self._worker.run())
            taking_in = group.create_task(self._inbox.run())
            await self._stopping.wait()
            taking_in.cancel()
            await working
        return self.report


def _is_workflow(handler: object) -> bool:
    return isinstance(handler, WorkflowDefinition)


def _check_without_store(app: App, broker: MessageBroker, callers: frozenset[str], options: WorkerOptions) -> None:
    if options:
        named = ", ".join(sorted(options))
        raise DefinitionError(f"{named} would have no effect without a store. Give one, or leave them out.")
    if callers and app.unhandled is None:
        raise DefinitionError(
            f"Nobody would take the events for {', '.join(sorted(callers))}: without a store they cannot wait to be "
            "fetched. Register @app.on_unhandled, or give a store."
        )
    if app.schedules:
        raise DefinitionError("Schedules need a store, which remembers what has occurred. Give the worker one.")
    workflows = [handler.source for handler in app.handlers if _is_workflow(handler)]
    if workflows and broker.promises.durable and isinstance(app.memory, InMemoryMachineMemory):
        raise DefinitionError(
            f"The state of {', '.join(workflows)} would be lost with this process, while its events are not. Give the "
            "worker a store, or the app a memory that outlives it: App(handlers=[...], memory=...)."
        )
