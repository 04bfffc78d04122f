"""The whole exception tree: one root, then one branch for each party who must act.

`DefinitionError` is for the author, when things are built; the `Violation` family is for the sender, the router
or the store, and is raised so that a broker retries or parks the event; `BackendError` is for the operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ArvoError",
    "BackendError",
    "ConfigViolation",
    "ContractViolation",
    "DefinitionError",
    "EndlessLoop",
    "ExecutionViolation",
    "InvalidEvent",
    "InvalidSnapshot",
    "InvalidSubject",
    "Issue",
    "TransactionCause",
    "TransactionViolation",
    "Violation",
]

TransactionCause = Literal["LOCK_UNACQUIRED", "LOCK_FAILURE", "READ_FAILURE", "WRITE_FAILURE", "INVALID_SUBJECT"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with a piece of data, and where it stands."""

    path: tuple[str | int, ...]
    message: str
    code: str = "invalid"

    def __str__(self) -> str:
        where = ".".join(str(part) for part in self.path)
        return f"{where}: {self.message}" if where else self.message


class ArvoError(Exception):
    """Root of everything this package raises on purpose."""

    def __init__(self, message: str, *, issues: Iterable[Issue] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.issues = tuple(issues)


class DefinitionError(ArvoError, ValueError):
    """A contract, handler or workflow was put together wrongly; its author must change it."""


class EndlessLoop(DefinitionError):
    """A statechart kept taking eventless transitions or raised events; `states` is the cycle it went round.

    Found while an event is handled, but the author of the chart must act: handling it again ends the same way.
    """

    def __init__(self, message: str, *, states: tuple[str, ...]) -> None:
        super().__init__(message)
        self.states = states


class Violation(ArvoError):
    """An event cannot be handled as it stands. Raised out of `execute`, so that the broker retries or parks it.

    Subclass it for violations of your own; `kind` names the class of trouble in logs, spans and dead letters.
    """

    kind: ClassVar[str] = "Violation"


class ContractViolation(Violation):
    """Data does not fit the contract it claims to follow; `issues` says where."""

    kind: ClassVar[str] = "Contract"


class InvalidEvent(ContractViolation):
    """An event's envelope breaks the rules of SEMANTICS 1; `issues` names each attribute."""


class InvalidSubject(InvalidEvent):
    """A subject is not one that an orchestration made (SEMANTICS 3)."""


class ConfigViolation(Violation):
    """An event reached a handler that is not set up for its type, version or address."""

    kind: ClassVar[str] = "Config"


class InvalidSnapshot(Violation):
    """A stored statechart snapshot does not fit its chart; the stored state is left as it is. `issues` says where."""

    kind: ClassVar[str] = "Snapshot"


class ExecutionViolation(Violation):
    """The author's own way to have an event retried or parked instead of answered with a system error."""

    kind: ClassVar[str] = "Execution"


class TransactionViolation(Violation):
    """The machine memory could not be locked, read or written; `cause` says which."""

    kind: ClassVar[str] = "Transaction"

    def __init__(self, message: str, *, cause: TransactionCause) -> None:
        super().__init__(message)
        self.cause: TransactionCause = cause


class BackendError(ArvoError):
    """A store or broker is unreachable, misconfigured or broken; its operator must act."""
