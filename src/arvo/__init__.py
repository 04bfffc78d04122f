"""Contract-first, event-driven handlers and durable orchestration.

The names that most programs need. Ports are in `arvo.ports`, back ends in `arvo.backends.*`, the test kit is in
`arvo.testing`.
"""

from arvo.contracts import (
    Contract,
    ContractVersion,
    OrchestratorContract,
    Payload,
    ServiceError,
    SimpleContract,
    one_of,
    services,
)
from arvo.errors import (
    ArvoError,
    BackendError,
    ConfigViolation,
    ContractViolation,
    DefinitionError,
    ExecutionViolation,
    InvalidEvent,
    InvalidSubject,
    TransactionViolation,
    Violation,
)
from arvo.events import Event, Subject, create_event, managed_event_id, parse_managed_event_id
from arvo.handlers import Emit, Handler, HandlerContext, MultiHandler, Router
from arvo.orchestration import Done, Machine, Orchestrator, Resumable, Timeout, Turn, Wait, all_of, any_of, not_
from arvo.runtime import App, DeadLetter, RateLimit, RetryPolicy, Subscription, UnansweredError

__all__ = [
    "App",
    "ArvoError",
    "BackendError",
    "ConfigViolation",
    "Contract",
    "ContractVersion",
    "ContractViolation",
    "DeadLetter",
    "DefinitionError",
    "Done",
    "Emit",
    "Event",
    "ExecutionViolation",
    "Handler",
    "HandlerContext",
    "InvalidEvent",
    "InvalidSubject",
    "Machine",
    "MultiHandler",
    "Orchestrator",
    "OrchestratorContract",
    "Payload",
    "RateLimit",
    "Resumable",
    "RetryPolicy",
    "Router",
    "ServiceError",
    "SimpleContract",
    "Subject",
    "Subscription",
    "Timeout",
    "TransactionViolation",
    "Turn",
    "UnansweredError",
    "Violation",
    "Wait",
    "all_of",
    "any_of",
    "create_event",
    "managed_event_id",
    "not_",
    "one_of",
    "parse_managed_event_id",
    "services",
]
