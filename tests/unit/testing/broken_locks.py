"""Machine memories that break one promise each about locks and failing stores, and the checks that must notice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from arvo.errors import BackendError
from tests.unit.testing.reference_memory import LOCK_TTL, ReferenceMemory, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.testing import ShiftableClock
    from arvo.testing.machine_memory import StoreFaults


class GrantsEveryLock(ReferenceMemory):
    @override
    def is_free(self, key: str, holder: str) -> bool:
        return True


class TakesTheInstanceForTheHolder(ReferenceMemory):
    async def lock(self, id: str, holder: str) -> bool:
        del holder
        return await super().lock(id, repr(self))

    async def unlock(self, id: str, holder: str) -> None:
        del holder
        await super().unlock(id, repr(self))


class DeniesTheHolder(ReferenceMemory):
    @override
    def is_free(self, key: str, holder: str) -> bool:
        return self.store.locks.get(key, ("", 0.0))[1] <= self.clock.monotonic()


class CountsLocksOfOneHolder(ReferenceMemory):
    def __init__(self, store: Store, clock: ShiftableClock, faults: StoreFaults) -> None:
        super().__init__(store, clock, faults)
        self.depth: dict[tuple[str, str], int] = {}

    def grant(self, key: str, holder: str) -> None:
        self.depth[key, holder] = self.depth.get((key, holder), 0) + 1
        super().grant(key, holder)

    def release(self, key: str, holder: str) -> None:
        self.depth[key, holder] = self.depth.get((key, holder), 1) - 1
        if self.depth[key, holder] == 0:
            super().release(key, holder)


class NeverGivesBack(ReferenceMemory):
    def release(self, key: str, holder: str) -> None:
        pass


class ComplainsAboutUnlocks(ReferenceMemory):
    def release(self, key: str, holder: str) -> None:
        if key not in self.store.locks:
            raise BackendError("not locked")
        super().release(key, holder)


class LetsAnyoneUnlock(ReferenceMemory):
    @override
    def release(self, key: str, holder: str) -> None:
        self.store.locks.pop(key, None)


class LocksEverything(ReferenceMemory):
    @override
    def lock_key(self, id: str) -> str:
        return "everything"


class IgnoresCaseOfLocks(ReferenceMemory):
    def lock_key(self, id: str) -> str:
        return id.lower()


class MakesARecordForALock(ReferenceMemory):
    def grant(self, key: str, holder: str) -> None:
        self.store.records.setdefault(key, b"{}")
        super().grant(key, holder)


class DeniesSlowly(ReferenceMemory):
    async def lock(self, id: str, holder: str) -> bool:
        granted = await super().lock(id, holder)
        if not granted:
            await asyncio.sleep(1.1)
        return granted


class TriesOnce(ReferenceMemory):
    async def lock(self, id: str, holder: str) -> bool:
        self.check(id=id, holder=holder)
        self.faults.strike()
        return await self.take(self.lock_key(id), holder)


class NeverExpires(ReferenceMemory):
    def is_free(self, key: str, holder: str) -> bool:
        return self.store.locks.get(key, (holder, 0.0))[0] == holder


class ExpiresEarly(ReferenceMemory):
    def grant(self, key: str, holder: str) -> None:
        self.store.locks[key] = (holder, self.clock.monotonic() + LOCK_TTL.total_seconds() * 0.2)


class DoesNotRenew(ReferenceMemory):
    def grant(self, key: str, holder: str) -> None:
        if self.store.locks.get(key, ("", 0.0))[0] != holder:
            super().grant(key, holder)


class PausesBetweenLookingAndTaking(ReferenceMemory):
    async def take(self, key: str, holder: str) -> bool:
        if not self.is_free(key, holder):
            return False
        await asyncio.sleep(0)
        self.grant(key, holder)
        return True


class KeepsLocksToItself(ReferenceMemory):
    def __init__(self, store: Store, clock: ShiftableClock, faults: StoreFaults) -> None:
        super().__init__(Store(records=store.records), clock, faults)


class LetsLocksOverruleComparison(ReferenceMemory):
    """Takes a write by anyone while the record is locked, as if only the lock's holder could be writing."""

    def compare(self, id: str, stored: bytes | None, previous: bytes | None) -> None:
        if self.lock_key(id) not in self.store.locks:
            super().compare(id, stored, previous)


