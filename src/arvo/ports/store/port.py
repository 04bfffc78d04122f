"""The Store port. Back ends are written from the docstrings here; `arvo.testing.store` checks them against every one.

`WorkStore` is what a worker needs, `StoreInspection` what an operator needs; a `Store` is both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType
    from uuid import UUID

    from arvo.ports.store.inspection import (
        Pruned,
        QueueStatus,
        Retention,
        SchemaUpgrade,
        StoreCounts,
        StoredDeadLetter,
        StoredLane,
        StoredTimer,
        StoredWorkflow,
        WaitingEvent,
        WorkerStatus,
    )
    from arvo.ports.store.work import (
        Amendment,
        Claim,
        Completion,
        Delivery,
        FinishOutcome,
        NewDelivery,
        WorkerInfo,
        WorkflowStatus,
    )

__all__ = ["Store", "StoreInspection", "WorkStore"]


class WorkStore(Protocol):
    """Keeps deliveries, the lanes they wait in, and the records of workflows.

    A *lane* is a handler and a subject: the unit of order and of leasing. Promises that hold for the whole port:

    - *Order.* Deliveries of a lane are handed out in order of arrival. An event arrives when the call that stores it
      commits, events of one call in the order given; a timer arrives when it is due, timers that are due together in
      the order of their times. A failed delivery that is to be retried keeps its lane closed: nothing overtakes it.
    - *One owner.* At most one claim on a lane is valid at any time, over all processes and machines. A claim ends when
      it is finished or released, or when its lease ran out and somebody else claimed the lane, or when its worker was
      removed. What comes after that under its token is refused.
    - *Once.* The same event (by id) is taken in at most once per lane: it is dropped when it waits there already or
      was consumed there and is still remembered (see `Retention.consumed_ids`).
    - *All or nothing.* Every call is one transaction: durable as a whole once it returns (claims and renewals alone
      may be forgotten when the store crashes, which ends them), and without any effect when it raises. A store may put
      several calls into one transaction, but one of them failing does not harm the others.
    - *Repeatable.* A call whose answer was lost (`BackendError`) may or may not have happened; making it again is safe.
    - *Time.* The store has one clock for all its users; leases and timers of machines with wrong clocks are right.
    - *Values.* Events and records come back byte for byte, whatever Unicode they hold, up to 1 MB at least.
    - *Errors.* A store that does not answer, or is not what it should be, raises `BackendError`, which says what to
      do and never contains a password.
    - *Cancellation.* A cancelled call may or may not take effect, even shortly afterwards, but never by half.
    """

    async def __aenter__(self) -> Self:
        """Make ready: `BackendError` when the store is not there or its tables are not those of this version."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    async def close(self) -> None:
        """Finish what was asked for and let go of everything. May be called more than once; nothing works then."""
        ...

    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        """Store deliveries and timers that come from outside, and return how many were new.

        Duplicates are dropped (see *Once*). With `once` the whole call is dropped when one with the same key was
        carried out before; keys are remembered like consumed ids, counted from the latest `due` of the call.
        """
        ...

    async def claim(
        self,
        worker: str,
        handlers: Mapping[str, int],
        *,
        lanes: int,
        deliveries_per_lane: int,
        lease: timedelta,
    ) -> Sequence[Claim]:
        """Take up to `lanes` lanes that are due, of each handler at most as many as `handlers` says.

        Lanes of higher priority come first, then those that are due longest. Timers that are due arrive first of all.
        The call never waits for work, nor for lanes that others are just taking; it may return fewer than there are
        when others claim at the same moment. A process should have one claimer, not one per task.
        """
        ...

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        """Carry out completions in one transaction, and return what became of each, in the order given.

        Those that are refused (fenced, stale) leave no trace and do not keep the others from being carried out; when
        the call raises, none was. Timers that are cancelled but have arrived already stay where they are. What was
        produced for a lane of the same call arrives there after what is in it. Events that are answered but do not wait
        (any more) are ignored. At most one completion per lane.
        """
        ...

    async def finish_and_claim(
        self,
        completions: Sequence[Completion],
        lanes: Collection[UUID],
        *,
        worker: str,
        deliveries_per_lane: int,
        lease: timedelta,
    ) -> tuple[Sequence[FinishOutcome], Sequence[Claim]]:
        """Carry out completions as `finish` does, and then, in the same transaction, claim some lanes as `claim` does.

        Of `lanes` those are claimed that are due when everything is carried out: so a worker goes on with what it has
        just produced, without asking for it. What is due elsewhere, it still has to claim. When the call raises,
        nothing was claimed either, or what was is free again when its lease ends.
        """
        ...

    async def collect(self, handler: str, subject: str) -> Sequence[Delivery]:
        """Take everything that has arrived in one lane, in order, and consume it; nothing while the lane is leased.

        For callers that wait for an answer to what they sent. Looking is cheap when there is nothing. What was taken
        is gone, even if whoever asked does not get to see it: what must not be lost is claimed and finished instead.
        """
        ...

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        """Let the leases run for `lease` from now on, and return the claims that were lost, empty if all is well."""
        ...

    async def release(self, claims: Sequence[Claim]) -> None:
        """Hand lanes back untouched: they are due at once, and the attempt does not count. Lost claims are ignored."""
        ...

    async def wait_for_work(self, handlers: Iterable[str], at_most: timedelta) -> None:
        """Return when a lane of one of the handlers may be due, or after `at_most`, whichever comes first.

        Work stored through this instance ends the wait at once, work of other processes soon (a notification, or a
        poll several times a second), lanes and timers that become due when they do. Returning early is allowed.
        """
        ...

    async def heartbeat(self, worker: WorkerInfo) -> None:
        """Note that the worker is alive; the first call introduces it."""
        ...

    async def remove_workers(self, ids: Sequence[str]) -> int:
        """Forget workers that are dead, or that stop, and free their lanes at once; return how many lanes that were.

        A worker that is alive after all loses its claims, nothing else. The attempts it had begun count.
        """
        ...


