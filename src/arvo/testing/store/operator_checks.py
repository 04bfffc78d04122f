"""Checks of what an operator sees and does: dead letters, waiting events, amendments, pruning. Lists: `list_checks`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from arvo.errors import BackendError
from arvo.ports.store import (
    Amendment,
    Completion,
    FinishOutcome,
    NewDeadLetter,
    Pruned,
    Retention,
    WorkflowStatus,
)
from arvo.testing.conformance import require
from arvo.testing.store.scene import (
    HANDLER,
    checks_of,
    claim_one,
    claim_some,
    delivery,
    event,
    finish_all,
    ids,
    letter,
    publish,
    record,
    require_ids,
    require_nothing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.ports.store import NewDelivery, RecordWrite, Store
    from arvo.testing.store.under_test import StoreUnderTest

__all__ = ["OPERATOR_CHECKS"]


async def _bury(store: Store, *letters: NewDeadLetter) -> None:
    """Have events given up, each by the lane that it came to."""
    for one in letters:
        await publish(store, one.event_id)
    claim = await claim_one(store)
    await store.finish([Completion(claim=claim, consumed=claim.deliveries, dead_letters=letters)])


async def dead_letter_tells_everything(subject: StoreUnderTest) -> None:
    """A dead letter is shown as it was given up, in the list and by its number, and not under any other."""
    given_up = letter("a")
    await _bury(subject.store, given_up)
    (stored,) = await subject.peer.dead_letters()
    require(stored.letter == given_up, f"it was listed as {stored.letter}")
    require(await subject.peer.dead_letter(stored.number) == stored, "it was shown otherwise by its number")
    require(await subject.peer.dead_letter(stored.number + 1) is None, "it was shown under another number as well")


async def replayed_letter_arrives_again(subject: StoreUnderTest) -> None:
    """A replayed letter leaves the list and arrives behind what waits, although its event was consumed before."""
    await _bury(subject.store, letter("a"), letter("b"))
    await publish(subject.store, "c")
    numbers = [stored.number for stored in await subject.store.dead_letters()]
    replayed = await subject.peer.replay([numbers[0], 10**9, numbers[0]])
    require(replayed == 1, f"{replayed} letters were reported as replayed instead of 1")
    left = [stored.letter.event_id for stored in await subject.store.dead_letters()]
    require(left == ["b"], f"the list was then {left}")
    claim = await claim_one(subject.store)
    require_ids(claim, "c", "a")
    require(claim.attempts == 1, f"it came as attempt number {claim.attempts}")


async def letter_is_replayed_once(subject: StoreUnderTest) -> None:
    """Of many who replay the same letter at once, one succeeds, and the event arrives once."""
    await _bury(subject.store, letter("a"))
    (stored,) = await subject.store.dead_letters()
    stores = (subject.store, subject.peer) * 4
    counts = await asyncio.gather(*(store.replay([stored.number]) for store in stores))
    require(sum(counts) == 1, f"{sum(counts)} of them were told that they replayed it")
    require_ids(await claim_one(subject.store), "a")


async def letter_that_cannot_be_read_stays(subject: StoreUnderTest) -> None:
    """A letter whose event cannot be decoded is shown, but not replayed, and does not keep others from it."""
    broken = NewDeadLetter(handler=HANDLER, event_id="b", event_json=b"no event", reason="poison", error="\0\ud800")
    await _bury(subject.store, letter("a"), broken)
    numbers = [stored.number for stored in await subject.store.dead_letters()]
    replayed = await subject.store.replay(numbers)
    require(replayed == 1, f"{replayed} letters were reported as replayed instead of 1")
    left = [stored.letter.event_json for stored in await subject.store.dead_letters()]
    require(left == [b"no event"], f"the list was then {left}")


async def discarded_letter_is_gone(subject: StoreUnderTest) -> None:
    """A discarded letter is gone for ever, and its event still counts as consumed."""
    await _bury(subject.store, letter("a"))
    (stored,) = await subject.store.dead_letters()
    discarded = await subject.peer.discard([stored.number, stored.number + 1])
    require(discarded == 1, f"{discarded} letters were reported as discarded instead of 1")
    require(await subject.store.dead_letter(stored.number) is None, "it could still be found")
    require(await subject.store.replay([stored.number]) == 0, "it could still be replayed")
    await publish(subject.store, "a")
    await require_nothing(subject.store, "although it had been consumed before it was given up")


async def waiting_event_is_answered_once(subject: StoreUnderTest) -> None:
    """Of many who answer a waiting event one succeeds; its answer arrives, and the event waits no longer."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    waiting = [event("ask", domain="human"), event("ask too", domain="human")]
    await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries, waiting=waiting)])
    stores = (subject.store, subject.peer) * 4
    answered = await asyncio.gather(*(store.answer("ask", [delivery(str(n))]) for n, store in enumerate(stores)))
    require(sum(answered) == 1, f"{sum(answered)} answers were accepted")
    require_ids(await claim_one(subject.store), str(answered.index(True)))
    require(await subject.store.waiting_event("ask") is None, "it still waited")
    require(await subject.store.answer("ask too", []) is True, "an event could not be given up without an answer")
    require(not await subject.store.waiting(), "an event that was given up still waited")
    require(await subject.store.answer("unknown", [delivery("x")]) is False, "an unknown event could be answered")