class ReadsOnce(ReferenceMemory):
    async def read(self, id: str) -> dict[str, Any] | None:
        self.check(id=id)
        self.faults.strike()
        text = self.store.records.get(id)
        return None if text is None else self.decode(text)


class ReadsStubbornly(ReferenceMemory):
    async def read(self, id: str) -> dict[str, Any] | None:
        try:
            return await super().read(id)
        except BackendError:
            return await super().read(id)


class ReadsPatiently(ReferenceMemory):
    async def read(self, id: str) -> dict[str, Any] | None:
        try:
            return await super().read(id)
        except BackendError:
            await asyncio.sleep(1)
            raise


class TakesSilenceForNothing(ReferenceMemory):
    async def read(self, id: str) -> dict[str, Any] | None:
        try:
            return await super().read(id)
        except BackendError:
            return None


class RepeatsWrites(ReferenceMemory):
    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        try:
            await super().write(id, data, previous)
        except BackendError:
            await super().write(id, data, previous)


class DeniesWhenTheStoreFails(ReferenceMemory):
    async def lock(self, id: str, holder: str) -> bool:
        try:
            return await super().lock(id, holder)
        except BackendError:
            return False


class RaisesFromUnlock(ReferenceMemory):
    async def unlock(self, id: str, holder: str) -> None:
        self.check(id=id, holder=holder)
        self.faults.strike()
        self.release(self.lock_key(id), holder)


class StaysBroken(ReferenceMemory):
    is_broken = False

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        if self.is_broken:
            raise BackendError("the connection was lost")
        try:
            await super().write(id, data, previous)
        except BackendError:
            self.is_broken = True
            raise


BROKEN_LOCKS: list[tuple[type[ReferenceMemory], str]] = [
    (GrantsEveryLock, "lock_excludes_other_holders"),
    (TakesTheInstanceForTheHolder, "lock_excludes_other_holders"),
    (DeniesTheHolder, "holder_may_lock_again"),
    (CountsLocksOfOneHolder, "holder_may_lock_again"),
    (NeverGivesBack, "unlock_gives_the_lock_back"),
    (ComplainsAboutUnlocks, "unlock_is_tolerant"),
    (LetsAnyoneUnlock, "unlock_by_another_holder_does_nothing"),
    (LetsAnyoneUnlock, "outlived_holder_cannot_unlock_its_successor"),
    (LocksEverything, "locks_of_other_ids_are_free"),
    (IgnoresCaseOfLocks, "locks_of_other_ids_are_free"),
    (MakesARecordForALock, "lock_leaves_records_alone"),
    (DeniesSlowly, "denied_lock_answers_soon"),
    (TriesOnce, "lock_waits_for_a_short_moment"),
    (NeverExpires, "lock_expires"),
    (ExpiresEarly, "lock_lives_its_time"),
    (DoesNotRenew, "locking_again_restarts_the_time"),
    (PausesBetweenLookingAndTaking, "one_holder_at_a_time"),
    (KeepsLocksToItself, "peer_respects_locks"),
    (LetsLocksOverruleComparison, "outlived_holder_cannot_write_over_its_successor"),
]
BROKEN_UNDER_FAULTS: list[tuple[type[ReferenceMemory], str]] = [
    (ReadsOnce, "read_survives_a_hiccup"),
    (ReadsStubbornly, "read_gives_up_within_a_second"),
    (ReadsPatiently, "read_gives_up_within_a_second"),
    (TakesSilenceForNothing, "failed_read_is_not_nothing"),
    (RepeatsWrites, "write_fails_at_once"),
    (DeniesWhenTheStoreFails, "failed_lock_is_not_denied"),
    (RaisesFromUnlock, "failed_unlock_is_tolerated"),
    (StaysBroken, "memory_recovers_with_its_store"),
]
