"""The Postgres `Store`. What a call does is in the functions of `migrations`; here is who calls them, and when.

One connection claims, renews and notifies without waiting for the disk; five finish and publish, in groups; one reads.
"""

from __future__ import annotations

from itertools import cycle
from secrets import randbits
from typing import TYPE_CHECKING, Any, Self

from arvo.backends.postgres.address import Address
from arvo.backends.postgres.diagnosis import is_outage
from arvo.backends.postgres.link import BY_INDEX, Link, Server
from arvo.backends.postgres.notifications import Notifications
from arvo.backends.postgres.store_inspection import PostgresStoreInspection
from arvo.backends.postgres.store_rows import FinishRows, claim_of, delivery_of, incoming_rows, record_row
from arvo.ports.clock import SystemClock
from arvo.ports.store.bell import Bell
from arvo.ports.store.grouping import Grouping
from arvo.ports.store.identity import lane_id, name_key
from arvo.ports.store.work import FinishOutcome, check_one_for_each_lane

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType
    from uuid import UUID

    from arvo.ports.store.work import Amendment, Claim, Completion, Delivery, NewDelivery, WorkerInfo

__all__ = ["PostgresStore"]

_FINISH = "SELECT finish($1, $2, $3, $4, $5, $6, $7, $8)"
_FINISH_AND_CLAIM = "SELECT * FROM finish_and_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
_PUBLISH = "SELECT publish($1, $2)"
_CLAIM = "SELECT * FROM claim($1, $2, $3, $4, $5, $6, $7)"
_POLL_SECONDS = 1.0
"""How often a waiting worker looks for itself, in case a notification was lost."""
_CALL_SECONDS = 30.0
_QUICK = {**BY_INDEX, "synchronous_commit": "off"}
_GROUPS_AT_ONCE = 2


