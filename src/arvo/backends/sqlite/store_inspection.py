"""What an operator sees of the SQLite store, and what is removed from it; the rest is in `store`."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from arvo.backends.sqlite import store_operations
from arvo.backends.sqlite.store_pruning import drop_unclaimed, prune_consumed, prune_dead_letters, prune_workflows
from arvo.backends.sqlite.store_rows import incoming_rows, moment
from arvo.backends.sqlite.store_shown import (
    LANE_COLUMNS,
    LETTER_COLUMNS,
    TIMER_COLUMNS,
    WAITING_COLUMNS,
    WORKFLOW_COLUMNS,
    lane_of,
    letter_of,
    timer_of,
    waiting_of,
    workflow_of,
)
from arvo.errors import InvalidEvent
from arvo.ports.store.identity import lane_id, name_key
from arvo.ports.store.inspection import LATELY, Pruned, QueueStatus, SchemaUpgrade, StoreCounts, WorkerStatus
from arvo.ports.store.work import NewDelivery, WorkerInfo, WorkflowStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection
    from uuid import UUID

    from arvo.backends.sqlite.connections import Connections
    from arvo.backends.sqlite.store_rows import IncomingRow
    from arvo.ports.clock import Clock
    from arvo.ports.store.bell import Bell
    from arvo.ports.store.inspection import (
        Retention,
        StoredDeadLetter,
        StoredLane,
        StoredTimer,
        StoredWorkflow,
        WaitingEvent,
    )

__all__ = ["SqliteStoreInspection"]


class SqliteStoreInspection:
    """The inspecting half of `SqliteStore`."""

    def __init__(self, connections: Connections, clock: Clock, bell: Bell) -> None:
        self._connections = connections
        self._clock = clock
        self._bell = bell

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def queues(self) -> Sequence[QueueStatus]:
        """What waits for each handler."""
        now = self._now()
        select = """
            WITH lanes AS (
                SELECT handler, sum(due_at <= :now) AS ready, sum(due_at > :now AND owner NOTNULL) AS leased,
                    sum(due_at > :now AND owner ISNULL) AS retrying,
                    min(CASE WHEN due_at <= :now THEN due_at END) AS since
                FROM arvo_lanes GROUP BY handler
            ), deliveries AS (
                SELECT handler, sum(counted.number) AS number
                FROM (SELECT lane, count(*) AS number FROM arvo_deliveries GROUP BY lane) AS counted
                CROSS JOIN arvo_lanes USING (lane) GROUP BY handler
            ), timers AS (
                SELECT handler, count(*) AS number FROM arvo_timers GROUP BY handler
            ), handlers AS (SELECT handler FROM lanes UNION SELECT handler FROM timers)
            SELECT handler, coalesce(ready, 0), coalesce(leased, 0), coalesce(retrying, 0),
                coalesce(deliveries.number, 0), coalesce(timers.number, 0), coalesce(:now - since, 0)
            FROM handlers LEFT JOIN lanes USING (handler) LEFT JOIN deliveries USING (handler)
                LEFT JOIN timers USING (handler)
            ORDER BY handler
        """
        return [
            QueueStatus(
                handler=handler,
                ready=ready,
                leased=leased,
                retrying=retrying,
                deliveries=deliveries,
                timers=timers,
                oldest=timedelta(seconds=oldest),
            )
            for handler, ready, leased, retrying, deliveries, timers, oldest in await self._select(select, now=now)
        ]

    async def counts(self) -> StoreCounts:
        """How many there are of everything else."""
        now = self._now()
        recently = "SELECT count(*) FROM arvo_consumed WHERE at > :since AND at <= :now"
        ((letters,),) = await self._select("SELECT count(*) FROM arvo_dead_letters")
        ((taken,),) = await self._select(recently, since=now - LATELY.total_seconds(), now=now)
        workflows = await self._select("SELECT status, count(*) FROM arvo_workflows GROUP BY status")
        return StoreCounts(
            workflows={WorkflowStatus(status): number for status, number in workflows},
            dead_letters=letters,
            waiting=dict(
                await self._select("SELECT domain, count(*) FROM arvo_waiting GROUP BY domain ORDER BY domain")
            ),
            taken_lately=taken,
        )

    async def workers(self) -> Sequence[WorkerStatus]:
        """All workers."""
        now = self._now()
        select = """
            SELECT id, host, pid, process_key, handlers, started_at, seen_at,
                (SELECT count(*) FROM arvo_lanes WHERE owner = arvo_workers.id)
            FROM arvo_workers ORDER BY id
        """
        return [
            WorkerStatus(
                info=WorkerInfo(
                    id=id_, host=host, pid=pid, process_key=process_key, handlers=tuple(json.loads(handlers))
                ),
                started_at=moment(started_at),
                silent_for=timedelta(seconds=now - seen_at),
                leases=leases,
            )
            for id_, host, pid, process_key, handlers, started_at, seen_at, leases in await self._select(select)
        ]

    async def lanes(self, handler: str, *, after: StoredLane | None = None, limit: int = 100) -> Sequence[StoredLane]:
        """The lanes of a handler."""
        # The page first, so that only its lanes are looked into.
        select = f"""
            SELECT {LANE_COLUMNS} FROM (
                SELECT * FROM arvo_lanes WHERE handler = :handler
                    AND (:priority ISNULL OR (-priority, due_at, lane) > (-:priority, :due_at, :lane))
                ORDER BY priority DESC, due_at, lane LIMIT :limit
            ) AS lane ORDER BY priority DESC, due_at, lane
        """  # noqa: S608 - the columns are a constant
        rows = await self._select(
            select,
            handler=handler,
            priority=None if after is None else after.priority,
            due_at=None if after is None else after.due_at.timestamp(),
            lane=None if after is None else after.lane.bytes,
            limit=limit,
        )
        return [lane_of(row) for row in rows if row[-1] is not None]

    async def lane(self, handler: str, subject: str) -> StoredLane | None:
        """One lane."""
        select = f"SELECT {LANE_COLUMNS} FROM arvo_lanes AS lane WHERE lane = :lane"  # noqa: S608
        rows = await self._select(select, lane=lane_id(handler, subject).bytes)
        return lane_of(rows[0]) if rows else None

    async def timers(
        self,
        *,
        handler: str | None = None,
        lane: UUID | None = None,
        after: StoredTimer | None = None,
        limit: int = 100,
    ) -> Sequence[StoredTimer]:
        """What will arrive later."""
        of_lane = "" if lane is None else "lane = :lane AND"
        select = f"""
            SELECT {TIMER_COLUMNS} FROM arvo_timers
            WHERE {of_lane} (:handler ISNULL OR handler = :handler)
                AND (:due_at ISNULL OR (due_at, key) > (:due_at, :key))
            ORDER BY due_at, key LIMIT :limit
        """  # noqa: S608
        rows = await self._select(
            select,
            handler=handler,
            lane=None if lane is None else lane.bytes,
            due_at=None if after is None else after.due_at.timestamp(),
            key=None if after is None else after.key.bytes,
            limit=limit,
        )
        return [timer_of(row) for row in rows]

    async def workflow(self, handler: str, subject: str) -> StoredWorkflow | None:
        """One workflow."""
        select = f"SELECT {WORKFLOW_COLUMNS} FROM arvo_workflows WHERE lane = :lane"  # noqa: S608
        rows = await self._select(select, lane=lane_id(handler, subject).bytes)
        return workflow_of(rows[0]) if rows else None

    async def numbered_workflow(self, number: int) -> StoredWorkflow | None:
        """One workflow by its number."""
        rows = await self._list(WORKFLOW_COLUMNS, "arvo_workflows", {"number = :number": number}, "number", 1)
        return workflow_of(rows[0]) if rows else None

    async def workflows(
        self,
        *,
        handler: str | None = None,
        status: WorkflowStatus | None = None,
        parent_subject: str | None = None,
        after: StoredWorkflow | None = None,
        limit: int = 100,
    ) -> Sequence[StoredWorkflow]:
        """Workflows, the newest first."""
        filters = {
            "handler = :handler": handler,
            "status = :status": None if status is None else status.value,
            "parent = :parent": None if parent_subject is None else name_key(parent_subject).bytes,
            "number < :number": None if after is None else after.number,
        }
        return [
            workflow_of(row)
            for row in await self._list(WORKFLOW_COLUMNS, "arvo_workflows", filters, "number DESC", limit)
        ]

    async def dead_letters(
        self, *, handler: str | None = None, after: StoredDeadLetter | None = None, limit: int = 100
    ) -> Sequence[StoredDeadLetter]:
        """Dead letters, the oldest first."""
        filters = {"handler = :handler": handler, "number > :number": None if after is None else after.number}
        return [
            letter_of(row) for row in await self._list(LETTER_COLUMNS, "arvo_dead_letters", filters, "number", limit)
        ]

    async def dead_letter(self, number: int) -> StoredDeadLetter | None:
        """One dead letter."""
        filters = {"number = :number": number}
        rows = await self._list(LETTER_COLUMNS, "arvo_dead_letters", filters, "number", 1)
        return letter_of(rows[0]) if rows else None

    async def replay(self, numbers: Sequence[int]) -> int:
        """Deliver dead letters again."""
        now = self._clock.now()
        letters: list[tuple[int, IncomingRow]] = []
        for number in dict.fromkeys(numbers):
            stored = await self.dead_letter(number)
            if stored is None:
                continue
            try:
                delivery = NewDelivery(handler=stored.letter.handler, event=stored.event())
            except InvalidEvent:
                continue
            letters += [(number, row) for row in incoming_rows([delivery], now)]
        replayed = await self._connections.write(partial(store_operations.replay, letters=letters, now=now.timestamp()))
        self._bell.ring()
        return replayed

    async def discard(self, numbers: Sequence[int]) -> int:
        """Remove dead letters for ever."""
        return await self._connections.write(partial(store_operations.discard, numbers=numbers))

    async def waiting(
        self, *, domain: str | None = None, after: WaitingEvent | None = None, limit: int = 100
    ) -> Sequence[WaitingEvent]:
        """Events that wait for an answer."""
        filters = {"domain = :domain": domain, "number > :number": None if after is None else after.number}
        return [waiting_of(row) for row in await self._list(WAITING_COLUMNS, "arvo_waiting", filters, "number", limit)]

    async def waiting_event(self, event_id: str) -> WaitingEvent | None:
        """One waiting event."""
        filters = {"event_id = :event_id": event_id}
        rows = await self._list(WAITING_COLUMNS, "arvo_waiting", filters, "number", 1)
        return waiting_of(rows[0]) if rows else None

    async def drop_unclaimed(self, handler: str, older_than: timedelta) -> int:
        """Remove what nobody took."""
        return await drop_unclaimed(self._connections, handler, self._now(), older_than)

    async def prune(self, retention: Retention) -> Pruned:
        """Remove what has been kept long enough."""
        now, connections = self._now(), self._connections
        return Pruned(
            consumed_ids=await prune_consumed(connections, now, retention.consumed_ids),
            workflows=await prune_workflows(connections, now, retention.ended_workflows),
            dead_letters=await prune_dead_letters(connections, now, retention.dead_letters),
        )

    async def upgrade(self) -> SchemaUpgrade:
        """Bring the tables up to date, as the first use does as well."""
        before, after = await self._connections.upgrade()
        return SchemaUpgrade(before=before, after=after)

    async def _select(self, statement: str, **values: Any) -> list[Any]:
        return await self._connections.read(partial(_fetch, statement=statement, values=values))

    async def _list(self, columns: str, table: str, filters: dict[str, Any], order: str, limit: int) -> list[Any]:
        """Rows that fit the filters whose value is not None; only the values come from outside."""
        conditions = [condition for condition, value in filters.items() if value is not None]
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        statement = f"SELECT {columns} FROM {table} {where} ORDER BY {order} LIMIT :limit"  # noqa: S608
        values = {condition.rpartition(":")[2]: value for condition, value in filters.items() if value is not None}
        return await self._select(statement, **values, limit=limit)


def _fetch(connection: Connection, *, statement: str, values: dict[str, Any]) -> list[Any]:
    return connection.execute(statement, values).fetchall()
