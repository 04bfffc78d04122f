"""All checks, and the runner that goes through them and reports every broken promise at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from arvo.testing import conformance
from arvo.testing.store.answer_checks import ANSWER_CHECKS
from arvo.testing.store.arrival_checks import ARRIVAL_CHECKS
from arvo.testing.store.claim_checks import CLAIM_CHECKS
from arvo.testing.store.fencing_checks import FENCING_CHECKS
from arvo.testing.store.finish_checks import FINISH_CHECKS
from arvo.testing.store.list_checks import LIST_CHECKS
from arvo.testing.store.onward_checks import ONWARD_CHECKS
from arvo.testing.store.operator_checks import OPERATOR_CHECKS
from arvo.testing.store.timer_checks import TIMER_CHECKS
from arvo.testing.store.under_test import StoreUnderTest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.testing.store.under_test import MakeStore

__all__ = ["CHECKS", "Check", "Report", "check_store"]

Check: TypeAlias = conformance.Check[StoreUnderTest]
Report: TypeAlias = conformance.Report[StoreUnderTest]

CHECKS: tuple[Check, ...] = (
    *ARRIVAL_CHECKS,
    *CLAIM_CHECKS,
    *FINISH_CHECKS,
    *FENCING_CHECKS,
    *ONWARD_CHECKS,
    *TIMER_CHECKS,
    *OPERATOR_CHECKS,
    *LIST_CHECKS,
    *ANSWER_CHECKS,
)


async def check_store(make: MakeStore, checks: Iterable[Check] = CHECKS) -> Report:
    """Run every check, each on a store freshly made, and report; an ExceptionGroup holds all broken promises.

    `make` returns an async context manager that gives a `StoreUnderTest` over empty tables.
    """
    return await conformance.run_checks("Store", make, checks)