class PostgresStore(PostgresStoreInspection):
    """Keeps everything in one schema of a Postgres database (version 14 or newer).

    `url` is an address like `postgresql://user:password@host:5432/database`, with asyncpg's options after a `?`. The
    tables are made and brought up to date by `upgrade` (`arvo store upgrade`), never on the way. A connection that was
    lost is opened again; calls fail with BackendError after about a second without the server. Use from one event loop.

        async with PostgresStore("postgresql://orders@localhost/orders") as store:
            await store.publish([NewDelivery(handler="com.order.place", event=event)])
    """

    def __init__(self, url: str, *, schema: str = "arvo") -> None:
        super().__init__(Server(Address(url), schema))
        # Claims may be forgotten in a crash of the server, which ends them; so they need not wait for its disk.
        self._quick = Link(self._server, timeout_seconds=_CALL_SECONDS, settings=_QUICK)
        self._writers = [
            Link(self._server, timeout_seconds=_CALL_SECONDS, settings=BY_INDEX) for _ in range(_GROUPS_AT_ONCE)
        ]
        self._idle_writers = list(self._writers)
        self._onward_writers = [
            Link(self._server, timeout_seconds=_CALL_SECONDS, settings=BY_INDEX) for _ in range(_GROUPS_AT_ONCE)
        ]
        self._next_onward_writer = cycle(self._onward_writers)
        self._finishing = Grouping(self._finish_together, about=_lanes_of, is_outage=is_outage, at_once=_GROUPS_AT_ONCE)
        self._publishing = Grouping(self._publish_together, about=_nothing, is_outage=is_outage)
        self._bell = Bell()
        self._notifications = Notifications(self._server, self._quick, self._bell)
        self._clock = SystemClock()

    async def __aenter__(self) -> Self:
        try:
            await self._check()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what was asked for and close the connections. May be called more than once."""
        self._bell.ring()
        await self._finishing.finish()
        await self._publishing.finish()
        await self._notifications.close()
        for link in (self._quick, self._publisher, self._reader, *self._onward_writers, *self._writers):
            await link.close()

    def __repr__(self) -> str:
        return f"PostgresStore({str(self._server.address)!r}, schema={self._server.schema!r})"

    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        """Store deliveries and timers; the number of those that were new."""
        await self._check()
        rows = incoming_rows(deliveries)
        if once is None:
            new = await self._publishing.submit(rows) if rows else 0
        else:
            new = len(await self._publisher.fetch_value(_PUBLISH, rows, name_key(once)))
        self._tell_all()
        return new

    async def _publish_together(self, calls: Sequence[list[Any]]) -> Sequence[int]:
        new: set[UUID] = set(await self._publisher.fetch_value(_PUBLISH, [row for rows in calls for row in rows], None))
        counts: list[int] = []
        for rows in calls:
            # Of calls that publish the same event the first has published it.
            own = new & {row[0] for row in rows}
            new -= own
            counts.append(len(own))
        return counts

    async def claim(
        self, worker: str, handlers: Mapping[str, int], *, lanes: int, deliveries_per_lane: int, lease: timedelta
    ) -> Sequence[Claim]:
        """Take lanes that are due."""
        await self._check()
        token = randbits(63)
        rows = await self._quick.fetch(
            _CLAIM,
            worker,
            list(handlers),
            [max(limit, 0) for limit in handlers.values()],
            max(lanes, 0),
            deliveries_per_lane,
            lease,
            token,
            before_retry=("SELECT unclaim($1)", token),
        )
        return [claim_of(row, token) for row in rows if row["numbers"]]

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        """Carry out all that are not refused."""
        check_one_for_each_lane(completions)
        if not completions:
            return []
        await self._check()
        rows = FinishRows.of(completions)
        outcomes = await self._finishing.submit(rows)
        self._bell.ring()
        if rows.produced:
            self._notifications.announce()
        return outcomes

    async def _finish_together(self, calls: Sequence[FinishRows]) -> Sequence[list[FinishOutcome]]:
        writer = self._idle_writers.pop()
        try:
            found = await writer.fetch_value(_FINISH, *FinishRows.together(calls).arguments)
        finally:
            self._idle_writers.append(writer)
        outcomes = iter([FinishOutcome(outcome) for outcome in found])
        return [[next(outcomes) for _ in rows.completions] for rows in calls]

    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        """Take and consume what has arrived in one lane."""
        await self._check()
        lane = lane_id(handler, subject)
        # Callers look again and again, and mostly there is nothing: that must not wait for anybody who writes.
        if not await self._quick.fetch_value("SELECT is_collectable($1)", lane):
            return []
        return [delivery_of(row) for row in await self._publisher.fetch("SELECT * FROM collect($1)", lane)]

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
        await self._check()
        rows = FinishRows.of(completions)
        token = randbits(63)
        done, *claims = await next(self._next_onward_writer).fetch(
            _FINISH_AND_CLAIM,
            *rows.arguments,
            list(lanes),
            worker,
            deliveries_per_lane,
            lease,
            token,
            before_retry=("SELECT unclaim($1)", token),
        )
        if done["leaves_work"]:
            self._tell_all()
        return [FinishOutcome(outcome) for outcome in done["outcomes"]], [claim_of(row[2:], token) for row in claims]

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        """Prolong leases; the claims that were lost."""
        await self._check()
        lanes, tokens = _claimed(claims)
        rows = await self._quick.fetch("SELECT * FROM renew($1, $2, $3)", lanes, tokens, lease)
        kept = {row[0] for row in rows}
        return [claim for claim in claims if claim.lane not in kept]

    async def release(self, claims: Sequence[Claim]) -> None:
        """Hand lanes back untouched."""
        await self._check()
        await self._publisher.fetch("SELECT release($1, $2)", *_claimed(claims))
        self._tell_all()

    async def wait_for_work(self, handlers: Iterable[str], at_most: timedelta) -> None:
        """Return when there may be work; without any notification, after a second at the latest."""
        await self._check()
        heard = self._bell.rings
        await self._notifications.listen()
        due_in: float | None = await self._quick.fetch_value("SELECT next_due($1)", list(handlers))
        pause = min(at_most.total_seconds(), _POLL_SECONDS, _POLL_SECONDS if due_in is None else due_in)
        await self._bell.wait(pause, self._clock, heard=heard)

    async def heartbeat(self, worker: WorkerInfo) -> None:
        """Note a sign of life."""
        await self._check()
        upsert = """
            INSERT INTO workers (id, host, pid, process_key, handlers, started_at, seen_at)
            VALUES ($1, $2, $3, $4, $5, store_now(), store_now())
            ON CONFLICT (id) DO UPDATE SET handlers = excluded.handlers, seen_at = excluded.seen_at
        """
        values = (worker.id, worker.host, worker.pid, worker.process_key, list(worker.handlers))
        await self._quick.fetch(upsert, *values)

    async def remove_workers(self, ids: Sequence[str]) -> int:
        """Forget workers and free their lanes."""
        await self._check()
        freed: int = await self._publisher.fetch_value("SELECT remove_workers($1)", list(ids))
        self._tell_all()
        return freed

    async def amend(self, amendment: Amendment) -> bool:
        """Change a workflow from outside."""
        await self._check()
        record = record_row(amendment.handler, amendment.lane, amendment.record)
        amended: bool = await self._publisher.fetch_value(
            "SELECT amend($1, $2, $3, $4, $5)",
            record,
            amendment.revision,
            amendment.drop_pending,
            incoming_rows(amendment.produced),
            incoming_rows(amendment.redelivered),
        )
        self._tell_all()
        return amended

    async def answer(self, event_id: str, deliveries: Sequence[NewDelivery]) -> bool:
        """Deliver the answer to a waiting event."""
        await self._check()
        answered: bool = await self._publisher.fetch_value(
            "SELECT answer($1, $2)", name_key(event_id), incoming_rows(deliveries)
        )
        self._tell_all()
        return answered

    async def replay(self, numbers: Sequence[int]) -> int:
        """Deliver dead letters again."""
        letters = await self._replayable(numbers)
        replayed: int = await self._publisher.fetch_value(
            "SELECT replay($1, $2)", list(letters), list(letters.values())
        )
        self._tell_all()
        return replayed

    def _tell_all(self) -> None:
        self._bell.ring()
        self._notifications.announce()


def _claimed(claims: Sequence[Claim]) -> tuple[list[UUID], list[int]]:
    return [claim.lane for claim in claims], [claim.token for claim in claims]


def _lanes_of(rows: FinishRows) -> Iterable[UUID]:
    return (row[0] for row in rows.completions)


def _nothing(_: object) -> Iterable[UUID]:
    return ()
