"""Retry policies: which errors are tried again, how often, and after what delay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from arvo.runtime import DeadLetterReason, Park, Retry, RetryPolicy

SECOND = timedelta(seconds=1)
LOST_LOCK = TransactionViolation("lock", cause="LOCK_UNACQUIRED")


class OrderTooOldError(Violation):
    pass


@pytest.mark.parametrize("error", [LOST_LOCK, BackendError("down"), ExecutionViolation("later")], ids=repr)
def test_errors_that_may_pass_are_tried_again(error: Exception) -> None:
    assert isinstance(RetryPolicy().decide(1, error), Retry)


@pytest.mark.parametrize(
    "error",
    [ContractViolation("c"), InvalidEvent("e"), InvalidSubject("s"), ConfigViolation("f"), OrderTooOldError("o")],
    ids=repr,
)
def test_violations_that_stay_wrong_are_parked_at_once(error: Exception) -> None:
    assert RetryPolicy().decide(1, error) == Park(DeadLetterReason.POISON)


@pytest.mark.parametrize("error", [ValueError("bug"), DefinitionError("d"), ArvoError("a"), TimeoutError()], ids=repr)
def test_errors_that_nobody_declared_are_parked_as_unexpected(error: Exception) -> None:
    assert RetryPolicy().decide(1, error) == Park(DeadLetterReason.UNEXPECTED)


def test_what_is_tried_again_can_be_chosen() -> None:
    policy = RetryPolicy(retry_on=(OrderTooOldError, TimeoutError))
    assert isinstance(policy.decide(1, OrderTooOldError("o")), Retry)
    assert isinstance(policy.decide(1, TimeoutError()), Retry)
    assert policy.decide(1, LOST_LOCK) == Park(DeadLetterReason.POISON)


@pytest.mark.parametrize(
    "error",
    [ConnectionError("down"), ConnectionResetError(), ExceptionGroup("g", [KeyError(), TimeoutError()])],
    ids=repr,
)
def test_exceptions_that_are_expected_to_pass_are_tried_again_until_the_last_attempt(error: Exception) -> None:
    policy = RetryPolicy(attempts=2, retry_exceptions=(ConnectionError, TimeoutError))
    assert isinstance(policy.decide(1, error), Retry)
    assert policy.decide(2, error) == Park(DeadLetterReason.EXHAUSTED)
    assert RetryPolicy().decide(1, error) == Park(DeadLetterReason.UNEXPECTED)


def test_exceptions_of_all_kinds_do_not_include_violations() -> None:
    policy = RetryPolicy(retry_exceptions=(Exception,))
    assert isinstance(policy.decide(1, KeyError("k")), Retry)
    assert isinstance(policy.decide(1, ExecutionViolation("later")), Retry)
    assert policy.decide(1, ContractViolation("c")) == Park(DeadLetterReason.POISON)
    assert policy.decide(1, OrderTooOldError("o")) == Park(DeadLetterReason.POISON)


@pytest.mark.parametrize("kind", [TransactionViolation, OrderTooOldError, BackendError])
def test_what_is_never_answered_has_no_place_among_the_exceptions_of_user_code(kind: type[Exception]) -> None:
    with pytest.raises(DefinitionError, match=f"{kind.__name__} is never answered.*Put it into retry_on"):
        RetryPolicy(retry_exceptions=(ValueError, kind))


def test_delays_grow_up_to_the_maximum_and_then_the_event_is_parked() -> None:
    policy = RetryPolicy(attempts=5, initial_delay=SECOND, factor=3, max_delay=SECOND * 10, jitter=0)
    decisions = [policy.decide(attempt, LOST_LOCK) for attempt in range(1, 6)]
    assert decisions == [
        Retry(SECOND),
        Retry(SECOND * 3),
        Retry(SECOND * 9),
        Retry(SECOND * 10),
        Park(DeadLetterReason.EXHAUSTED),
    ]


def test_one_attempt_means_no_retry() -> None:
    assert RetryPolicy(attempts=1).decide(1, LOST_LOCK) == Park(DeadLetterReason.EXHAUSTED)


def test_jitter_shortens_the_delay_by_the_injected_random_share() -> None:
    policy = RetryPolicy(initial_delay=SECOND, jitter=0.5, random=lambda: 0.5)
    assert policy.decide(1, LOST_LOCK) == Retry(timedelta(milliseconds=750))


@settings(deadline=None)
@given(
    attempt=st.integers(1, 10**6),
    initial=st.timedeltas(timedelta(0), timedelta(days=1)),
    factor=st.floats(1, 1000),
    jitter=st.floats(0, 1),
    share=st.floats(0, 1, exclude_max=True),
)
def test_no_delay_is_ever_longer_than_the_maximum_or_shorter_than_its_jitter_allows(
    attempt: int, initial: timedelta, factor: float, jitter: float, share: float
) -> None:
    policy = RetryPolicy(
        attempts=10**7,
        initial_delay=initial,
        factor=factor,
        max_delay=timedelta(days=2),
        jitter=jitter,
        random=lambda: share,
    )
    decision = policy.decide(attempt, LOST_LOCK)
    assert isinstance(decision, Retry)
    rounding = timedelta(microseconds=1)
    assert initial * (1 - jitter) - rounding <= decision.delay <= timedelta(days=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"attempts": 0}, "attempts=0"),
        ({"initial_delay": -SECOND}, "cannot be negative"),
        ({"initial_delay": SECOND * 2, "max_delay": SECOND}, "is below"),
        ({"factor": 0.5}, "factor=0.5"),
        ({"factor": float("nan")}, "factor=nan"),
        ({"jitter": 1.5}, "jitter=1.5"),
        ({"jitter": -0.1}, "jitter=-0.1"),
    ],
    ids=str,
)
def test_impossible_policies_are_refused_with_the_value(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        RetryPolicy(**wrong)
