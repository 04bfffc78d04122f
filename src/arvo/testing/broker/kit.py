"""All checks, and the runner that goes through them and reports every broken promise at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from arvo.testing import conformance
from arvo.testing.broker.consumer_checks import CONSUMER_CHECKS
from arvo.testing.broker.outage_checks import OUTAGE_CHECKS
from arvo.testing.broker.publish_checks import PUBLISH_CHECKS
from arvo.testing.broker.settling_checks import SETTLING_CHECKS
from arvo.testing.broker.under_test import BrokerUnderTest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.testing.broker.under_test import MakeBroker

__all__ = ["CHECKS", "Check", "Report", "check_broker"]

Check: TypeAlias = conformance.Check[BrokerUnderTest]
Report: TypeAlias = conformance.Report[BrokerUnderTest]

CHECKS: tuple[Check, ...] = (*PUBLISH_CHECKS, *CONSUMER_CHECKS, *SETTLING_CHECKS, *OUTAGE_CHECKS)


async def check_broker(make: MakeBroker, checks: Iterable[Check] = CHECKS) -> Report:
    """Run every check, each on a broker freshly made, and report; an ExceptionGroup holds all broken promises.

    `make` returns an async context manager that gives a `BrokerUnderTest` with nothing in it.
    """
    return await conformance.run_checks("MessageBroker", make, checks)
