"""What an exception out of user code means: an answer to the sender, or an event to be delivered again or parked."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from arvo.errors import ArvoError, BackendError, ContractViolation, ExecutionViolation, Issue, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.contracts import Payload

__all__ = ["PassingFailure", "may_pass", "passing_exceptions", "unanswerable"]

passing_exceptions: ContextVar[tuple[type[Exception], ...]] = ContextVar("arvo_passing_exceptions", default=())
"""Exceptions of user code that whoever runs a handler takes for passing: the event is tried again, not answered."""


class PassingFailure(ExecutionViolation):
    """Raised instead of an answer, from an exception of user code that is expected to pass."""


def unanswerable(error: Exception, emits: Iterable[type[Payload]]) -> ArvoError | None:
    """What to raise out of `execute` for an exception of user code; None when a system error event is the answer.

    Violations are raised, because they ask for it, and so are lost back ends, because they come back; one of them in an
    exception group speaks for the group. A payload of `emits` that could not be built is a `ContractViolation`: it is
    the output that breaks the contract, and the sender could do nothing with the details. An exception that is taken
    for passing becomes a `PassingFailure`, unless a violation speaks.
    """
    violation = _violation_in(error, emits)
    if violation is not None:
        return violation
    if may_pass(error, passing_exceptions.get()):
        return PassingFailure(f"{type(error).__name__}: {error}")
    return None


def may_pass(error: Exception, kinds: tuple[type[Exception], ...]) -> bool:
    """Whether it is an exception of one of these kinds, or a group with one in it."""
    if isinstance(error, ExceptionGroup):
        group = cast("ExceptionGroup[Exception]", error)
        return any(may_pass(one, kinds) for one in group.exceptions)
    return isinstance(error, kinds)


def _violation_in(error: Exception, emits: Iterable[type[Payload]]) -> ArvoError | None:
    if isinstance(error, ExceptionGroup):
        group = cast("ExceptionGroup[Exception]", error)
        found = (_violation_in(one, ()) for one in group.exceptions)
        return next((violation for violation in found if violation is not None), None)
    if isinstance(error, ValidationError):
        return _broken_output(error, emits)
    return error if isinstance(error, Violation | BackendError) else None


def _broken_output(error: ValidationError, emits: Iterable[type[Payload]]) -> ContractViolation | None:
    if not any(error.title == (payload.model_config.get("title") or payload.__name__) for payload in emits):
        return None
    issues = [
        Issue(detail["loc"], detail["msg"], detail["type"])
        for detail in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return ContractViolation(
        f"The output {error.title} does not fit its contract: {'; '.join(map(str, issues))}. "
        "Return data that follows the contract, or catch the error where it is expected.",
        issues=issues,
    )
