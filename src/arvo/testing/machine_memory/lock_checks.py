"""Checks of locks: exclusion, ownership, expiry, fencing, contention, tolerance."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from arvo.testing.machine_memory.check import check_of, peer_of, require
from arvo.testing.machine_memory.write_checks import is_refused

if TYPE_CHECKING:
    from arvo.testing.machine_memory.under_test import MemoryUnderTest

__all__ = ["LOCK_CHECKS"]

_TASKS = 32
_MANY_TRIES = 1_000
_PATIENCE_SECONDS = 1.0
"""How long a denied lock may take: "well under a second" with some allowance for slow machines."""


async def lock_excludes_other_holders(subject: MemoryUnderTest) -> None:
    """A held lock is denied to every other holder, also through the same memory, with False and not an error."""
    require(await subject.memory.lock("a", "first") is True, "the lock on a free id was denied")
    require(await subject.memory.lock("a", "second") is False, "a second holder got the lock as well")


async def holder_may_lock_again(subject: MemoryUnderTest) -> None:
    """The present holder may lock again, and gives the lock back with one unlock."""
    require(await subject.memory.lock("a", "first") is True, "the lock on a free id was denied")
    require(await subject.memory.lock("a", "first") is True, "the holder was denied its own lock")
    await subject.memory.unlock("a", "first")
    require(await subject.memory.lock("a", "second") is True, "one unlock did not give the lock back")


async def unlock_gives_the_lock_back(subject: MemoryUnderTest) -> None:
    """After an unlock the next holder gets the lock."""
    for holder in ("first", "second", "first"):
        require(await subject.memory.lock("a", holder) is True, f"{holder!r} was denied a lock that was given back")
        await subject.memory.unlock("a", holder)


async def unlock_is_tolerant(subject: MemoryUnderTest) -> None:
    """Unlocking what is not locked, or twice, does nothing and raises nothing."""
    await subject.memory.unlock("never-locked", "anyone")
    require(await subject.memory.lock("a", "first") is True, "the lock on a free id was denied")
    await subject.memory.unlock("a", "first")
    await subject.memory.unlock("a", "first")


async def unlock_by_another_holder_does_nothing(subject: MemoryUnderTest) -> None:
    """Only its holder can give a lock back; an unlock by anyone else leaves it."""
    await subject.memory.lock("a", "first")
    await subject.memory.unlock("a", "second")
    require(await subject.memory.lock("a", "third") is False, "another holder's unlock freed the lock")


async def locks_of_other_ids_are_free(subject: MemoryUnderTest) -> None:
    """A lock concerns its own id only."""
    await subject.memory.lock("order", "first")
    for other in ("Order", "order ", "order/1", "orde", "order%"):
        require(await subject.memory.lock(other, "second") is True, f"the lock on 'order' blocked {other!r}")
    await subject.memory.unlock("order/1", "second")
    require(await subject.memory.lock("order", "second") is False, "unlocking 'order/1' freed 'order'")


async def lock_leaves_records_alone(subject: MemoryUnderTest) -> None:
    """A lock neither makes a record nor keeps anyone from reading or writing one."""
    await subject.memory.lock("a", "first")
    require(await subject.memory.read("a") is None, "locking made a record")
    await subject.memory.write("a", {"n": 1}, None)
    await subject.memory.unlock("a", "first")
    found = await subject.memory.read("a")
    require(found == {"n": 1}, f"the record written under the lock was read as {found!r}")


async def denied_lock_answers_soon(subject: MemoryUnderTest) -> None:
    """A denied lock is answered after a few short tries, well under a second."""
    await subject.memory.lock("a", "first")
    started = monotonic()
    require(await subject.memory.lock("a", "second") is False, "a second holder got the lock as well")
    took = monotonic() - started
    require(took < _PATIENCE_SECONDS, f"the answer took {took:.1f} s")


async def lock_waits_for_a_short_moment(subject: MemoryUnderTest) -> None:
    """A lock that is given back within moments is not denied to whoever asked meanwhile."""
    await subject.memory.lock("a", "first")
    asking = asyncio.ensure_future(subject.memory.lock("a", "second"))
    await asyncio.sleep(0.005)
    await subject.memory.unlock("a", "first")
    require(await asking is True, "it was denied at the first try")


async def lock_expires(subject: MemoryUnderTest) -> None:
    """A lock expires after its time to live, so that a crashed holder blocks nobody."""
    await subject.memory.lock("a", "crashed")
    await subject.let_time_pass(_just_over(subject))
    require(await subject.memory.lock("a", "successor") is True, f"it was still held after {subject.lock_ttl}")


async def lock_lives_its_time(subject: MemoryUnderTest) -> None:
    """A lock does not expire before its time to live is over."""
    await subject.memory.lock("a", "slow")
    await subject.let_time_pass(subject.lock_ttl * 0.4)
    denied = await subject.memory.lock("a", "successor") is False
    require(denied, f"it was lost after 0.4 of its {subject.lock_ttl}")


async def locking_again_restarts_the_time(subject: MemoryUnderTest) -> None:
    """Locking again as the holder starts the time to live anew."""
    await subject.memory.lock("a", "slow")
    await subject.let_time_pass(subject.lock_ttl * 0.7)
    require(await subject.memory.lock("a", "slow") is True, "the holder was denied its own lock")
    await subject.let_time_pass(subject.lock_ttl * 0.4)
    denied = await subject.memory.lock("a", "successor") is False
    require(denied, "it was lost 1.1 times its life after the first locking, 0.4 times after the second")


async def outlived_holder_cannot_unlock_its_successor(subject: MemoryUnderTest) -> None:
    """A holder that outlived its lock does not free its successor's lock."""
    await subject.memory.lock("a", "outlived")
    await subject.let_time_pass(_just_over(subject))
    require(await subject.memory.lock("a", "successor") is True, "an expired lock was still held")
    await subject.memory.unlock("a", "outlived")
    require(await subject.memory.lock("a", "third") is False, "its unlock freed the lock of its successor")


