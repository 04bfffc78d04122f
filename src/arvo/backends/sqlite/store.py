"""The SQLite `Store`: one file, no server. The statements are in the modules named `store_...` beside this one.

What queues up while the writing connection is busy is committed together (see `connection_thread`), each call undone by
itself when it fails; completions that queue up also share their statements.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from functools import partial
from secrets import randbits
from typing import TYPE_CHECKING, Any, Self

from arvo.backends.sqlite import store_arrivals, store_claims, store_completions, store_operations
from arvo.backends.sqlite.connections import Connections
from arvo.backends.sqlite.location import database_path
from arvo.backends.sqlite.schema import STORE
from arvo.backends.sqlite.store_inspection import SqliteStoreInspection
from arvo.backends.sqlite.store_rows import completion_rows, incoming_rows, record_row
from arvo.ports.clock import SystemClock
from arvo.ports.store.bell import Bell
from arvo.ports.store.grouping import Grouping
from arvo.ports.store.identity import lane_id, name_key
from arvo.ports.store.work import check_one_for_each_lane

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from uuid import UUID

    from arvo.backends.sqlite.store_rows import CompletionRows, IncomingRow
    from arvo.errors import BackendError
    from arvo.ports.clock import Clock
    from arvo.ports.store.work import Amendment, Claim, Completion, Delivery, FinishOutcome, NewDelivery, WorkerInfo

__all__ = ["SqliteStore"]

_POLL_SECONDS = 0.05
"""How often a waiting worker looks whether another process wrote to the file."""


class SqliteStore(SqliteStoreInspection):
    """Keeps everything in one SQLite file, which any number of workers on this machine may share.

    `location` is a path or an address (`sqlite:///orders.db`); the file may hold the machine memory as well. The tables
    are made and brought up to date on first use. What is stored is durable (write-ahead log, synchronous FULL).
    `busy_timeout` is how long a write waits for other processes. Use from one thread.

        async with SqliteStore("sqlite:///orders.db") as store:
            await store.publish([NewDelivery(handler="com.order.place", event=event)])
    """

    def __init__(
        self,
        location: str | Path,
        *,
        busy_timeout: timedelta = timedelta(seconds=5),
        clock: Clock | None = None,
        connection_class: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> None:
        self.path = database_path(location)
        connections = Connections(
            self.path, STORE, busy_timeout=busy_timeout, connection_class=connection_class, savepoints=True
        )
        super().__init__(connections, clock if clock is not None else SystemClock(), Bell())
        # One statement for many completions costs far less than one for each.
        finish_together = partial(_finish_together, connections, self._clock)
        self._finishing = Grouping(finish_together, about=_lanes_of, is_outage=_is_outage)

    async def __aenter__(self) -> Self:
        try:
            await self._connections.prepare()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what was asked for and close the file. May be called more than once; nothing works afterwards."""
        self._bell.ring()
        await self._finishing.finish()
        await self._connections.close()

    def __del__(self) -> None:
        # Without connections when __init__ raised.
        if hasattr(self, "_connections"):
            self._connections.abandon(self)

    def __repr__(self) -> str:
        return f"SqliteStore({str(self.path)!r})"

    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        """Store deliveries and timers; the number of those that were new."""
        now = self._clock.now()
        rows = incoming_rows(deliveries, now)
        key = None if once is None else name_key(once).bytes
        new = await self._connections.write(partial(_publish, rows=rows, once=key, now=now.timestamp()))
        self._bell.ring()
        return new

    async def claim(
        self, worker: str, handlers: Mapping[str, int], *, lanes: int, deliveries_per_lane: int, lease: timedelta
    ) -> Sequence[Claim]:
        """Take lanes that are due."""
        now = self._now()
        leasing = store_claims.Leasing(worker, randbits(63), now + lease.total_seconds(), deliveries_per_lane)
        return await self._connections.write(
            partial(store_claims.claim, leasing=leasing, handlers=dict(handlers), lanes=lanes, now=now)
        )

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        """Carry out all that are not refused."""
        check_one_for_each_lane(completions)
        now = self._clock.now()
        outcomes = await self._finishing.submit([completion_rows(completion, now) for completion in completions])
        self._bell.ring()
        return outcomes

    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        """Take and consume what has arrived in one lane."""
        lane, now = lane_id(handler, subject).bytes, self._now()
        # Callers look again and again, and mostly there is nothing: that must not keep anybody from writing.
        if not await self._connections.read(partial(store_claims.is_collectable, lane=lane, now=now)):
            return []
        return await self._connections.write(partial(store_claims.collect, lane=lane, now=now))

    async def finish_and_claim(
        self,
        completions: Sequence[Completion],
        lanes: Collection[UUID],
        *,
        worker: str,
        deliveries_per_lane: int,
        lease: timedelta,
    ) -> tuple[Sequence[FinishOutcome], Sequence[Claim]]:
        """Carry out all that are not refused, and take those of the lanes that are due then."""
        check_one_for_each_lane(completions)
        now = self._clock.now()
        seconds = now.timestamp()
        leasing = store_claims.Leasing(worker, randbits(63), seconds + lease.total_seconds(), deliveries_per_lane)
        rows = [completion_rows(completion, now) for completion in completions]
        wanted = [lane.bytes for lane in lanes]
        outcomes, claims, leaves_work = await self._connections.write(
            partial(_finish_and_claim, group=rows, leasing=leasing, lanes=wanted, now=seconds)
        )
        if leaves_work:
            self._bell.ring()
        return outcomes, claims

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        """Prolong leases; the claims that were lost."""
        until = self._now() + lease.total_seconds()
        return await self._connections.write(partial(store_claims.renew, claims=claims, until=until))

    async def release(self, claims: Sequence[Claim]) -> None:
        """Hand lanes back untouched."""
        await self._connections.write(partial(store_claims.release, claims=claims, now=self._now()))
        self._bell.ring()

    async def wait_for_work(self, handlers: Iterable[str], at_most: timedelta) -> None:
        """Return when there may be work; what other processes write is seen within a twentieth of a second."""
        wanted = tuple(handlers)
        heard = self._bell.rings
        deadline = self._clock.monotonic() + at_most.total_seconds()
        version, next_due = None, None
        while (left := deadline - self._clock.monotonic()) > 0 and heard == self._bell.rings:
            # Counts the commits of other connections, the writing one of this store among them.
            current = await self._connections.read(_data_version)
            if current != version:
                version = current
                next_due = await self._connections.read(partial(store_arrivals.next_due, handlers=wanted))
            pause = min(left, _POLL_SECONDS)
            if next_due is not None:
                pause = min(pause, next_due - self._now())
                if pause <= 0:
                    return
            await self._bell.wait(pause, self._clock, heard=heard)

    async def heartbeat(self, worker: WorkerInfo) -> None:
        """Note a sign of life."""
        handlers = json.dumps(worker.handlers)
        values = (worker.id, worker.host, worker.pid, worker.process_key, handlers, self._now())
        await self._connections.write(partial(_introduce, values=values))

    async def remove_workers(self, ids: Sequence[str]) -> int:
        """Forget workers and free their lanes."""
        freed = await self._connections.write(partial(store_claims.free_lanes_of, workers=tuple(ids), now=self._now()))
        self._bell.ring()
        return freed

    async def amend(self, amendment: Amendment) -> bool:
        """Change a workflow from outside."""
        now = self._clock.now()
        record = record_row(amendment.lane, amendment.handler, amendment.record)
        produced, redelivered = incoming_rows(amendment.produced, now), incoming_rows(amendment.redelivered, now)
        amended = await self._connections.write(
            partial(
                store_operations.amend,
                amendment=amendment,
                record=record,
                produced=produced,
                redelivered=redelivered,
                now=now.timestamp(),
            )
        )
        self._bell.ring()
        return amended

    async def answer(self, event_id: str, deliveries: Sequence[NewDelivery]) -> bool:
        """Deliver the answer to a waiting event."""
        now = self._clock.now()
        rows = incoming_rows(deliveries, now)
        answered = await self._connections.write(
            partial(store_operations.answer, event_id=event_id, deliveries=rows, now=now.timestamp())
        )
        self._bell.ring()
        return answered


