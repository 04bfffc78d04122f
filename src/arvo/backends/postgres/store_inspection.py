"""What an operator sees of the Postgres store, and what is removed from it; the rest is in `store`."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from arvo.backends.postgres.link import BY_INDEX, Link
from arvo.backends.postgres.schema import check_version, upgrade
from arvo.backends.postgres.store_pruning import drop_unclaimed, prune_consumed, prune_dead_letters, prune_workflows
from arvo.backends.postgres.store_rows import incoming_rows
from arvo.backends.postgres.store_shown import (
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
from arvo.ports.store.inspection import LATELY, Pruned, QueueStatus, StoreCounts, WorkerStatus
from arvo.ports.store.work import NewDelivery, WorkerInfo, WorkflowStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import asyncpg

    from arvo.backends.postgres.link import Server
    from arvo.ports.store.inspection import (
        Retention,
        SchemaUpgrade,
        StoredDeadLetter,
        StoredLane,
        StoredTimer,
        StoredWorkflow,
        WaitingEvent,
    )

__all__ = ["PostgresStoreInspection"]

_CALL_SECONDS = 30.0
_LONG_CALL_SECONDS = 600.0


class PostgresStoreInspection:
    """The inspecting half of `PostgresStore`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._reader = Link(server, timeout_seconds=_LONG_CALL_SECONDS)
        self._publisher = Link(server, timeout_seconds=_CALL_SECONDS, settings=BY_INDEX)
        self._checked = False

    async def queues(self) -> Sequence[QueueStatus]:
        """What waits for each handler."""
        select = """
            WITH clock AS (SELECT store_now() AS now), lanes_ AS (
                SELECT handler, count(*) FILTER (WHERE due_at <= now) AS ready,
                    count(*) FILTER (WHERE due_at > now AND owner IS NOT NULL) AS leased,
                    count(*) FILTER (WHERE due_at > now AND owner IS NULL) AS retrying,
                    now - min(due_at) FILTER (WHERE due_at <= now) AS oldest
                FROM lanes CROSS JOIN clock GROUP BY handler, now
            ), deliveries_ AS (
                SELECT handler, count(*) AS number FROM deliveries JOIN lanes USING (lane) GROUP BY handler
            ), timers_ AS (
                SELECT handler, count(*) AS number FROM timers GROUP BY handler
            ), handlers AS (SELECT handler FROM lanes_ UNION SELECT handler FROM timers_)
            SELECT handler, coalesce(ready, 0), coalesce(leased, 0), coalesce(retrying, 0),
                coalesce(deliveries_.number, 0), coalesce(timers_.number, 0), coalesce(oldest, '0')
            FROM handlers LEFT JOIN lanes_ USING (handler) LEFT JOIN deliveries_ USING (handler)
                LEFT JOIN timers_ USING (handler)
            ORDER BY handler COLLATE "C"
        """
        return [
            QueueStatus(
                handler=handler,
                ready=ready,
                leased=leased,
                retrying=retrying,
                deliveries=deliveries,
                timers=timers,
                oldest=oldest,
            )
            for handler, ready, leased, retrying, deliveries, timers, oldest in await self._select(select)
        ]

    async def counts(self) -> StoreCounts:
        """How many there are of everything else."""
        recently = """
            WITH clock AS MATERIALIZED (SELECT store_now() AS now)
            SELECT count(*) FROM clock JOIN consumed ON at > now - $1::interval AND at <= now
        """
        (letters,) = await self._select("SELECT count(*) FROM dead_letters")
        (taken,) = await self._select(recently, LATELY)
        workflows = await self._select("SELECT status, count(*) FROM workflows GROUP BY status")
        waiting = await self._select('SELECT domain, count(*) FROM waiting GROUP BY domain ORDER BY domain COLLATE "C"')
        return StoreCounts(
            workflows={WorkflowStatus(status): number for status, number in workflows},
            dead_letters=letters[0],
            waiting={row["domain"]: row["count"] for row in waiting},
            taken_lately=taken[0],
        )

    async def workers(self) -> Sequence[WorkerStatus]:
        """All workers."""
        select = """
            WITH leases AS (SELECT owner, count(*) AS number FROM lanes WHERE owner IS NOT NULL GROUP BY owner)
            SELECT id, host, pid, process_key, handlers, started_at, store_now() - seen_at, coalesce(leases.number, 0)
            FROM workers LEFT JOIN leases ON leases.owner = id ORDER BY id COLLATE "C"
        """
        return [
            WorkerStatus(
                info=WorkerInfo(id=id_, host=host, pid=pid, process_key=process_key, handlers=tuple(handlers)),
                started_at=started_at,
                silent_for=max(silent_for, timedelta(0)),
                leases=leases,
            )
            for id_, host, pid, process_key, handlers, started_at, silent_for, leases in await self._select(select)
        ]

    async def lanes(self, handler: str, *, after: StoredLane | None = None, limit: int = 100) -> Sequence[StoredLane]:
        """The lanes of a handler."""
        place = None if after is None else (-after.priority, after.due_at, after.lane)
        # The page first, so that only its lanes are looked into.
        select = f"""
            WITH page AS MATERIALIZED (
                SELECT * FROM lanes WHERE handler = $1
                    AND ($2::integer IS NULL OR (-priority, due_at, lane) > ($2, $3::timestamptz, $4::uuid))
                ORDER BY priority DESC, due_at, lane LIMIT $5
            )
            SELECT {LANE_COLUMNS} FROM page AS l CROSS JOIN LATERAL (
                SELECT count(*) AS number, min(number) AS first FROM deliveries WHERE lane = l.lane
            ) AS d JOIN deliveries AS head ON head.lane = l.lane AND head.number = d.first
            ORDER BY l.priority DESC, l.due_at, l.lane
        """  # noqa: S608 - the columns are a constant
        return [lane_of(row) for row in await self._select(select, handler, *(place or (None,) * 3), limit)]

    async def lane(self, handler: str, subject: str) -> StoredLane | None:
        """One lane."""
        select = f"""
            SELECT {LANE_COLUMNS} FROM lanes AS l CROSS JOIN LATERAL (
                SELECT count(*) AS number, min(number) AS first FROM deliveries WHERE lane = l.lane
            ) AS d JOIN deliveries AS head ON head.lane = l.lane AND head.number = d.first
            WHERE l.lane = $1
        """  # noqa: S608
        rows = await self._select(select, lane_id(handler, subject))
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
        of_lane = "$5::uuid IS NULL" if lane is None else "lane = $5"
        select = f"""
            SELECT {TIMER_COLUMNS} FROM timers
            WHERE ($1::text IS NULL OR handler = $1)
                AND ($2::timestamptz IS NULL OR (due_at, key) > ($2, $3::uuid)) AND {of_lane}
            ORDER BY due_at, key LIMIT $4
        """  # noqa: S608
        place = (None, None) if after is None else (after.due_at, after.key)
        return [timer_of(row) for row in await self._select(select, handler, *place, limit, lane)]

    async def workflow(self, handler: str, subject: str) -> StoredWorkflow | None:
        """One workflow."""
        rows = await self._list(WORKFLOW_COLUMNS, "workflows", {"lane =": lane_id(handler, subject)}, "number", 1)
        return workflow_of(rows[0]) if rows else None

    async def numbered_workflow(self, number: int) -> StoredWorkflow | None:
        """One workflow by its number."""
        rows = await self._list(WORKFLOW_COLUMNS, "workflows", {"number =": number}, "number", 1)
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
            "handler =": handler,
            "status =": None if status is None else status.value,
            "parent =": None if parent_subject is None else name_key(parent_subject),
            "number <": None if after is None else after.number,
        }
        rows = await self._list(WORKFLOW_COLUMNS, "workflows", filters, "number DESC", limit)
        return [workflow_of(row) for row in rows]

    async def dead_letters(
        self, *, handler: str | None = None, after: StoredDeadLetter | None = None, limit: int = 100
    ) -> Sequence[StoredDeadLetter]:
        """Dead letters, the oldest first."""
        filters = {"handler =": handler, "number >": None if after is None else after.number}
        return [letter_of(row) for row in await self._list(LETTER_COLUMNS, "dead_letters", filters, "number", limit)]

    async def dead_letter(self, number: int) -> StoredDeadLetter | None:
        """One dead letter."""
        rows = await self._list(LETTER_COLUMNS, "dead_letters", {"number =": number}, "number", 1)
        return letter_of(rows[0]) if rows else None

    async def _replayable(self, numbers: Sequence[int]) -> Mapping[int, tuple[Any, ...]]:
        """Dead letters that can be delivered again, as rows, by number."""
        found: dict[int, tuple[Any, ...]] = {}
        for number in dict.fromkeys(numbers):
            stored = await self.dead_letter(number)
            if stored is None:
                continue
            try:
                delivery = NewDelivery(handler=stored.letter.handler, event=stored.event())
            except InvalidEvent:
                continue
            (found[number],) = incoming_rows([delivery])
        return found

    async def discard(self, numbers: Sequence[int]) -> int:
        """Remove dead letters for ever."""
        await self._check()
        delete = "DELETE FROM dead_letters WHERE number = ANY ($1) RETURNING number"
        return len(await self._publisher.fetch(delete, list(numbers)))

    async def waiting(
        self, *, domain: str | None = None, after: WaitingEvent | None = None, limit: int = 100
    ) -> Sequence[WaitingEvent]:
        """Events that wait for an answer."""
        filters = {"domain =": domain, "number >": None if after is None else after.number}
        return [waiting_of(row) for row in await self._list(WAITING_COLUMNS, "waiting", filters, "number", limit)]

    async def waiting_event(self, event_id: str) -> WaitingEvent | None:
        """One waiting event."""
        rows = await self._list(WAITING_COLUMNS, "waiting", {"key =": name_key(event_id)}, "number", 1)
        return waiting_of(rows[0]) if rows else None

    async def drop_unclaimed(self, handler: str, older_than: timedelta) -> int:
        """Remove what nobody took."""
        await self._check()
        return await drop_unclaimed(self._publisher, handler, older_than)

    async def prune(self, retention: Retention) -> Pruned:
        """Remove what has been kept long enough."""
        await self._check()
        return Pruned(
            consumed_ids=await prune_consumed(self._publisher, retention.consumed_ids),
            workflows=await prune_workflows(self._publisher, retention.ended_workflows),
            dead_letters=await prune_dead_letters(self._publisher, retention.dead_letters),
        )

    async def upgrade(self) -> SchemaUpgrade:
        """Bring the tables up to date, making them if there are none."""
        return await self._reader.use(partial(upgrade, address=self._server.address, schema=self._server.schema))

    async def _check(self) -> None:
        """See once that the tables are those of this version."""
        if not self._checked:
            check = partial(check_version, address=self._server.address, schema=self._server.schema)
            await self._reader.use(check)
            self._checked = True

    async def _select(self, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
        await self._check()
        return await self._reader.fetch(statement, *values)

    async def _list(
        self, columns: str, table: str, filters: Mapping[str, Any], order: str, limit: int
    ) -> Sequence[asyncpg.Record]:
        """Rows that fit the filters whose value is not None; only the values come from outside."""
        wanted = {condition: value for condition, value in filters.items() if value is not None}
        conditions = [f"{condition} ${place}" for place, condition in enumerate(wanted, start=1)]
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        limited = f"LIMIT ${len(wanted) + 1}"
        statement = f"SELECT {columns} FROM {table} {where} ORDER BY {order} {limited}"  # noqa: S608
        return await self._select(statement, *wanted.values(), limit)
