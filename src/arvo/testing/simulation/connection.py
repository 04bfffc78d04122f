"""The way of one simulated process to the store that all share: calls and answers take time, and can go wrong on it.

A call that has left its process is carried out, even if the process dies meanwhile or does not want the answer any
more. The ledger hears of every call when it is carried out.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from arvo.errors import BackendError
from arvo.testing.simulation.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

    from arvo.backends.memory import InMemoryStore
    from arvo.ports import Claim, Completion, FinishOutcome, NewDelivery, Store, WorkerInfo, WorkerStatus
    from arvo.testing.simulation.faults import Fault
    from arvo.testing.simulation.ledger import Ledger
    from arvo.testing.simulation.machine import Machine
    from arvo.testing.simulation.strikes import Strikes

__all__ = ["Connection", "at_once"]

T = TypeVar("T")

_LEAST_SECONDS = 0.0002
_MOST_SECONDS = 0.006
_STIRRING = frozenset({"publish", "answer", "finish", "release", "remove"})
"""The calls after which there may be work that was not there before."""
_FAILING = (FaultKind.STORE_ERROR, FaultKind.APPLIED_BUT_FAILED, FaultKind.DROP_ACK)


def at_once(call: Coroutine[Any, Any, T]) -> T:
    """The result of a call to the in-memory store, which never waits for anything."""
    try:
        call.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    call.close()
    raise TypeError(f"{call!r} waited for something, so it cannot be carried out in one moment.")


class Connection:
    """The store as one process sees it. What is not listed here reaches it undisturbed."""

    def __init__(self, machine: Machine, store: InMemoryStore, ledger: Ledger, strikes: Strikes) -> None:
        self._machine = machine
        self._store = store
        self._ledger = ledger
        self._strikes = strikes
        self._loop = strikes.loop

    def as_store(self) -> Store:
        """The store as a worker takes it."""
        return cast("Store", self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    # The calls.

    async def publish(self, deliveries: Sequence[NewDelivery], *, once: str | None = None) -> int:
        """Store deliveries from outside."""

        def carry_out() -> int:
            new = at_once(self._store.publish(deliveries, once=once))
            self._ledger.published(deliveries, self._strikes.store_time())
            for delivery in deliveries:
                self._note(f"publish {self._strikes.log.known(delivery.event.id)} to {delivery.handler}: {new} new")
            return new

        return await self._call("publish", (), carry_out)

    async def answer(self, event_id: str, deliveries: Sequence[NewDelivery]) -> bool:
        """Answer a waiting event."""

        def carry_out() -> bool:
            answered = at_once(self._store.answer(event_id, deliveries))
            if answered:
                self._ledger.answered(event_id)
                self._ledger.published(deliveries, self._strikes.store_time())
            return answered

        return await self._call("answer", (), carry_out)

    async def claim(
        self, worker: str, handlers: Mapping[str, int], *, lanes: int, deliveries_per_lane: int, lease: timedelta
    ) -> Sequence[Claim]:
        """Take lanes."""
        faults = self._machine.place.pass_by("claim")
        mixed = any(fault.kind is FaultKind.REORDER for fault in faults)
        if mixed:
            lanes = 1 + int(lanes * self._machine.place.chance("reorder").share())
            handlers = dict(reversed(tuple(handlers.items())))

        def carry_out() -> Sequence[Claim]:
            claims = at_once(
                self._store.claim(worker, handlers, lanes=lanes, deliveries_per_lane=deliveries_per_lane, lease=lease)
            )
            self._claimed(worker, claims)
            return self._machine.place.chance("reorder").shuffled(claims) if mixed else claims

        return await self._call("claim", faults, carry_out)

    async def finish(self, completions: Sequence[Completion]) -> Sequence[FinishOutcome]:
        """Store what was done."""

        def carry_out() -> Sequence[FinishOutcome]:
            outcomes = at_once(self._store.finish(completions))
            now = self._strikes.store_time()
            self._ledger.finished(self._machine, completions, outcomes, now, self._machine.handled)
            self._strikes.committed(completions, outcomes)
            return outcomes

        return await self._call("finish", self._machine.place.pass_by("finish"), carry_out)

    async def finish_and_claim(
        self,
        completions: Sequence[Completion],
        lanes: Collection[UUID],
        *,
        worker: str,
        deliveries_per_lane: int,
        lease: timedelta,
    ) -> tuple[Sequence[FinishOutcome], Sequence[Claim]]:
        """Store what was done, and take lanes."""

        def carry_out() -> tuple[Sequence[FinishOutcome], Sequence[Claim]]:
            outcomes, claims = at_once(
                self._store.finish_and_claim(
                    completions, lanes, worker=worker, deliveries_per_lane=deliveries_per_lane, lease=lease
                )
            )
            now = self._strikes.store_time()
            self._ledger.finished(self._machine, completions, outcomes, now, self._machine.handled)
            self._strikes.committed(completions, outcomes)
            self._claimed(worker, claims)
            return outcomes, claims

        return await self._call("finish", self._machine.place.pass_by("finish"), carry_out)

    def _claimed(self, worker: str, claims: Sequence[Claim]) -> None:
        self._ledger.claimed(self._machine, worker, claims, self._strikes.store_time())
        for claim in claims:
            events = ", ".join(self._strikes.log.known(each.event().id) for each in claim.deliveries)
            self._note(f"claim {claim.handler} (try {claim.attempts}): {events}")

    async def renew(self, claims: Sequence[Claim], lease: timedelta) -> Sequence[Claim]:
        """Prolong leases."""

        def carry_out() -> Sequence[Claim]:
            lost = at_once(self._store.renew(claims, lease))
            self._ledger.renewed(claims, lost, lease, self._strikes.store_time())
            self._note(f"renew {len(claims)} claims: {len(lost)} lost")
            return lost

        return await self._call("renew", self._machine.place.pass_by("renew"), carry_out)

    async def release(self, claims: Sequence[Claim]) -> None:
        """Hand lanes back."""

        def carry_out() -> None:
            at_once(self._store.release(claims))
            self._ledger.released(claims)
            self._note(f"hand back {len(claims)} lanes")

        await self._call("release", (), carry_out)

    async def wait_for_work(self, handlers: Iterable[str], at_most: timedelta) -> None:  # noqa: ARG002 - the port's
        """Return when there may be work."""
        # Whoever stored something knows at once, others hear of it a little later.
        await self._strikes.exchange.wait(self._machine, at_most.total_seconds())

    async def heartbeat(self, worker: WorkerInfo) -> None:
        """Give a sign of life."""
        # Each worker on a machine of its own, so that others know of its death only by its silence.
        told = replace(worker, host=self._machine.name)
        await self._call(
            "heartbeat", self._machine.place.pass_by("heartbeat"), lambda: at_once(self._store.heartbeat(told))
        )

    async def workers(self) -> Sequence[WorkerStatus]:
        """All workers."""
        return await self._call(
            "workers", self._machine.place.pass_by("workers"), lambda: at_once(self._store.workers())
        )

    async def remove_workers(self, ids: Sequence[str]) -> int:
        """Forget workers."""

        def carry_out() -> int:
            freed = at_once(self._store.remove_workers(ids))
            self._ledger.removed(ids, self._machine)
            self._note(f"remove {len(ids)} workers: {freed} lanes freed")
            return freed

        return await self._call("remove", self._machine.place.pass_by("remove"), carry_out)

    # The way there and back.

    async def _call(self, call: str, faults: Sequence[Fault], carry_out: Callable[[], T]) -> T:
        if self._machine.is_over:
            raise BackendError("The simulation is over.")
        chance = self._machine.place.chance(call)
        there, back = _latency(chance.share()), _latency(chance.share())
        failing: Fault | None = None
        for fault in faults:
            if fault.kind in _FAILING:
                failing = fault
            elif fault.kind is FaultKind.DELAY:
                there, back = (there, back + fault.seconds) if fault.late else (there + fault.seconds, back)
                self._strikes.strike(fault, self._machine)
                self._machine.be_unwell(there + back)
            elif not fault.late:
                self._strikes.strike(fault, self._machine)
                # A process that is dead by now never comes back from this, and one that is held up only then.
                await asyncio.sleep(0)
        answer: asyncio.Future[T] = self._loop.create_future()
        # Scheduled in no process: what is under way does not end with the process that it came from.
        arrive = partial(self._arrive, faults, failing, carry_out, answer, back, stirs=call in _STIRRING)
        self._loop.call_later(there, arrive, context=Context())
        return await answer

    def _arrive(
        self,
        faults: Sequence[Fault],
        failing: Fault | None,
        carry_out: Callable[[], T],
        answer: asyncio.Future[T],
        back: float,
        *,
        stirs: bool,
    ) -> None:
        result: T | None = None
        error: Exception | None = None
        if failing is None or failing.kind is not FaultKind.STORE_ERROR:
            try:
                result = carry_out()
            except Exception as raised:  # noqa: BLE001 - it belongs to whoever called
                error = raised
            if stirs:
                self._strikes.exchange.stir()
        if failing is not None:
            self._strikes.strike(failing, self._machine)
            error = BackendError(f"The simulated store did not answer ({failing.kind}).")
            back += failing.seconds
            self._machine.be_unwell(back)
        for fault in faults:
            if fault.late and fault.kind not in _FAILING and fault.kind is not FaultKind.DELAY:
                self._strikes.strike(fault, self._machine)
        self._loop.call_later(back, _deliver, answer, result, error, context=Context())

    def _note(self, text: str) -> None:
        self._strikes.log.note(self._machine.name, text)


def _deliver(answer: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


def _latency(share: float) -> float:
    """Mostly short."""
    return _LEAST_SECONDS + share**3 * _MOST_SECONDS