async def event_waits_once(subject: StoreUnderTest) -> None:
    """An event that waits already does not wait twice."""
    for id_ in ("a", "b"):
        await publish(subject.store, id_)
        claim = await claim_one(subject.store)
        ask = [event("ask", domain="human")]
        outcomes = await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries, waiting=ask)])
        require(list(outcomes) == [FinishOutcome.COMMITTED], f"the outcome was {outcomes}")
    found = [waiting.event_id for waiting in await subject.store.waiting()]
    require(found == ["ask"], f"what waited was {found}")


def _amendment(
    revision: int, *, produced: Sequence[NewDelivery] = (), drop_pending: bool = False, text: str = '{"by":"operator"}'
) -> Amendment:
    amended: RecordWrite = record(text=text, status=WorkflowStatus.CANCELLED)
    return Amendment(handler=HANDLER, revision=revision, record=amended, produced=produced, drop_pending=drop_pending)


async def amendment_needs_the_current_revision(subject: StoreUnderTest) -> None:
    """An amendment is carried out on the revision it was made for, and refused without a trace on any other."""
    require(await subject.store.amend(_amendment(1)) is False, "a record that is not there was amended")
    require(await subject.store.workflow(HANDLER, "order-1") is None, "a refused amendment made a record")
    require(await subject.store.amend(_amendment(0, produced=[delivery("a")])) is True, "a first record was refused")
    refused = await subject.peer.amend(_amendment(0, produced=[delivery("b")], text="{}"))
    require(refused is False, "a record was amended on a revision that it no longer had")
    require_ids(await claim_one(subject.store), "a")
    stored = await subject.store.workflow(HANDLER, "order-1")
    seen = None if stored is None else (stored.record_json, stored.revision, stored.status)
    require(seen == (b'{"by":"operator"}', 1, WorkflowStatus.CANCELLED), f"the record was then {seen}")


async def amendment_makes_running_work_stale(subject: StoreUnderTest) -> None:
    """Work that was under way on an amended workflow is refused, and comes again with the amended record."""
    await publish(subject.store, "a")
    claim = await claim_one(subject.store)
    await subject.peer.amend(_amendment(0, produced=[delivery("b")]))
    completion = Completion(claim=claim, consumed=claim.deliveries, record=record(text="{}"))
    outcomes = await subject.store.finish([completion])
    require(list(outcomes) == [FinishOutcome.STALE], f"the outcome was {outcomes}")
    claim = await claim_one(subject.store)
    require_ids(claim, "a", "b")
    require(claim.record_json == b'{"by":"operator"}', f"the record was then {claim.record_json!r}")


async def amendment_can_drop_what_waits(subject: StoreUnderTest) -> None:
    """An amendment that drops what waits empties the lane, timers too, and takes it from whoever works on it."""
    await subject.store.publish([delivery("a"), delivery("t", due=subject.span * 0.5), delivery("x", handler="com.b")])
    claim = await claim_one(subject.store)
    await subject.peer.amend(_amendment(0, produced=[delivery("farewell")], drop_pending=True))
    outcomes = await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries)])
    require(list(outcomes) == [FinishOutcome.FENCED], f"the outcome of running work was {outcomes}")
    await subject.let_time_pass(subject.span)
    found = sorted(ids(claim) for claim in await claim_some(subject.store, handlers=(HANDLER, "com.b")))
    require(found == [["farewell"], ["x"]], f"what was left was {found}")


