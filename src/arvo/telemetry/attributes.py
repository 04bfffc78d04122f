"""The names of what spans, measurements and logs say, as data. The event's own attributes: `arvo.events.attributes`.

`messaging.*` and `error.type` follow the semantic conventions of OpenTelemetry; `arvo.*` are ours.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CONVERSATION_ID",
    "DEAD_LETTER_REASON",
    "DESTINATION",
    "DOMAIN",
    "ERROR_TYPE",
    "EVENT_TYPE",
    "MESSAGE_ID",
    "MESSAGING_SYSTEM",
    "OPERATION_NAME",
    "OPERATION_TYPE",
    "SYSTEM_NAME",
    "TRANSACTION_CAUSE",
    "VIOLATION_KIND",
    "WORKFLOW_IGNORED",
    "WORKFLOW_STATUS",
]

MESSAGING_SYSTEM: Final = "messaging.system"
SYSTEM_NAME: Final = "arvo"
"""The value of `messaging.system`."""
OPERATION_NAME: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
DESTINATION: Final = "messaging.destination.name"
MESSAGE_ID: Final = "messaging.message.id"
CONVERSATION_ID: Final = "messaging.message.conversation_id"
ERROR_TYPE: Final = "error.type"

EVENT_TYPE: Final = "arvo.event.type"
DOMAIN: Final = "arvo.domain"
WORKFLOW_STATUS: Final = "arvo.workflow.status"
"""One of active, done, failure: how the event left the workflow."""
WORKFLOW_IGNORED: Final = "arvo.workflow.ignored"
"""Why the event had no effect on the workflow."""
VIOLATION_KIND: Final = "arvo.violation.kind"
TRANSACTION_CAUSE: Final = "arvo.transaction.cause"
DEAD_LETTER_REASON: Final = "arvo.dead_letter.reason"