async def _finish_together(
    connections: Connections, clock: Clock, calls: Sequence[list[CompletionRows]]
) -> Sequence[list[FinishOutcome]]:
    group = [rows for call in calls for rows in call]
    work = partial(store_completions.finish, group=group, now=clock.now().timestamp())
    outcomes = iter(await connections.write(work))
    return [[next(outcomes) for _ in call] for call in calls]


def _finish_and_claim(
    connection: sqlite3.Connection,
    *,
    group: Sequence[CompletionRows],
    leasing: store_claims.Leasing,
    lanes: Sequence[bytes],
    now: float,
) -> tuple[Sequence[FinishOutcome], Sequence[Claim], bool]:
    outcomes = store_completions.finish(connection, group, now)
    claims = store_claims.claim_among(connection, leasing, lanes, now)
    touched = [rows.lane for rows in group] + [row.lane for rows in group for row in rows.produced]
    return outcomes, claims, store_claims.is_any_free(connection, touched, now)


def _publish(connection: sqlite3.Connection, *, rows: Sequence[IncomingRow], once: bytes | None, now: float) -> int:
    if once is not None:
        latest = max([now, *(row.due_at for row in rows if row.due_at is not None)])
        if not store_arrivals.remember(connection, once, latest):
            return 0
    return store_arrivals.take_in(connection, rows, now)


def _lanes_of(call: list[CompletionRows]) -> Iterable[bytes]:
    return (rows.lane for rows in call)


def _is_outage(error: BackendError) -> bool:
    # A full or broken disk, a lock: nothing that another try with less in it would change.
    return isinstance(error.__cause__, sqlite3.OperationalError)


def _data_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _introduce(connection: sqlite3.Connection, *, values: tuple[Any, ...]) -> None:
    upsert = """
        INSERT INTO arvo_workers (id, host, pid, process_key, handlers, seen_at, started_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
        ON CONFLICT (id) DO UPDATE SET handlers = excluded.handlers, seen_at = excluded.seen_at
    """
    connection.execute(upsert, values)
