"""A memory that breaks on request and remembers what was asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryMachineMemory
from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Mapping


class FaultyMemory(InMemoryMachineMemory):
    """Fails each operation named in `broken`, denies locks while `denied`."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[str] = set()
        self.denied = False
        self.operations: list[str] = []

    async def lock(self, id: str, holder: str) -> bool:
        self._note("lock")
        return not self.denied and await super().lock(id, holder)

    async def read(self, id: str) -> dict[str, Any] | None:
        self._note("read")
        return await super().read(id)

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        self._note("write")
        await super().write(id, data, previous)

    async def unlock(self, id: str, holder: str) -> None:
        self._note("unlock")
        await super().unlock(id, holder)

    def _note(self, operation: str) -> None:
        self.operations.append(operation)
        if operation in self.broken:
            raise BackendError(f"{operation} broke")
