"""Conformance kit: checks any `MessageBroker` against every promise of the port.

`make` returns an async context manager that gives a `BrokerUnderTest`: your broker with nothing in it. Framework-free:
`await check_broker(make)` runs everything. Under pytest each check can be a test of its own:

    @pytest.mark.parametrize("check", CHECKS, ids=str)
    async def test_keeps_its_promise(check: Check) -> None:
        await check.run(make)
"""

from arvo.testing.broker.kit import CHECKS, Check, Report, check_broker
from arvo.testing.broker.under_test import BrokerUnderTest, MakeBroker
from arvo.testing.conformance import PromiseBrokenError

__all__ = [
    "CHECKS",
    "BrokerUnderTest",
    "Check",
    "MakeBroker",
    "PromiseBrokenError",
    "Report",
    "check_broker",
]