async def amendment_can_deliver_again(subject: StoreUnderTest) -> None:
    """An amendment delivers events again that were consumed before, behind what it produced, if it is carried out."""
    await publish(subject.store, "a")
    await finish_all(subject.store, [await claim_one(subject.store)])
    again = [delivery("a"), delivery("b")]
    refused = await subject.store.amend(replace(_amendment(5), redelivered=again))
    require(refused is False, "a record was amended on a revision that it never had")
    require(await publish(subject.store, "a") == 0, "a refused amendment had a consumed event forgotten")
    produced = [delivery("c"), delivery("d", "order-2")]
    await subject.peer.amend(replace(_amendment(0, produced=produced), redelivered=again))
    found = sorted(ids(claim) for claim in await claim_some(subject.store))
    require(found == [["c", "a", "b"], ["d"]], f"what arrived was {found}")


async def prune_removes_what_is_old_and_done(subject: StoreUnderTest) -> None:
    """Pruning removes consumed ids, ended workflows and dead letters that are old enough, and nothing else."""
    for status in WorkflowStatus:
        await publish(subject.store, status, subject=f"order-{status}")
        claim = await claim_one(subject.store)
        kept = record(f"order-{status}", status=status)
        await subject.store.finish([Completion(claim=claim, consumed=claim.deliveries, record=kept)])
    await _bury(subject.store, letter("a"))
    await publish(subject.store, "busy", subject=f"order-{WorkflowStatus.FAILED}")
    await subject.let_time_pass(subject.span)
    await publish(subject.store, "young")
    await finish_all(subject.store, [claim for claim in await claim_some(subject.store) if ids(claim) == ["young"]])
    kept_for = subject.span * 0.5
    nothing = await subject.store.prune(Retention(consumed_ids=None, ended_workflows=None, dead_letters=None))
    require(nothing == Pruned(consumed_ids=0, workflows=0, dead_letters=0), f"{nothing} was removed without a limit")
    retention = Retention(consumed_ids=kept_for, ended_workflows=kept_for, dead_letters=kept_for)
    pruned = await subject.peer.prune(retention)
    require(pruned == Pruned(consumed_ids=5, workflows=2, dead_letters=1), f"what was removed is {pruned}")
    left = sorted(workflow.status for workflow in await subject.store.workflows())
    require(left == [WorkflowStatus.ACTIVE, WorkflowStatus.FAILED], f"the workflows left were {left}")
    require(await publish(subject.store, "young") == 0, "a young consumed id was forgotten")
    require(await publish(subject.store, "a") == 1, "an old consumed id was remembered")


async def once_is_remembered_from_when_it_is_due(subject: StoreUnderTest) -> None:
    """The key of a call that set timers is remembered as long as consumed ids are, counted from the last timer."""
    await subject.store.publish([delivery("t", due=subject.span * 10)], once="yearly")
    await subject.let_time_pass(subject.span)
    await subject.store.prune(Retention(consumed_ids=timedelta(0)))
    again = await subject.store.publish([delivery("u", due=subject.span * 10)], once="yearly")
    require(again == 0, "it was carried out again before its timer was due")


async def upgrade_can_be_repeated(subject: StoreUnderTest) -> None:
    """Upgrading tables that are up to date changes nothing, also from many processes at once."""
    await publish(subject.store, "a")
    results = await asyncio.gather(*(store.upgrade() for store in (subject.store, subject.peer) * 2))
    require(all(result.before == result.after for result in results), f"it reported {results}")
    require_ids(await claim_one(subject.store), "a")


async def closed_store_says_so(subject: StoreUnderTest) -> None:
    """A closed store raises BackendError; closing it again does nothing."""
    await subject.store.close()
    await subject.store.close()
    try:
        await publish(subject.store, "a")
    except BackendError:
        return
    require(False, "an event could be published to it")


OPERATOR_CHECKS = checks_of(
    dead_letter_tells_everything,
    replayed_letter_arrives_again,
    letter_is_replayed_once,
    letter_that_cannot_be_read_stays,
    discarded_letter_is_gone,
    waiting_event_is_answered_once,
    event_waits_once,
    amendment_needs_the_current_revision,
    amendment_makes_running_work_stale,
    amendment_can_drop_what_waits,
    amendment_can_deliver_again,
    prune_removes_what_is_old_and_done,
    once_is_remembered_from_when_it_is_due,
    upgrade_can_be_repeated,
    closed_store_says_so,
)
