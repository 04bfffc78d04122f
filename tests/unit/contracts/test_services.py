"""The set of services of a workflow."""

from __future__ import annotations

from typing import Any

import pytest

from arvo.contracts import Contract, services
from arvo.errors import DefinitionError
from tests.unit.contracts.samples import CardCharged, ChargeCard, WriteLog, charge, charge_v1, log_v1, order_v1


def test_services_are_found_by_what_they_accept() -> None:
    called = services(charge_v1, log_v1, order_v1)
    assert called.versions == (charge_v1, log_v1, order_v1)
    assert called.by_accepts[WriteLog] is log_v1


def test_a_workflow_may_call_nobody() -> None:
    assert services().versions == ()


def test_what_is_no_version_is_refused() -> None:
    contract: Any = charge
    with pytest.raises(DefinitionError, match="takes contract versions, got Contract"):
        services(contract)


def test_two_versions_of_a_contract_are_refused() -> None:
    contract = Contract(uri="#/a", type="com.a.b")
    first = contract.version("1.0.0", accepts=ChargeCard, emits=CardCharged)
    second = contract.version("2.0.0", accepts=WriteLog, emits=CardCharged)
    for pair in ((first, second), (first, first)):
        with pytest.raises(DefinitionError, match=r"got #/a/1\.0\.0 and #/a/.* keep one of them"):
            services(*pair)


def test_two_services_that_accept_the_same_are_refused() -> None:
    other = Contract(uri="#/other", type="com.a.b").version("1.0.0", accepts=ChargeCard, emits=None)
    with pytest.raises(DefinitionError, match=r"ChargeCard is accepted by .*charge/1\.0\.0 and by #/other/1\.0\.0"):
        services(charge_v1, other)
