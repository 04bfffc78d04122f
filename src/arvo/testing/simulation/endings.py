"""What is to be found in the store when a run has come to rest, compared with the ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arvo.ports import WorkflowStatus
from arvo.testing.simulation.connection import at_once
from arvo.testing.simulation.violations import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from arvo.ports import StoredWorkflow
    from arvo.testing.simulation.run import Run

__all__ = ["Ending", "check_ending"]

_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Ending:
    """What disturbed and undisturbed runs are compared by."""

    workflows: int
    given_up: Mapping[tuple[str, str], str]
    """The dead letters, by handler and reason, with words for one."""
    unending: Mapping[str, str]
    """The inputs that began workflows which neither ended nor are parked, with words for one."""


def check_ending(ended: Run) -> Ending:
    """Look at the store. What must never be goes to the ledger, unless that has a violation already."""
    ledger = ended.ledger
    if not ledger.violations:
        _compare_contents(ended)
        _compare_workers(ended)
    workflows = at_once(ended.store.workflows(limit=_ALL))
    given_up = {
        (letter.handler, letter.reason): f"{ended.log.known(letter.event_id)} at {letter.handler}: {letter.error}"
        for _, letter in ledger.letters
    }
    return Ending(len(workflows), given_up, dict(_unending(ended, workflows)))


def _compare_contents(ended: Run) -> None:
    store, ledger = ended.store, ended.ledger
    late = Counter(ledger.lanes[timer.lane].handler for timer in ledger.timers.values() if timer.cancelled)
    should = Counter[str]()
    for lane in ledger.lanes.values():
        should[lane.handler] += len(lane.queue)
    should.update(ledger.lanes[timer.lane].handler for timer in ledger.timers.values() if not timer.cancelled)
    found = Counter({queue.handler: queue.deliveries + queue.timers for queue in at_once(store.queues())})
    for handler in sorted({*should, *found}):
        if found[handler] < should[handler]:
            text = f"{found[handler]} of {should[handler]} events for {handler} are left in the store"
            ledger.violate(Rule.NOTHING_LOST, text)
        elif found[handler] > should[handler] + late[handler]:
            extra = found[handler] - should[handler]
            ledger.violate(Rule.BOUNDED, f"{extra} events for {handler} are in the store that should be gone")
    waiting = {event.event_id for event in at_once(store.waiting(limit=_ALL))}
    if waiting != set(ledger.waiting):
        text = f"{len(waiting)} events wait for answers, but it should be {len(ledger.waiting)}"
        ledger.violate(Rule.NOTHING_LOST, text)
    letters = len(at_once(store.dead_letters(limit=_ALL)))
    if letters != len(ledger.letters):
        ledger.violate(Rule.NOTHING_LOST, f"there are {letters} dead letters, but it should be {len(ledger.letters)}")


def _compare_workers(ended: Run) -> None:
    now = ended.loop.time()
    known = {status.info.id for status in at_once(ended.store.workers())}
    for machine in ended.machines:
        if machine.worker is None or machine.worker.id not in known:
            continue
        gone_at = machine.left_at if machine.died_at is None else machine.died_at
        # A sign of life may still have been on its way, so it is others who have to notice, and they need time for it.
        if gone_at is not None and any(
            other.began_at < gone_at
            and other.was_well_since(0.0)
            and (other.left_at or now) - gone_at > 2 * ended.lease + 1
            for other in ended.machines
        ):
            text = f"{machine.name} has been gone for {now - gone_at:.1f} s, but is listed as a worker"
            ended.ledger.violate(Rule.BOUNDED, text)


def _unending(ended: Run, workflows: Sequence[StoredWorkflow]) -> Iterator[tuple[str, str]]:
    ledger = ended.ledger
    external = {contract.type for contract in ended.app.external}
    parked = {*ledger.waiting.values(), *(root for root, _ in ledger.letters)}
    for lane in ledger.lanes.values():
        if lane.handler in external:
            parked.update(arrival.root for arrival in lane.queue)
    active = {
        (workflow.handler, workflow.subject): workflow
        for workflow in workflows
        if workflow.status is WorkflowStatus.ACTIVE
    }
    for lane in ledger.lanes.values():
        if (lane.handler, lane.subject) in active and not lane.roots & parked:
            subject = ended.log.subject(lane.subject)
            for root in sorted(lane.roots):
                yield root, f"{lane.handler} {subject}, begun by {ended.log.known(root)}, waits for what never comes"
