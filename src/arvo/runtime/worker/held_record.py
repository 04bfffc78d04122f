"""The unit of work of one delivery: a machine memory that holds back what a workflow writes.

What is held becomes part of the `Completion` of the claim, next to the events that were produced: both are stored, or
neither. Nothing here talks to a store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.errors import DefinitionError
from arvo.ports import RecordWrite, WorkflowStatus
from arvo.ports.records import check_previous, decode_record, encode_previous, encode_record

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HeldRecord"]


class HeldRecord:
    """A `MachineMemory` that knows one record, of the workflow under `subject`; `write` changes `written` alone.

    Locks are granted, since a claim keeps everybody else out.
    """

    __slots__ = ("_record_json", "_subject", "written")

    def __init__(self, subject: str, record_json: bytes | None) -> None:
        self._subject = subject
        self._record_json = record_json
        self.written: RecordWrite | None = None
        """The latest record that was written."""

    async def read(self, id: str) -> Mapping[str, Any] | None:
        """The record that came with the claim, or was written since."""
        self._check(id)
        return None if self._record_json is None else decode_record(self._record_json)

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        """Hold the record back until the delivery is finished."""
        self._check(id)
        text = encode_record(data)
        check_previous(id, self._record_json, encode_previous(previous))
        self._record_json = text
        parent = data.get("parentSubject")
        self.written = RecordWrite(
            subject=id,
            record_json=text,
            status=_status_of(data),
            parent_subject=parent if isinstance(parent, str) else None,
        )

    async def lock(self, id: str, holder: str) -> bool:  # noqa: ARG002 - the port names it
        """Granted: the claim is the lock."""
        self._check(id)
        return True

    async def unlock(self, id: str, holder: str) -> None:
        """Nothing to do."""

    def _check(self, id: str) -> None:
        if id != self._subject:
            raise DefinitionError(
                f"A workflow asked for the record {id!r:.80} while it handled an event of {self._subject!r:.80}. In a "
                "worker only the record under the event's own subject is at hand."
            )


def _status_of(data: Mapping[str, Any]) -> WorkflowStatus:
    if data.get("executionStatus") == "failure":
        return WorkflowStatus.FAILED
    return WorkflowStatus.DONE if data.get("status") == "done" else WorkflowStatus.ACTIVE
