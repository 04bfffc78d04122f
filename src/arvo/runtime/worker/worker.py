"""`Worker`: takes events from a store, runs the handlers of an app on them, and stores all that comes of it at once.

One loop claims for the whole process and deals the lanes to tasks (`lane_run`); `finisher` stores what they leave,
`leases` keeps what takes long, `presence` tells the living from the dead.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from arvo.errors import BackendError, DefinitionError
from arvo.events import new_event_id
from arvo.ports import Completion, FinishOutcome, RetryLater, SystemClock
from arvo.runtime.deadline import deadline
from arvo.runtime.worker.finisher import Finisher
from arvo.runtime.worker.gauges import Gauges
from arvo.runtime.worker.grave import report
from arvo.runtime.worker.hands import Hands
from arvo.runtime.worker.health import WorkerHealth
from arvo.runtime.worker.lane_run import LaneRun, Result, Surroundings
from arvo.runtime.worker.leases import Leases
from arvo.runtime.worker.occurrences import Occurrences
from arvo.runtime.worker.onward import Onward
from arvo.runtime.worker.patience import Patience
from arvo.runtime.worker.posts import posts_of
from arvo.runtime.worker.presence import Presence, own_info
from arvo.runtime.worker.report import WorkerReport
from arvo.runtime.worker.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence
    from datetime import datetime

    from arvo.ports import Claim, Clock, Store
    from arvo.runtime.app import App
    from arvo.runtime.dead_letters import DeadLetter
    from arvo.runtime.worker.hands import Hand
    from arvo.runtime.worker.relay import Relay

__all__ = ["Worker"]

logger = logging.getLogger("arvo.runtime")

_CHAIN_SECONDS = 0.05
"""How long the deliveries of one lane may be run before what came of them so far is stored."""
_GROUPS_AT_ONCE = 2
"""So that handlers run while the store is busy with what others have left, and the store while handlers run."""
_LONGEST_WAIT = timedelta(seconds=5)
_CANCELLED_DELAY = timedelta(seconds=1)
_FRUITLESS_CLAIMS = 3
"""After so many claims in a row that gave nothing the worker takes a breather: somebody else is about to take it."""
_BREATHER_SECONDS = 0.005
_LAST_CLAIM_SECONDS = 1.0
_FAREWELL_SECONDS = 5.0
_HEARTBEATS_WITHOUT_ANSWER = 3
"""After so many without any answer of the store a worker is not ready."""


class Worker:
    """Works for `app` on what is in `store`.

        async with SqliteStore("sqlite:///orders.db") as store:
            await Worker(app, store).run()

    Any number of workers may share a store: in this process, on this machine, on others. `concurrency` bounds how many
    lanes (a handler and a subject) are worked on at once in all, each handler's own `concurrency` how many of that
    handler. `sources` names the handlers to serve, all by default. A lane is claimed for `lease`, which is renewed
    while its handler runs; so `lease` is also how long the lanes of a worker stay closed that vanished together with
    its machine. A claim takes up to `deliveries_per_lane` events of one subject, which are then stored together.
    With a `relay`, what is for addresses beyond the app leaves by it.

    Everything that comes of an event is stored in one transaction: the state of the workflow, the produced events, the
    note that it was consumed. Of what other processes take part in there is no exactly-once, so a handler should hand
    `ctx.idempotency_key` to whatever it calls.
    """

    def __init__(
        self,
        app: App,
        store: Store,
        *,
        concurrency: int = 64,
        sources: Iterable[str] | None = None,
        lease: timedelta = timedelta(seconds=30),
        heartbeat: timedelta = timedelta(seconds=5),
        drain_timeout: timedelta = timedelta(seconds=30),
        deliveries_per_lane: int = 16,
        relay: Relay | None = None,
        clock: Clock | None = None,
    ) -> None:
        _check(concurrency=concurrency, deliveries_per_lane=deliveries_per_lane)
        _check_times(lease=lease, heartbeat=heartbeat)
        self.id = new_event_id()
        self._app = app
        self._store = store
        self._lease = lease
        self._heartbeat = heartbeat
        self._drain_timeout = drain_timeout
        self._deliveries_per_lane = deliveries_per_lane
        self._clock = SystemClock() if clock is None else clock
        posts = posts_of(app, sources, relay)
        self._info = own_info(self.id, posts)
        self._hands = Hands(posts, concurrency)
        self._surroundings = Surroundings(app, Routes(app, relay), self._clock)
        self._patience = Patience(self._clock)
        self._onward = Onward(
            store,
            self._hands,
            self._clock,
            worker=self.id,
            deliveries_per_lane=deliveries_per_lane,
            lease=lease,
            begin=self._go_on,
        )
        self._finisher = Finisher(self._onward, self._patience, self._surroundings, self._settle)
        self._leases = Leases(store, self._hands, lease, self._clock)
        self._presence = Presence(store, self._info, self._patience, self._clock, heartbeat=heartbeat, lease=lease)
        self._gauges = Gauges(store, self._hands, self._clock)
        self._report = WorkerReport()
        self._letters: asyncio.Queue[DeadLetter] = asyncio.Queue()
        self._started_at: datetime | None = None
        self._ended = False
        self._group: asyncio.TaskGroup | None = None
        self._aborting = False
        self._crowded = True
        """Whether more may be waiting than there was room for when the claimer last looked."""
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        """Set when there is room for more, or reason to stop; look before you believe it."""
        self._settled = asyncio.Event()
        """Set when nothing may be in hand any more; look before you believe it."""

    @property
    def serves(self) -> tuple[str, ...]:
        """The addresses whose events it takes."""
        return self._info.handlers

    @property
    def report(self) -> WorkerReport:
        """What was done so far."""
        return self._report

    def health(self) -> WorkerHealth:
        """How it is doing. Cheap: nothing is asked of the store."""
        answered_at = self._patience.answered_at
        silent_for = None if answered_at is None else timedelta(seconds=self._clock.monotonic() - answered_at)
        running = self._started_at is not None and not self._ended and not self._stopping.is_set()
        return WorkerHealth(
            worker=self.id,
            started_at=self._started_at,
            last_answer_at=None if silent_for is None else self._clock.now() - silent_for,
            silent_for=silent_for,
            lanes=len(self._hands),
            stopping=self._stopping.is_set(),
            ready=running and silent_for is not None and silent_for <= self._heartbeat * _HEARTBEATS_WITHOUT_ANSWER,
        )

    def stop(self) -> None:
        """Claim nothing more, and have `run` return once what runs is done. May be called from a signal handler."""
        self._stopping.set()
        self._onward.stop()
        self._changed.set()

    async def run(self) -> WorkerReport:
        """Work until `stop` is called, then finish what runs within `drain_timeout` and hand back the rest.

        A store that does not answer is asked again until it does. Whatever ends this otherwise (a cancellation, a
        defect) leaves nothing half done: others take the claimed lanes, soon or when their leases end.
        """
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._started_at = self._clock.now()
                await self._presence.show()
                background = [
                    *(group.create_task(self._finisher.run()) for _ in range(_GROUPS_AT_ONCE)),
                    group.create_task(self._leases.run()),
                    group.create_task(self._presence.run()),
                    group.create_task(self._gauges.run(self._heartbeat)),
                    group.create_task(self._report_letters()),
                    group.create_task(Occurrences(self._app, self._store, self._patience, self._clock).run()),
                ]
                claiming = group.create_task(self._claim_until_stopped())
                await self._stopping.wait()
                await self._drain(claiming, group)
                for task in background:
                    task.cancel()
        finally:
            self._ended = True
            await self._leave()
        return self._report

    # Claiming.

    async def _claim_until_stopped(self) -> None:
        fruitless = 0
        while not self._stopping.is_set():
            self._changed.clear()
            now = self._clock.monotonic()
            by_address, lanes = self._hands.room(now)
            next_token = self._hands.next_token(now)
            self._crowded = True
            if lanes == 0:
                await (self._changed.wait() if next_token is None else self._changed_or(self._clock.sleep(next_token)))
                continue
            self._hands.take_tokens(by_address, now)
            self._hands.ask(by_address, lanes)
            claims = await self._patience.ask("give any work", partial(self._claim, by_address, lanes))
            self._hands.ask({}, 0)
            self._hands.return_tokens(by_address, claims)
            if self._stopping.is_set():
                await self._hand_back(claims)
                return
            self._begin(claims)
            fruitless = 0 if claims else fruitless + 1
            if fruitless >= _FRUITLESS_CLAIMS:
                await self._clock.sleep(_BREATHER_SECONDS)
            if len(claims) < lanes:
                self._crowded = self._hands.is_crowded(by_address, claims)
                await self._wait_for_work(by_address, next_token)

    def _begin(self, claims: Sequence[Claim], *, onward: bool = False) -> None:
        assert self._group is not None  # noqa: S101 - nothing is claimed but while it runs
        for claim in claims:
            hand = self._hands.take(claim, self._clock.monotonic(), onward=onward)
            hand.task = self._group.create_task(self._work_on(hand))

    def _go_on(self, claims: Sequence[Claim]) -> None:
        """Begin with what was produced here, unless the worker is to stop by now."""
        if not self._stopping.is_set():
            self._begin(claims, onward=True)
        elif self._group is not None:
            self._group.create_task(self._hand_back(claims))

    async def _claim(self, by_address: dict[str, int], lanes: int) -> Sequence[Claim]:
        return await self._store.claim(
            self.id, by_address, lanes=lanes, deliveries_per_lane=self._deliveries_per_lane, lease=self._lease
        )

    async def _wait_for_work(self, by_address: dict[str, int], next_token: float | None) -> None:
        """Return when there may be work for one of these addresses, or room at another."""
        at_most = _LONGEST_WAIT if next_token is None else min(_LONGEST_WAIT, timedelta(seconds=next_token))
        wait = partial(self._store.wait_for_work, tuple(by_address), at_most)
        await self._changed_or(self._patience.ask("tell of new work", wait))

    async def _changed_or(self, something: Coroutine[Any, Any, None]) -> None:
        """Return when something is done, or there may be room for more, or reason to stop."""
        waiting = asyncio.ensure_future(something)
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((waiting, changed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            changed.cancel()
        with suppress(asyncio.CancelledError):
            await waiting

    # Working.

    async def _work_on(self, hand: Hand) -> None:
        started = self._clock.monotonic()

        def may_go_on() -> bool:
            now = self._clock.monotonic()
            return not self._stopping.is_set() and now - started < _CHAIN_SECONDS and hand.post.may_begin(now)

        try:
            result = await LaneRun(hand.claim, hand.post, self._surroundings).run(may_go_on)
        except asyncio.CancelledError:
            self._end(hand)
            if hand.lost:
                self._over(hand.claim, refused=1)
            elif not self._aborting:
                # The handler cancelled the task that it ran in.
                error = f"The task in which {hand.claim.handler!r} ran was cancelled, not by the worker."
                retry = RetryLater(delay=_CANCELLED_DELAY, error=error)
                self._finisher.submit(Result(Completion(claim=hand.claim, retry=retry)))
            raise
        self._end(hand)
        self._finisher.submit(result)

    def _end(self, hand: Hand) -> None:
        self._hands.ran(hand)
        self._has_room()

    def _settle(self, result: Result, outcome: FinishOutcome) -> None:
        completion = result.completion
        if outcome is not FinishOutcome.COMMITTED:
            logger.warning(
                "What came of %d events for %r was refused (%s): the claim had been lost, or the record changed.",
                len(completion.consumed),
                completion.claim.handler,
                outcome.value,
            )
            self._over(completion.claim, refused=1)
            return
        self._over(
            completion.claim,
            deliveries=len(completion.consumed),
            retries=int(completion.retry is not None),
            dead_letters=len(completion.dead_letters),
        )
        for letter in result.letters:
            self._letters.put_nowait(letter)

    def _over(self, claim: Claim, **counts: int) -> None:
        self._hands.drop(claim)
        self._report = self._report.plus(**counts)
        self._has_room()
        self._settled.set()

    def _has_room(self) -> None:
        """Have the claimer look again, if there may have been more than it had room for."""
        if self._crowded:
            self._changed.set()

    async def _report_letters(self) -> None:
        """Run the hooks beside everything else: the letters are stored, and nothing has to wait for them."""
        while True:
            await report(await self._letters.get(), self._app.hooks)
            self._letters.task_done()

    # Living and dying.

    async def _drain(self, claiming: asyncio.Task[None], group: asyncio.TaskGroup) -> None:
        """Let the work end, and cancel what of it has not after the timeout."""
        await asyncio.wait((claiming,), timeout=_LAST_CLAIM_SECONDS)
        claiming.cancel()
        with suppress(TimeoutError):
            async with deadline(self._clock, self._drain_timeout, group):
                while self._hands:
                    self._settled.clear()
                    await self._settled.wait()
                await self._letters.join()
        self._aborting = True
        for hand in self._hands:
            if hand.task is not None:
                hand.task.cancel()

    async def _leave(self) -> None:
        """Hand back what is left in hand, and take the worker off the list."""
        left = [hand.claim for hand in self._hands if not hand.lost]
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                if self._stopping.is_set():
                    await self._hand_back(left)
                await self._store.remove_workers([self.id])
        except (BackendError, TimeoutError):
            logger.warning("The store did not hear that worker %s ended; its leases will.", self.id, exc_info=True)

    async def _hand_back(self, claims: Sequence[Claim]) -> None:
        if claims:
            await self._store.release(claims)
            self._report = self._report.plus(released=len(claims))


def _check(**limits: int) -> None:
    for name, value in limits.items():
        if value < 1:
            raise DefinitionError(f"{name} is {value}, so no event could ever be handled. Give it 1 or more.")


def _check_times(**times: timedelta) -> None:
    for name, value in times.items():
        if value <= timedelta(0):
            raise DefinitionError(f"{name} is {value}. Give it a time above zero.")
