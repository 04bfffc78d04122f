"""Where workflows keep their state between events: the port, its promises, and the errors that belong to it.

Back ends are written from the docstrings here; `arvo.testing.machine_memory` checks any back end against every one of
them. How records become text is in `arvo.ports.records`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from arvo.errors import ArvoError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

__all__ = [
    "BrowsableMemory",
    "InvalidRecordError",
    "MachineMemory",
    "StaleWriteError",
    "StoredRecord",
    "TextMemory",
    "text_memory",
]


class MachineMemory(Protocol):
    """Keeps one JSON record per workflow, under the workflow's subject.

    Promises that hold for the whole port:

    - *Isolation.* Ids are opaque and compared exactly; nothing done to one id shows under another.
    - *Values.* A record is a plain JSON object of any size up to 1 MB at least. `read` returns a value equal to what
      was written, with members in the order they were written in. Records are copied both ways: changing what was
      written or read changes nothing in the store.
    - *Null is not an error.* "There is nothing" is an answer (`None`, `False`); "the store did not answer" is always
      a `BackendError`, never one of those.
    - *No lost update.* Of two writes that start from the same record one succeeds and the other is refused.
    - *Bad arguments.* An empty id or holder, and data that JSON cannot carry unchanged, raise `InvalidRecordError`
      before the store is touched.
    - *Cancellation.* A cancelled call may or may not take effect, even shortly afterwards, but never by half.

    Locks spare work, they do not protect the data: `write` is safe without one. A lock belongs to the *holder* that the
    caller names, any string unique to one piece of work (not to a process or to a memory instance: tasks that share an
    instance exclude one another). Every lock expires after the back end's time to live, so that a crashed holder does
    not block its workflow. A holder that outlived its lock can do no harm to its successor: its `unlock` leaves the
    successor's lock alone, and its `write` is refused once the successor has written, because the record it read is
    no longer the current one. Should it still write first, the successor's write is the one refused; either way each
    accepted write was computed from the record that it replaced.
    """

    async def read(self, id: str) -> Mapping[str, Any] | None:
        """Return the record, or None when nothing was ever written under `id`.

        A store that fails is tried two or three times in quick succession; `BackendError` comes within one second.
        """
        ...

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        """Replace the record `previous` by `data`, durably once this returns, or raise and change nothing.

        `previous` is what `read` returned: None says that there must be no record yet. It is compared with the current
        record by value, the order of members aside; when they differ, `StaleWriteError` is raised. Comparing
        values needs no version beside or inside the record, and is enough: a record that came back to an earlier
        value leads to the same next state.

        A failing store raises `BackendError` at once. It is not tried again here, because a write whose answer was lost
        may have happened; redelivery of the event sorts that out.
        """
        ...

    async def lock(self, id: str, holder: str) -> bool:
        """Take or renew the lock on `id`; return False when another holder has it.

        A held lock is tried a few times with a short back-off, well under a second in all. Locking again as the present
        holder succeeds and restarts the time to live. `BackendError` when the store fails.
        """
        ...

    async def unlock(self, id: str, holder: str) -> None:
        """Give the lock on `id` back if `holder` still has it; otherwise do nothing.

        Tolerant: an unlock that cannot reach the store is logged, not raised, since the work is done by then and the
        lock expires by itself.
        """
        ...


class TextMemory(MachineMemory, Protocol):
    """A memory that can also take and give records as the JSON text that it keeps, with the same promises.

    Workflows use it where it is there, since most of a record is text that they only pass on. A class that offers it
    defines both methods itself: where a subclass merely inherits them, its `read` and `write` are used, so that what
    they add is not passed by.
    """

    async def read_text(self, id: str) -> bytes | None:
        """Return the JSON text of the record, as it was written, or None."""
        ...

    async def write_text(self, id: str, text: bytes, previous: bytes | None) -> None:
        """Replace the record whose text `read_text` returned, like `write` does.

        The caller vouches for `text`: it is a JSON object that reads back as what it was written from.
        """
        ...


def text_memory(memory: MachineMemory) -> TextMemory | None:
    """Return the memory as one that speaks text, if its class says that it is one."""
    own = type(memory).__dict__
    return memory if "read_text" in own and "write_text" in own else None  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as it lies in the store."""

    id: str
    data: Mapping[str, Any]
    updated_at: datetime


class BrowsableMemory(MachineMemory, Protocol):
    """A memory that can also list what it holds, for people and tools; workflows never need this."""

    def ids(self, *, page_size: int = 500) -> AsyncIterator[str]:
        """All ids in ascending order, fetched `page_size` at a time. What changes meanwhile may or may not show."""
        ...

    def records(self, *, page_size: int = 100) -> AsyncIterator[StoredRecord]:
        """All records in ascending order of id, fetched `page_size` at a time, as they are when their page is."""
        ...


class StaleWriteError(ArvoError):
    """A write was refused because the record it started from is no longer the current one."""

    def __init__(self, id: str, *, expected_none: bool, found_none: bool) -> None:
        if expected_none:
            reason = "exists already, although nothing was there when it was read"
        elif found_none:
            reason = "does not exist, although it was there when it was read"
        else:
            reason = "was changed by somebody else after it was read"
        super().__init__(
            f"Record {shortened(id)!r} {reason}. Writing now would undo that change. "
            "Read the record again and repeat the step; redelivering the event does both."
        )
        self.id = id
        self.expected_none = expected_none
        self.found_none = found_none


class InvalidRecordError(ArvoError, ValueError):
    """An id, a holder or a record is not one that a memory can keep; the caller must change it."""


def shortened(id: str) -> str:
    """Return `id` fit for a message: subjects run to hundreds of characters."""
    return id if len(id) <= 60 else f"{id[:56]}..."
