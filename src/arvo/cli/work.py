"""A durable worker for a while: until it is stopped, or until lines of events are worked off. Its command is `run`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Final

from arvo.ports import SystemClock
from arvo.runtime.worker.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arvo.cli.intake import Intake
    from arvo.cli.line_reader import LineReader
    from arvo.ports import QueueStatus, Store
    from arvo.runtime import Worker, WorkerReport
    from arvo.runtime.brokered import BrokerWorker

__all__ = ["DRAIN", "Work", "WorkSummary"]

DRAIN: Final = timedelta(seconds=25)
"""So long may what runs take to end after a signal. Those who supervise processes often kill them after 30 seconds."""
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSummary:
    """What a worker has done, and what is left."""

    report: WorkerReport
    seconds: float
    stopped: str | None
    """The signal that ended it."""
    drained: bool
    """Whether everything that ran came to its end before the worker left."""
    timers: int = 0
    """Events for this worker that arrive later."""
    for_others: tuple[tuple[str, int], ...] = ()
    """Events for addresses that this worker does not serve, by address."""


class Work:
    """Runs a worker until `stop`; with `intake`, no longer than until its lines are worked off."""

    def __init__(
        self,
        worker: Worker | BrokerWorker,
        store: Store,
        *,
        intake: Intake | None = None,
        on_progress: Callable[[], object],
    ) -> None:
        self._worker = worker
        self._store = store
        self._intake = intake
        self._on_progress = on_progress
        self._patience = Patience(SystemClock())
        self._feeding: asyncio.Task[None] | None = None
        self._stopped: str | None = None
        self._stopped_at = 0.0
        self._left: Sequence[QueueStatus] = ()

    async def __call__(self, lines: LineReader | None = None) -> WorkSummary:
        """Work, and return what was done."""
        started = perf_counter()
        async with asyncio.TaskGroup() as tasks:
            if self._intake is not None and lines is not None:
                self._feeding = tasks.create_task(self._feed(self._intake, lines))
            report = await self._worker.run()
        ended = perf_counter()
        serves = self._worker.serves
        return WorkSummary(
            report=report,
            seconds=ended - started,
            stopped=self._stopped,
            drained=ended - self._stopped_at < DRAIN.total_seconds(),
            timers=sum(queue.timers for queue in self._left if queue.handler in serves),
            for_others=tuple(
                (queue.handler, queue.deliveries)
                for queue in self._left
                if queue.handler not in serves and queue.deliveries
            ),
        )

    def stop(self, signal: str) -> None:
        """Take in nothing more, and end when what runs has ended."""
        if self._stopped is None:
            self._stopped = signal
            if self._feeding is not None:
                self._feeding.cancel()
            self._end()

    def _end(self) -> None:
        self._stopped_at = perf_counter()
        self._worker.stop()

    async def _feed(self, intake: Intake, lines: LineReader) -> None:
        await intake(lines)
        self._left = await self._worked_off()
        self._end()

    async def _worked_off(self) -> Sequence[QueueStatus]:
        """The queues, once nothing is ready, worked on or about to be tried again at the addresses served."""
        before = None
        while True:
            # Counting what waits costs a large store something, so it is asked only when nothing seems to happen.
            if before == self._worker.report:
                queues = await self._patience.ask("tell what waits", self._store.queues)
                if not any(self._is_busy(queue) for queue in queues):
                    return queues
            before = self._worker.report
            self._on_progress()
            await asyncio.sleep(LOOK_SECONDS)

    def _is_busy(self, queue: QueueStatus) -> bool:
        return queue.handler in self._worker.serves and bool(queue.ready or queue.leased or queue.retrying)
