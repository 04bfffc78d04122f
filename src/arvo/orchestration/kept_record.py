"""Access to one workflow's record for one event, in terms of what a failure means for that event.

Whatever a memory raises becomes a `TransactionViolation` here, so that the event is delivered again. What a record
holds is in `record.py`; what memories promise, in `arvo.ports`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from arvo.errors import ContractViolation, TransactionViolation
from arvo.events import Event, new_event_id
from arvo.orchestration.record import Record
from arvo.ports import InvalidRecordError, text_memory
from arvo.ports.records import decode_record, encode_members, encode_previous

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.ports import MachineMemory

__all__ = ["KeptRecord"]

_logger = logging.getLogger("arvo.orchestration")


class KeptRecord:
    """The record under the subject of `event`, in `memory`."""

    __slots__ = ("_event", "_found", "_holder", "_memory", "_source", "_texts")

    def __init__(self, memory: MachineMemory, event: Event[Any], source: str) -> None:
        self._memory = memory
        self._texts = text_memory(memory)
        self._found: Mapping[str, Any] | None = None
        self._event = event
        self._source = source
        self._holder = ""

    async def lock(self) -> None:
        """Keep other events of the workflow out, or raise."""
        self._holder = new_event_id()
        try:
            acquired = await self._memory.lock(self._event.subject, self._holder)
        except asyncio.CancelledError:
            # The memory may have taken the lock before it heard of this, and nobody else would give it back.
            await self.unlock()
            raise
        except Exception as error:
            raise TransactionViolation(
                f"Workflow {self._source!r} could not be locked for event {self._event.id!r}: {error} "
                "Nothing was changed; deliver the event again when the memory answers.",
                cause="LOCK_FAILURE",
            ) from error
        if not acquired:
            raise TransactionViolation(
                f"Workflow {self._source!r} is busy with another event, so event {self._event.id!r} has to wait. "
                "Nothing was changed; deliver it again a little later.",
                cause="LOCK_UNACQUIRED",
            )

    async def unlock(self) -> None:
        """Let other events in again. Never fails: the work is done by then, and the lock expires by itself."""
        try:
            await self._give_back()
        except asyncio.CancelledError:
            # Whether the memory heard of it is unknown, and giving it back twice does no harm.
            await self._give_back()
            raise

    async def _give_back(self) -> None:
        try:
            await self._memory.unlock(self._event.subject, self._holder)
        except Exception:
            _logger.warning(
                "The lock of workflow %s taken for event %s could not be given back; it will expire.",
                self._source,
                self._event.id,
                exc_info=True,
            )

    async def read(self) -> Record | None:
        """What the last step left; None when there was none."""
        try:
            if self._texts is not None:
                text = await self._texts.read_text(self._event.subject)
            else:
                self._found = await self._memory.read(self._event.subject)
                text = encode_previous(self._found)
        except Exception as error:
            raise TransactionViolation(
                f"The state of workflow {self._source!r} could not be read for event {self._event.id!r}: {error} "
                "Nothing was changed; deliver the event again when the memory answers.",
                cause="READ_FAILURE",
            ) from error
        return None if text is None else Record.load(text, self._event)

    async def write(self, known: Mapping[str, Any], given: Mapping[str, Any], before: Record | None) -> None:
        """Replace what `read` returned. After this, and only then, the step has happened.

        `known` is JSON for sure; what is `given` by user code is checked.
        """
        try:
            text = encode_members(known, given)
            if self._texts is not None:
                await self._texts.write_text(self._event.subject, text, None if before is None else before.text)
            else:
                await self._memory.write(self._event.subject, decode_record(text), self._found)
        except InvalidRecordError as error:
            raise ContractViolation(
                f"Workflow {self._source!r} cannot be saved after event {self._event.id!r}: {error} "
                "Nothing was changed.",
                issues=error.issues,
            ) from error
        except Exception as error:
            raise TransactionViolation(
                f"The state of workflow {self._source!r} could not be saved after event {self._event.id!r}: {error} "
                "None of the events of this step was sent; deliver the event again.",
                cause="WRITE_FAILURE",
            ) from error
