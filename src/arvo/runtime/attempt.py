"""One attempt at one event: run the handler, judge what it did, decide what follows. Shared by every kind of worker."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from arvo.errors import ExecutionViolation
from arvo.events import Event
from arvo.handlers import PassingFailure, passing_exceptions
from arvo.runtime.retry import Retry
from arvo.telemetry import is_measured, measure_delivery, measure_retry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.runtime.middleware import Execute
    from arvo.runtime.retry import Park, RetryPolicy

__all__ = ["Failure", "Success", "attempt"]


class Success(NamedTuple):
    """The event is done with, and `outputs` are to be emitted."""

    outputs: Sequence[Event[Any]]


class Failure(NamedTuple):
    """Nothing is to be emitted; `decision` says what becomes of the event."""

    error: Exception
    decision: Retry | Park


async def attempt(
    execute: Execute, event: Event[Any], *, handler: str, number: int, retry: RetryPolicy
) -> Success | Failure:
    """Make attempt number `number` at the event. Raises nothing but the cancellation of the task it runs in."""
    if not is_measured():
        return await _attempt(execute, event, handler=handler, number=number, retry=retry)
    started = perf_counter()
    outcome = await _attempt(execute, event, handler=handler, number=number, retry=retry)
    error = outcome.error if isinstance(outcome, Failure) else None
    measure_delivery(event, handler=handler, seconds=perf_counter() - started, error=error)
    if isinstance(outcome, Failure) and isinstance(outcome.decision, Retry):
        measure_retry(event, handler=handler, error=outcome.error)
    return outcome


async def _attempt(
    execute: Execute, event: Event[Any], *, handler: str, number: int, retry: RetryPolicy
) -> Success | Failure:
    passing = retry.retry_exceptions if number < retry.attempts else ()
    # Also set when it is empty: a handler may run in the context of one with another policy.
    token = None if passing == passing_exceptions.get() else passing_exceptions.set(passing)
    try:
        outputs = _events(await execute(event), handler)
    except PassingFailure as failure:
        # What the user's code raised tells more, to the policy and to people, than what it was carried in.
        error: Exception = failure.__cause__ if isinstance(failure.__cause__, Exception) else failure
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        error = ExecutionViolation(
            f"{handler!r} let a CancelledError escape although nobody cancelled it: something that it waited for was "
            "cancelled. Catch the error where that happens."
        )
    except SystemExit as exiting:
        error = RuntimeError(
            f"{handler!r} called sys.exit({exiting.code!r}), which would end the process. Return or raise instead."
        )
        error.__cause__ = exiting
    except Exception as caught:  # noqa: BLE001 - whatever a handler raises becomes a decision, not a crash
        error = caught
    else:
        return Success(outputs)
    finally:
        if token is not None:
            passing_exceptions.reset(token)
    return Failure(error, retry.decide(number, error))


def _events(outputs: object, handler: str) -> Sequence[Event[Any]]:
    """Refuse what handlers and middleware must not return, before any of it is emitted."""
    if isinstance(outputs, list | tuple):
        events = cast("Sequence[Event[Any]]", outputs)
        if all(isinstance(event, Event) for event in events):  # pyright: ignore[reportUnnecessaryIsInstance]
            return events
    raise TypeError(f"{handler!r} must return a list or tuple of events, not {outputs!r:.200}.")
