"""Whether a failed attempt is tried again, and when: pure decisions about an attempt number and an error.

Nothing here waits or keeps count; the broker and the durable worker do, and both ask the same policy.
"""

from __future__ import annotations

import random
from collections.abc import Callable  # noqa: TC003 - dataclass fields are looked at
from dataclasses import dataclass, field
from datetime import timedelta

from arvo.errors import BackendError, DefinitionError, ExecutionViolation, TransactionViolation, Violation
from arvo.handlers import may_pass
from arvo.runtime.dead_letters import DeadLetterReason

__all__ = ["Park", "Retry", "RetryPolicy"]


@dataclass(frozen=True, slots=True)
class Retry:
    """Try the event again after `delay`."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class Park:
    """Give the event up: it becomes a dead letter for `reason`."""

    reason: DeadLetterReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently failed events are tried again.

    The wait before attempt `n + 1` is `initial_delay * factor ** (n - 1)`, at most `max_delay`, shortened by a random
    share of up to `jitter`, so that events which failed together do not return together. Errors that are not in
    `retry_on` park the event at once: contract and configuration violations stay wrong however often they are tried.

    What else a handler or workflow raises is answered with a system error event at once. Exceptions in
    `retry_exceptions`, alone or in an exception group, are answered so only when the last attempt fails.

        patient = RetryPolicy(attempts=10, initial_delay=timedelta(seconds=1), retry_exceptions=(ConnectionError,))
    """

    attempts: int = 5
    initial_delay: timedelta = timedelta(milliseconds=100)
    factor: float = 2.0
    max_delay: timedelta = timedelta(seconds=30)
    jitter: float = 0.2
    retry_on: tuple[type[Exception], ...] = (TransactionViolation, BackendError, ExecutionViolation)
    retry_exceptions: tuple[type[Exception], ...] = ()
    random: Callable[[], float] = field(default=random.random, repr=False, compare=False)

    def __post_init__(self) -> None:
        for broken, wrong in (
            (self.attempts < 1, f"attempts={self.attempts}: the first try counts, so it is at least 1"),
            (self.initial_delay < timedelta(0), f"initial_delay={self.initial_delay}: a delay cannot be negative"),
            (self.max_delay < self.initial_delay, f"max_delay={self.max_delay} is below {self.initial_delay=!s}"),
            (not self.factor >= 1, f"factor={self.factor}: delays may grow or stay, so it is at least 1"),
            (not 0 <= self.jitter <= 1, f"jitter={self.jitter}: a share of the delay is between 0 and 1"),
        ):
            if broken:
                raise DefinitionError(f"A retry policy cannot have {wrong}.")
        for kind in self.retry_exceptions:
            if issubclass(kind, Violation | BackendError):
                raise DefinitionError(
                    f"{kind.__name__} is never answered with a system error event, so it has no place in "
                    "retry_exceptions. Put it into retry_on."
                )

    def decide(self, attempt: int, error: Exception) -> Retry | Park:
        """What to do after attempt number `attempt` (the first is 1) failed with `error`."""
        if not self._is_retried(error):
            poison = isinstance(error, Violation)
            return Park(DeadLetterReason.POISON if poison else DeadLetterReason.UNEXPECTED)
        if attempt >= self.attempts:
            return Park(DeadLetterReason.EXHAUSTED)
        return Retry(self._full_delay(attempt) * (1 - self.jitter * self.random()))

    def _is_retried(self, error: Exception) -> bool:
        if isinstance(error, self.retry_on):
            return True
        return may_pass(error, self.retry_exceptions) and not isinstance(error, Violation)

    def _full_delay(self, attempt: int) -> timedelta:
        try:
            return min(self.initial_delay * self.factor ** (attempt - 1), self.max_delay)
        except OverflowError:
            return self.max_delay
