"""A machine memory that fails as a recorded step says and notes its operations as the records show them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from arvo.errors import BackendError
from arvo.ports import StaleWriteError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RecordedMemory"]

Operation = Literal["lock", "read", "write", "unlock"]


class RecordedMemory:
    """Keeps records as JSON text; `faults` are those of the step at hand, `operations` what was asked for in it."""

    def __init__(self) -> None:
        self.faults: Mapping[str, Any] = {}
        self.operations: list[dict[str, Any]] = []
        self._records: dict[str, str] = {}
        self._holders: dict[str, str] = {}

    def begin(self, faults: Mapping[str, Any]) -> None:
        """Forget the step before."""
        self.faults, self.operations = faults, []

    def hold(self, id: str) -> None:
        """Lock `id` for somebody else."""
        self._holders[id] = "somebody else"

    def release(self, id: str) -> None:
        """Let the lock on `id` expire, whoever holds it."""
        self._holders.pop(id, None)

    def is_locked(self, id: str) -> bool:
        """Whether somebody holds the lock on `id`."""
        return id in self._holders

    def stored(self, id: str) -> Any:
        """The record under `id`, or None."""
        return json.loads(self._records[id]) if id in self._records else None

    async def lock(self, id: str, holder: str) -> bool:
        self._fail("lock")
        taken = self.faults.get("lock") != "deny" and self._holders.setdefault(id, holder) == holder
        self.operations.append({"op": "lock", "subject": id, "outcome": taken})
        return taken

    async def read(self, id: str) -> Mapping[str, Any] | None:
        self._fail("read")
        found = self.stored(id)
        self.operations.append({"op": "read", "subject": id, "outcome": "null" if found is None else "record"})
        return found  # type: ignore[no-any-return]

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        self._fail("write")
        if previous != self.stored(id):
            raise StaleWriteError(id, expected_none=previous is None, found_none=id not in self._records)
        self.operations.append({"op": "write", "subject": id, "prev": None if previous is None else "record"})
        self._records[id] = json.dumps(data)

    async def unlock(self, id: str, holder: str) -> None:
        self._fail("unlock")
        if self._holders.get(id) == holder:
            del self._holders[id]
        self.operations.append({"op": "unlock", "subject": id})

    def _fail(self, operation: Operation) -> None:
        fault: Any = self.faults.get(operation)
        if fault is not None and fault != "deny":
            self.operations.append({"op": operation, "outcome": "throw"})
            raise BackendError(fault["message"])
