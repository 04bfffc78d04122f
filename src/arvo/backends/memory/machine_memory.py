"""The in-memory `MachineMemory`. It keeps every promise of the port except outliving the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from arvo.errors import BackendError, DefinitionError
from arvo.ports.budget import DEFAULT_LOCK_TTL, lock_seconds, try_lock
from arvo.ports.clock import SystemClock
from arvo.ports.machine_memory import StoredRecord
from arvo.ports.records import check_names, check_previous, decode_record, encode_previous, encode_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime, timedelta

    from arvo.ports.clock import Clock

__all__ = ["InMemoryMachineMemory"]


class _Kept(NamedTuple):
    text: bytes
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class _Lock:
    holder: str
    expires_at: float


class InMemoryMachineMemory:
    """Keeps records in a dictionary of this process.

    `max_records` bounds it: a write that would add one more raises BackendError, since dropping the state of a running
    workflow instead could not be undone. `lock_ttl` should outlast the slowest handler.

    >>> import asyncio
    >>> async def example() -> None:
    ...     memory = InMemoryMachineMemory()
    ...     await memory.write("order-1", {"status": "active"}, None)
    ...     print(await memory.read("order-1"), await memory.read("order-2"))
    >>> asyncio.run(example())
    {'status': 'active'} None
    """

    def __init__(
        self,
        *,
        lock_ttl: timedelta = DEFAULT_LOCK_TTL,
        max_records: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        if max_records is not None and max_records < 1:
            raise DefinitionError(f"max_records is {max_records}. Give a positive number, or None for no bound.")
        self._lock_ttl_seconds = lock_seconds(lock_ttl)
        self._max_records = max_records
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._records: dict[str, _Kept] = {}
        self._locks: dict[str, _Lock] = {}

    async def read(self, id: str) -> dict[str, Any] | None:
        """Return a copy of the record, or None."""
        text = self._text(id)
        return None if text is None else decode_record(text)

    async def read_text(self, id: str) -> bytes | None:
        """Return the JSON text of the record, or None."""
        return self._text(id)

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        """Replace `previous` by a copy of `data`, or raise StaleWriteError."""
        self._replace(id, encode_record(data), encode_previous(previous))

    async def write_text(self, id: str, text: bytes, previous: bytes | None) -> None:
        """Replace the record of this text by that of another, or raise StaleWriteError."""
        self._replace(id, text, previous)

    def _text(self, id: str) -> bytes | None:
        check_names(id=id)
        kept = self._records.get(id)
        return None if kept is None else kept.text

    def _replace(self, id: str, text: bytes, previous: bytes | None) -> None:
        stored = self._text(id)
        check_previous(id, stored, previous)
        if stored is None and self._max_records is not None and len(self._records) >= self._max_records:
            raise BackendError(
                f"The in-memory machine memory is full: it holds {len(self._records)} records, as many as max_records "
                "allows. Raise max_records, or use SqliteMachineMemory."
            )
        self._records[id] = _Kept(text, self._clock.now())

    async def lock(self, id: str, holder: str) -> bool:
        """Take or renew the lock; False when another holder kept it through a few tries."""
        check_names(id=id, holder=holder)

        async def attempt() -> bool:
            now = self._clock.monotonic()
            current = self._locks.get(id)
            if current is not None and current.holder != holder and current.expires_at > now:
                return False
            self._locks[id] = _Lock(holder, now + self._lock_ttl_seconds)
            return True

        return await try_lock(attempt, self._clock)

    async def unlock(self, id: str, holder: str) -> None:
        """Release the lock if `holder` has it."""
        check_names(id=id, holder=holder)
        current = self._locks.get(id)
        if current is not None and current.holder == holder:
            del self._locks[id]

    async def ids(self, *, page_size: int = 500) -> AsyncIterator[str]:
        """All ids in ascending order."""
        async for record in self.records(page_size=page_size):
            yield record.id

    async def records(self, *, page_size: int = 100) -> AsyncIterator[StoredRecord]:
        """All records in ascending order of id; `page_size` makes no difference here."""
        del page_size
        for key in sorted(self._records):
            kept = self._records[key]
            yield StoredRecord(key, decode_record(kept.text), kept.updated_at)
