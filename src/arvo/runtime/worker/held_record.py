"""The unit of work of one delivery: a machine memory that holds back what a workflow writes.

What is held becomes part of the `Completion` of the claim, next to the events that were produced: both are stored, or
neither. Nothing here talks to a store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from arvo.errors import DefinitionError
from arvo.orchestration import wanted_timers
from arvo.ports import RecordWrite, WorkflowStatus
from arvo.ports.records import check_previous, decode_record, encode_previous, encode_record

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HeldRecord", "timers_in"]


class _Layout(msgspec.Struct, frozen=True, rename="camel"):
    """As much of a record as a store has to know; anything else, and whatever it is, stays as it is."""

    execution_status: Any = None
    status: Any = None
    parent_subject: Any = None


class _Timers(msgspec.Struct, frozen=True):
    timers: Any = None


class HeldRecord:
    """A `TextMemory` that knows one record, of the workflow under `subject`; writing changes `written` alone.

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

    async def read_text(self, id: str) -> bytes | None:
        """Its JSON text."""
        self._check(id)
        return self._record_json

    async def write(self, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None) -> None:
        """Hold the record back until the delivery is finished."""
        self._check(id)
        self._hold(encode_record(data), encode_previous(previous))

    async def write_text(self, id: str, text: bytes, previous: bytes | None) -> None:
        """Hold the record with this JSON text back until the delivery is finished."""
        self._check(id)
        self._hold(text, previous)

    async def lock(self, id: str, holder: str) -> bool:  # noqa: ARG002 - the port names it
        """Granted: the claim is the lock."""
        self._check(id)
        return True

    async def unlock(self, id: str, holder: str) -> None:
        """Nothing to do."""

    def _hold(self, text: bytes, previous: bytes | None) -> None:
        check_previous(self._subject, self._record_json, previous)
        layout = _decode_layout(text)
        parent: object = layout.parent_subject
        self._record_json = text
        self.written = RecordWrite(
            subject=self._subject,
            record_json=text,
            status=_status_of(layout),
            parent_subject=parent if isinstance(parent, str) else None,
        )

    def _check(self, id: str) -> None:
        if id != self._subject:
            raise DefinitionError(
                f"A workflow asked for the record {id!r:.80} while it handled an event of {self._subject!r:.80}. In a "
                "worker only the record under the event's own subject is at hand."
            )


def timers_in(record_json: bytes | None) -> frozenset[str]:
    """The ids of the timers that a record wants."""
    # Most records have none, and looking for a few bytes is much faster than reading the record.
    if record_json is None or b'"timers"' not in record_json:
        return frozenset()
    return wanted_timers({"timers": _decode_timers(record_json).timers})


def _status_of(layout: _Layout) -> WorkflowStatus:
    if layout.execution_status == "failure":
        return WorkflowStatus.FAILED
    return WorkflowStatus.DONE if layout.status == "done" else WorkflowStatus.ACTIVE


_decode_layout = msgspec.json.Decoder(_Layout).decode
_decode_timers = msgspec.json.Decoder(_Timers).decode
