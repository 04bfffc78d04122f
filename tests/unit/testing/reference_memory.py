"""A machine memory that keeps every promise in small steps, so that `broken_memories` can spoil one at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.errors import BackendError
from arvo.ports.budget import try_lock, try_read
from arvo.ports.records import check_names, check_previous, decode_record, encode_previous, encode_record
from arvo.testing import ShiftableClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.testing.machine_memory import StoreFaults

LOCK_TTL = timedelta(seconds=60)


class QuickClock(ShiftableClock):
    """Keeps the back-off short, for kits that run many times."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 4)


@dataclass
class Store:
    """What the memories of several processes share."""

    records: dict[str, bytes] = field(default_factory=dict[str, bytes])
    locks: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])


def unreachable() -> Exception:
    return BackendError("the store does not answer")


class ReferenceMemory:
    def __init__(self, store: Store, clock: ShiftableClock, faults: StoreFaults) -> None:
        self.store = store
        self.clock = clock
        self.faults = faults

    async def read(self, id: str) -> dict[str, Any] | None:
        self.check(id=id)

        async def attempt() -> bytes | None:
            self.faults.strike()
            return self.store.records.get(self.record_key(id))

        text = await try_read(attempt, self.clock)
        return None if text is None else self.decode(text)

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        self.check(id=id)
        text = self.encode(data)
        self.faults.strike()
        self.compare(id, self.store.records.get(self.record_key(id)), encode_previous(previous))
        await self.put(self.record_key(id), text)

    async def put(self, key: str, text: bytes) -> None:
        self.store.records[key] = text

    async def lock(self, id: str, holder: str) -> bool:
        self.check(id=id, holder=holder)

        async def attempt() -> bool:
            self.faults.strike()
            return await self.take(self.lock_key(id), holder)

        return await try_lock(attempt, self.clock)

    async def take(self, key: str, holder: str) -> bool:
        if not self.is_free(key, holder):
            return False
        self.grant(key, holder)
        return True

    def is_free(self, key: str, holder: str) -> bool:
        owner, expires_at = self.store.locks.get(key, (holder, 0.0))
        return owner == holder or expires_at <= self.clock.monotonic()

    def grant(self, key: str, holder: str) -> None:
        self.store.locks[key] = (holder, self.clock.monotonic() + LOCK_TTL.total_seconds())

    async def unlock(self, id: str, holder: str) -> None:
        self.check(id=id, holder=holder)
        try:
            self.faults.strike()
        except BackendError:
            return
        self.release(self.lock_key(id), holder)

    def release(self, key: str, holder: str) -> None:
        if self.store.locks.get(key, ("", 0.0))[0] == holder:
            del self.store.locks[key]

    def record_key(self, id: str) -> str:
        return id

    def lock_key(self, id: str) -> str:
        return id

    def encode(self, data: Mapping[str, Any]) -> bytes:
        return encode_record(data)

    def decode(self, text: bytes) -> dict[str, Any]:
        return decode_record(text)

    def compare(self, id: str, stored: bytes | None, previous: bytes | None) -> None:
        check_previous(id, stored, previous)

    def check(self, *, id: str, holder: str = "-") -> None:
        check_names(id=id, holder=holder)
