"""The independent book of a simulated run: it hears of every call that reached the store and of every answer, and says
which of them break a promise. It never looks into the store.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from arvo.events import split_delay
from arvo.orchestration.timers import TIMER_ELAPSED, wanted_timers
from arvo.ports import FinishOutcome
from arvo.ports.records import decode_record
from arvo.ports.store import delivery_key
from arvo.testing.simulation.lane_book import Arrival, Holding, LaneBook, TimerEntry
from arvo.testing.simulation.run_log import WORLD
from arvo.testing.simulation.violations import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

    from arvo.events import Event
    from arvo.ports import Claim, Completion, NewDeadLetter, NewDelivery
    from arvo.testing.simulation.clock import SimulatedClock
    from arvo.testing.simulation.loop import Process
    from arvo.testing.simulation.machine import Handled
    from arvo.testing.simulation.run_log import RunLog

__all__ = ["Ledger"]

_NEVER = 1e9
_TIMERS = b'"timers"'


class Ledger:
    """What the store should hold. `served` are the handlers that somebody works for."""

    def __init__(self, served: Collection[str], log: RunLog, clock: SimulatedClock) -> None:
        self.lanes: dict[UUID, LaneBook] = {}
        self.timers: dict[UUID, TimerEntry] = {}
        self.waiting: dict[str, str] = {}
        """The inputs of the events that wait in a domain, by event id."""
        self.letters: list[tuple[str, NewDeadLetter]] = []
        """The dead letters, each with the input that it goes back to."""
        self.events: list[Event[Any]] = []
        """Every event that was stored, in that order."""
        self.violations: list[Violation] = []
        self.commits = 0
        self.open = 0
        """How many events wait for handlers that are served."""
        self.served = frozenset(served)
        self._log = log
        self._clock = clock
        self._now = clock.monotonic
        self._consumed: set[UUID] = set()
        self._roots: dict[str, str] = {}

    # What is asked of it.

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to be done for those who are served."""
        return not self.open and not any(self._is_served(timer) for timer in self.timers.values())

    def next_timer(self) -> datetime | None:
        """When the next timer of those who are served is due."""
        return min((timer.due for timer in self.timers.values() if self._is_served(timer)), default=None)

    def next_due(self) -> float:
        """After how many seconds something can be given out that cannot be now; very many if nothing can."""
        moments = [
            lane.holding.until if lane.holding is not None else lane.not_before or datetime.min.replace(tzinfo=UTC)
            for lane in self.lanes.values()
            if lane.queue and lane.handler in self.served
        ]
        moments += [timer.due for timer in self.timers.values() if self._is_served(timer)]
        return (min(moments) - self._clock.now()).total_seconds() if moments else _NEVER

    def root_of(self, event_id: str) -> str:
        """The input that an event goes back to."""
        return self._roots.get(event_id, event_id)

    def violate(self, rule: Rule, text: str) -> None:
        """Note a broken promise."""
        self.violations.append(Violation(rule, text, self._now()))
        self._log.note(WORLD, f"VIOLATION {rule}: {text}")

    def _is_served(self, timer: TimerEntry) -> bool:
        return not timer.cancelled and self.lanes[timer.lane].handler in self.served

    # What it hears of.

    def made(self, consumed: Event[Any], outputs: Sequence[Event[Any]]) -> None:
        """A handler made events of another one."""
        root = self.root_of(consumed.id)
        for output in outputs:
            self._roots.setdefault(output.id, root)

    def published(self, deliveries: Sequence[NewDelivery], now: datetime) -> None:
        """Deliveries came from outside."""
        for delivery in deliveries:
            self._take_in(delivery, self.root_of(delivery.event.id), now, None)

    def claimed(self, process: Process, worker: str, claims: Sequence[Claim], now: datetime) -> None:
        """The store gave lanes to a worker."""
        for claim in claims:
            lane = self.lanes.get(claim.lane)
            if lane is None:
                self.violate(Rule.NOTHING_LOST, f"a lane of {claim.handler} was given out that nothing was sent to")
                continue
            self._check_owner(lane, process, now)
            if lane.not_before is not None and now < lane.not_before:
                self.violate(Rule.ORDER, f"{self._of(lane)} was given out before the time of its next try")
            lane.attempts += 1
            if claim.attempts != lane.attempts:
                text = f"{self._of(lane)} was given out as try {claim.attempts}, but this is try {lane.attempts}"
                self.violate(Rule.ATTEMPTS, text)
            if (claim.revision, claim.record_json) != (lane.revision, lane.record_json):
                text = f"{self._of(lane)} came with record {claim.revision}, the latest is {lane.revision}"
                self.violate(Rule.RECORD, text)
            lane.holding = Holding(claim.token, worker, process, self._now(), claim.leased_until)
            self._check_given_out(lane, claim, now)

    def _check_owner(self, lane: LaneBook, process: Process, now: datetime) -> None:
        holding = lane.holding
        if holding is None:
            return
        if now < holding.until:
            text = f"{self._of(lane)} was given to {process.name} while {holding.process.name} had it"
            self.violate(Rule.ONE_OWNER, text)
        elif holding.process.was_well_since(holding.since):
            text = f"{holding.process.name} lost {self._of(lane)}, because the lease was not renewed"
            self.violate(Rule.KEPT_CLAIMS, text)

    def _check_given_out(self, lane: LaneBook, claim: Claim, now: datetime) -> None:
        for position, delivery in enumerate(claim.deliveries):
            expected = lane.queue[position].key if position < len(lane.queue) else None
            if delivery.key == expected:
                continue
            timer = self.timers.pop(delivery.key, None)
            if timer is not None:
                if now < timer.due:
                    early = (timer.due - now).total_seconds()
                    self.violate(Rule.TIMERS, f"{timer.arrival.name} came {early:.3f} s early")
                lane.queue.insert(position, timer.arrival)
                self._count(lane, 1)
                continue
            self._explain_wrong_delivery(lane, delivery.key, delivery.event().id)
            return

    def _explain_wrong_delivery(self, lane: LaneBook, key: UUID, event_id: str) -> None:
        name = self._log.known(event_id)
        if key in self._consumed:
            self.violate(Rule.ONCE, f"{name} was given out again, although it was done")
        elif any(arrival.key == key for arrival in lane.queue):
            self.violate(Rule.ORDER, f"{name} was given out before {lane.queue[0].name}, which arrived earlier")
        else:
            self.violate(Rule.NOTHING_LOST, f"{name} was given out, but was never stored, or cancelled in time")

    def finished(
        self,
        process: Process,
        completions: Sequence[Completion],
        outcomes: Sequence[FinishOutcome],
        now: datetime,
        handled: Mapping[tuple[str, str], Handled],
    ) -> None:
        """The store answered to completions; `handled` is what came of the events that this worker handled."""
        for completion, outcome in zip(completions, outcomes, strict=True):
            lane = self.lanes[completion.claim.lane]
            expected = self._expected(lane, completion)
            if outcome is not expected:
                self._explain_wrong_outcome(process, lane, outcome, expected)
            if outcome is FinishOutcome.COMMITTED:
                self._commit(lane, completion, now, handled)
            elif outcome is FinishOutcome.STALE and expected is outcome:
                lane.leave(attempts=max(lane.attempts - 1, 0))
            self._log.note(process.name, f"finish {self._of(lane)}: {outcome.value}{_told(completion)}")

    @staticmethod
    def _expected(lane: LaneBook, completion: Completion) -> FinishOutcome:
        if lane.holding is None or lane.holding.token != completion.claim.token:
            return FinishOutcome.FENCED
        return FinishOutcome.COMMITTED if completion.expected_revision == lane.revision else FinishOutcome.STALE

    def _explain_wrong_outcome(
        self, process: Process, lane: LaneBook, outcome: FinishOutcome, expected: FinishOutcome
    ) -> None:
        if outcome is not FinishOutcome.COMMITTED:
            text = f"what {process.name} did for {self._of(lane)} was refused ({outcome.value}) without a reason"
            self.violate(Rule.KEPT_CLAIMS, text)
        elif expected is FinishOutcome.FENCED:
            self.violate(Rule.ONE_OWNER, f"{process.name} committed for {self._of(lane)}, which it had lost")
        else:
            self.violate(Rule.RECORD, f"{process.name} overwrote a record of {self._of(lane)} that it had not read")

    def _commit(
        self,
        lane: LaneBook,
        completion: Completion,
        now: datetime,
        handled: Mapping[tuple[str, str], Handled],
    ) -> None:
        self.commits += 1
        outputs, root = self._consume_all(lane, completion, handled)
        for letter in completion.dead_letters:
            self.letters.append((self.root_of(letter.event_id), letter))
        if completion.record is not None:
            lane.revision += 1
            lane.record_json = completion.record.record_json
        self._check_outputs(completion, outputs)
        delays = {output.id: split_delay(output)[1] for output in outputs if output.extensions}
        for produced in completion.produced:
            self._take_in(produced, root, now, delays.get(produced.event.id))
        for event in completion.waiting:
            self.waiting[event.id] = self._roots.setdefault(event.id, root)
            self.events.append(event)
        for event_id in completion.answered:
            self.waiting.pop(event_id, None)
        for key in completion.cancelled_keys:
            self._cancel(key, now)
        self._check_timers(lane, completion)
        progress = bool(completion.consumed)
        if completion.retry is not None:
            lane.leave(attempts=1 if progress else lane.attempts, not_before=now + completion.retry.delay)
        elif completion.hold:
            lane.attempts = 1 if progress else lane.attempts
        else:
            lane.leave(attempts=0 if progress else max(lane.attempts - 1, 0))

    def _consume_all(
        self, lane: LaneBook, completion: Completion, handled: Mapping[tuple[str, str], Handled]
    ) -> tuple[list[Event[Any]], str]:
        """What came of the events that are done with, and the input that they go back to."""
        given_up = {letter.event_id for letter in completion.dead_letters}
        outputs: list[Event[Any]] = []
        root = ""
        latest = 0
        for delivery in completion.consumed:
            arrival = self._consume(lane, delivery.key)
            if arrival is None:
                continue
            root = root or arrival.root
            if arrival.event_id in given_up:
                continue
            made = handled.get((lane.handler, arrival.event_id))
            if made is None:
                self.violate(Rule.WHOLE, f"{arrival.name} was done with, but was not handled")
                continue
            if made.number < latest:
                self.violate(Rule.ORDER, f"{arrival.name} was handled before those that arrived earlier")
            latest = made.number
            outputs += made.outputs
        return outputs, root

    def _consume(self, lane: LaneBook, key: UUID) -> Arrival | None:
        if lane.queue and lane.queue[0].key == key:
            self._consumed.add(key)
            self._count(lane, -1)
            return lane.queue.pop(0)
        if key in self._consumed:
            self.violate(Rule.ONCE, f"an event of {self._of(lane)} was committed a second time")
        else:
            self.violate(Rule.ORDER, f"an event of {self._of(lane)} was committed before those that arrived earlier")
        return None

    def _check_outputs(self, completion: Completion, outputs: Sequence[Event[Any]]) -> None:
        stored = [delivery.event.id for delivery in completion.produced]
        waiting = {event.id for event in completion.waiting}
        wanted = _wanted(completion)
        at = 0
        for output in outputs:
            if output.id in waiting or (output.type == TIMER_ELAPSED and output.id not in wanted):
                continue
            if output.id not in stored:
                name = self._log.event(output.id, output.type)
                self.violate(Rule.WHOLE, f"{name} came of an event, but was not stored with it")
            elif output.id not in stored[at:]:
                name = self._log.event(output.id, output.type)
                self.violate(Rule.ORDER, f"{name} was stored before what had come of the event earlier")
            else:
                at = stored.index(output.id, at) + 1

    def _check_timers(self, lane: LaneBook, completion: Completion) -> None:
        arrived = {arrival.event_id for arrival in lane.queue}
        for event_id in sorted(_wanted(completion)):
            if event_id not in arrived and delivery_key(completion.claim.lane, event_id) not in self.timers:
                text = f"{self._of(lane)} waits for the timer {self._log.known(event_id)}, which will never elapse"
                self.violate(Rule.TIMERS, text)

    def renewed(self, claims: Sequence[Claim], lost: Sequence[Claim], lease: timedelta, now: datetime) -> None:
        """The store renewed leases."""
        for claim in claims:
            lane = self.lanes[claim.lane]
            holding = lane.holding
            is_lost = any(claim is one for one in lost)
            if holding is None or holding.token != claim.token:
                if not is_lost:
                    self.violate(Rule.ONE_OWNER, f"a lost claim on {self._of(lane)} was renewed")
            elif is_lost:
                self.violate(Rule.KEPT_CLAIMS, f"a claim on {self._of(lane)} was said to be lost")
            else:
                lane.holding = holding.renewed(now + lease)

    def released(self, claims: Sequence[Claim]) -> None:
        """A worker handed lanes back."""
        for claim in claims:
            lane = self.lanes[claim.lane]
            if lane.holding is not None and lane.holding.token == claim.token:
                lane.leave(attempts=lane.attempts - 1)

    def removed(self, workers: Sequence[str], process: Process) -> None:
        """Workers are gone, says a process."""
        for lane in self.lanes.values():
            holding = lane.holding
            if holding is None or holding.worker not in workers:
                continue
            if holding.process is not process and holding.process.was_well_since(holding.since):
                self.violate(Rule.KEPT_CLAIMS, f"{process.name} took {holding.process.name} for dead, which is well")
            lane.leave(attempts=lane.attempts)

    def answered(self, event_id: str) -> None:
        """An event that waited has its answer."""
        self.waiting.pop(event_id, None)

    # Its own book-keeping.

    def _take_in(self, delivery: NewDelivery, root: str, now: datetime, delay: timedelta | None) -> None:
        event, lane_id = delivery.event, delivery.lane
        key = delivery_key(lane_id, event.id)
        root = self._roots.setdefault(event.id, root)
        lane = self.lanes.get(lane_id)
        if lane is None:
            lane = self.lanes[lane_id] = LaneBook(delivery.handler, subject=event.subject)
        lane.roots.add(root)
        arrival = Arrival(key, event.id, self._log.event(event.id, event.type), root)
        due = delivery.due_at(now) if delay is None else now + delay
        if due is not None:
            if key not in self._consumed:
                self.events += [] if key in self.timers else [event]
                self.timers.setdefault(key, TimerEntry(arrival, lane_id, due))
        elif key not in self._consumed and all(other.key != key for other in lane.queue):
            lane.queue.append(arrival)
            self.events.append(event)
            self._count(lane, 1)

    def _cancel(self, key: UUID, now: datetime) -> None:
        timer = self.timers.get(key)
        if timer is None:
            return
        if timer.due > now:
            del self.timers[key]
        else:
            timer.cancelled = True

    def _count(self, lane: LaneBook, change: int) -> None:
        if lane.handler in self.served:
            self.open += change

    def _of(self, lane: LaneBook) -> str:
        return f"{lane.handler} {self._log.subject(lane.subject)}"


def _wanted(completion: Completion) -> frozenset[str]:
    """The timers that the workflow of a completion waits for from then on."""
    if completion.record is None or _TIMERS not in completion.record.record_json:
        return frozenset()
    return wanted_timers(decode_record(completion.record.record_json))


def _told(completion: Completion) -> str:
    parts = [f"{len(completion.consumed)} done"] if completion.consumed else []
    parts += [f"{len(completion.produced)} sent"] if completion.produced else []
    parts += [f"{len(completion.waiting)} waiting"] if completion.waiting else []
    parts += [f"{len(completion.cancelled)} timers cancelled"] if completion.cancelled else []
    parts += [f"dead letter ({letter.reason}): {letter.error}" for letter in completion.dead_letters]
    if completion.retry is not None:
        parts.append(f"again in {completion.retry.delay.total_seconds():.3f} s: {completion.retry.error}")
    return f", {', '.join(parts)}" if parts else ""