class StoreInspection(Protocol):
    """Shows what is in a store, and lets an operator act on it.

    Lists come in pages: pass the last item of one page as `after` to get the next. What changes meanwhile may or may
    not show. Nothing here slows the workers down more than reading does.
    """

    async def queues(self) -> Sequence[QueueStatus]:
        """What waits for each handler, by name; handlers for which nothing waits are left out."""
        ...

    async def counts(self) -> StoreCounts:
        """How many workflows, dead letters and waiting events there are, and how much was done lately."""
        ...

    async def workers(self) -> Sequence[WorkerStatus]:
        """All workers that were introduced and not removed, by id."""
        ...

    async def lanes(self, handler: str, *, after: StoredLane | None = None, limit: int = 100) -> Sequence[StoredLane]:
        """The lanes of a handler that have work, in the order in which they will be claimed."""
        ...

    async def lane(self, handler: str, subject: str) -> StoredLane | None:
        """One lane, None when it has no work."""
        ...

    async def timers(
        self,
        *,
        handler: str | None = None,
        lane: UUID | None = None,
        after: StoredTimer | None = None,
        limit: int = 100,
    ) -> Sequence[StoredTimer]:
        """What will arrive later, the next one first; of one handler or lane, or all."""
        ...

    async def workflow(self, handler: str, subject: str) -> StoredWorkflow | None:
        """One workflow, None when there is no record."""
        ...

    async def numbered_workflow(self, number: int) -> StoredWorkflow | None:
        """One workflow by its number, None when there is none with it."""
        ...

    async def workflows(
        self,
        *,
        handler: str | None = None,
        status: WorkflowStatus | None = None,
        parent_subject: str | None = None,
        after: StoredWorkflow | None = None,
        limit: int = 100,
    ) -> Sequence[StoredWorkflow]:
        """Workflows, the newest first, those that fit all that is given."""
        ...

    async def amend(self, amendment: Amendment) -> bool:
        """Change a workflow from outside; False, and nothing happened, when the record has another revision.

        Whoever works on the lane at that time has its completion refused as stale (or fenced, when the lane was
        emptied).
        """
        ...

    async def dead_letters(
        self, *, handler: str | None = None, after: StoredDeadLetter | None = None, limit: int = 100
    ) -> Sequence[StoredDeadLetter]:
        """Dead letters, the oldest first."""
        ...

    async def dead_letter(self, number: int) -> StoredDeadLetter | None:
        """One dead letter, None when there is none with this number."""
        ...

    async def replay(self, numbers: Sequence[int]) -> int:
        """Deliver dead letters again, at the end of their lanes and with a new count of attempts; return how many.

        A letter leaves the list in the same transaction, and its event is not taken for a duplicate. Letters whose
        event cannot be decoded stay and are not counted; neither are numbers without a letter.
        """
        ...

    async def discard(self, numbers: Sequence[int]) -> int:
        """Remove dead letters for ever; return how many there were. Their events still count as consumed."""
        ...

    async def waiting(
        self, *, domain: str | None = None, after: WaitingEvent | None = None, limit: int = 100
    ) -> Sequence[WaitingEvent]:
        """Events that wait for an answer, the oldest first."""
        ...

    async def waiting_event(self, event_id: str) -> WaitingEvent | None:
        """One waiting event, None when none has this id."""
        ...

    async def answer(self, event_id: str, deliveries: Sequence[NewDelivery]) -> bool:
        """Deliver the answer to a waiting event, which waits no longer; False when it does not wait (any more).

        Of several who answer one event, one succeeds. No deliveries: the event is given up without an answer.
        """
        ...

    async def drop_unclaimed(self, handler: str, older_than: timedelta) -> int:
        """Remove what arrived for one address longer ago than `older_than` and nobody took; return how much that was.

        For addresses that nobody serves, such as those of callers that are gone. Their events count as consumed. Lanes
        that are being worked on are left alone, and so are timers. Small transactions, so that workers go on meanwhile.
        """
        ...

    async def prune(self, retention: Retention) -> Pruned:
        """Remove what has been kept long enough, in small transactions, so that workers go on meanwhile."""
        ...

    async def upgrade(self) -> SchemaUpgrade:
        """Bring the tables up to date, making them if there are none; `BackendError` when they are newer than this.

        Safe to call from many processes at once.
        """
        ...


class Store(WorkStore, StoreInspection, Protocol):
    """A durable store as workers and operators use it."""
