"""What an exception out of user code means: an answer to the sender, or an event to be delivered again or parked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from arvo.errors import ArvoError, BackendError, ContractViolation, Issue, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.contracts import Payload

__all__ = ["unanswerable"]


def unanswerable(error: Exception, emits: Iterable[type[Payload]]) -> ArvoError | None:
    """What to raise out of `execute` for an exception of user code; None when a system error event is the answer.

    Violations are raised, because they ask for it, and so are lost back ends, because they come back; one of them in an
    exception group speaks for the group. A payload of `emits` that could not be built is a `ContractViolation`: it is
    the output that breaks the contract, and the sender could do nothing with the details.
    """
    if isinstance(error, ExceptionGroup):
        return _raised_in(cast("ExceptionGroup[Exception]", error))
    if isinstance(error, ValidationError):
        return _broken_output(error, emits)
    return error if isinstance(error, Violation | BackendError) else None


def _raised_in(group: ExceptionGroup[Exception]) -> ArvoError | None:
    found = (unanswerable(error, ()) for error in group.exceptions)
    return next((error for error in found if error is not None), None)


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