async def outlived_holder_cannot_write_over_its_successor(subject: MemoryUnderTest) -> None:
    """A holder that outlived its lock cannot write over what its successor wrote."""
    await subject.memory.write("a", {"step": 1}, None)
    await subject.memory.lock("a", "outlived")
    seen_by_outlived = await subject.memory.read("a")
    await subject.let_time_pass(_just_over(subject))
    require(await subject.memory.lock("a", "successor") is True, "an expired lock was still held")
    await subject.memory.write("a", {"step": 2, "by": "successor"}, await subject.memory.read("a"))
    refused = await is_refused(subject.memory, "a", {"step": 2, "by": "outlived"}, seen_by_outlived)
    require(refused, "its write was accepted")
    found = await subject.memory.read("a")
    require(found == {"step": 2, "by": "successor"}, f"the record was then {found!r}")


async def one_holder_at_a_time(subject: MemoryUnderTest) -> None:
    """Of many tasks that want one lock, exactly one has it at a time, and each gets its turn."""
    holding: set[str] = set()
    crowds: list[int] = []

    async def take_turn(number: int) -> None:
        memory = subject.peer if subject.peer is not None and number % 2 else subject.memory
        holder = f"task-{number}"
        for _ in range(_MANY_TRIES):
            if await memory.lock("contended", holder):
                break
            await asyncio.sleep(0.001)
        else:
            require(False, f"{holder!r} was denied {_MANY_TRIES} times")
        holding.add(holder)
        crowds.append(len(holding))
        await asyncio.sleep(0.001)
        holding.remove(holder)
        await memory.unlock("contended", holder)

    await asyncio.gather(*(take_turn(number) for number in range(_TASKS)))
    require(max(crowds) == 1, f"{max(crowds)} tasks had the lock at one time")


async def peer_respects_locks(subject: MemoryUnderTest) -> None:
    """A lock taken through one memory is denied through another on the same store, until it is given back."""
    peer = peer_of(subject)
    await subject.memory.lock("shared", "first")
    require(await peer.lock("shared", "second") is False, "the other memory gave the lock away as well")
    await subject.memory.unlock("shared", "first")
    require(await peer.lock("shared", "second") is True, "the other memory still denied a lock given back")


def _just_over(subject: MemoryUnderTest) -> timedelta:
    return subject.lock_ttl + timedelta(milliseconds=50)


LOCK_CHECKS = (
    check_of(lock_excludes_other_holders),
    check_of(holder_may_lock_again),
    check_of(unlock_gives_the_lock_back),
    check_of(unlock_is_tolerant),
    check_of(unlock_by_another_holder_does_nothing),
    check_of(locks_of_other_ids_are_free),
    check_of(lock_leaves_records_alone),
    check_of(denied_lock_answers_soon),
    check_of(lock_waits_for_a_short_moment),
    check_of(lock_expires),
    check_of(lock_lives_its_time),
    check_of(locking_again_restarts_the_time),
    check_of(outlived_holder_cannot_unlock_its_successor),
    check_of(outlived_holder_cannot_write_over_its_successor),
    check_of(one_holder_at_a_time),
    check_of(peer_respects_locks),
)
