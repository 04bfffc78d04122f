"""Conformance kit: checks any `Store` against every promise of the port.

`make` returns an async context manager that gives a `StoreUnderTest`: your store over empty tables. Framework-free:
`await check_store(make)` runs everything. Under pytest each check can be a test of its own:

    @pytest.mark.parametrize("check", CHECKS, ids=str)
    async def test_keeps_its_promise(check: Check) -> None:
        await check.run(make)
"""

from arvo.testing.conformance import PromiseBrokenError
from arvo.testing.store.kit import CHECKS, Check, Report, check_store
from arvo.testing.store.under_test import MakeStore, StoreUnderTest

__all__ = [
    "CHECKS",
    "Check",
    "MakeStore",
    "PromiseBrokenError",
    "Report",
    "StoreUnderTest",
    "check_store",
]
