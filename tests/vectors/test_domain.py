"""Replays the truth table of domain resolution, record by record."""

from __future__ import annotations

from typing import Any

import pytest

from arvo.handlers.domains import Domain, resolve_domain
from tests.support.vectors import load, record_name

RECORDS = load("domain")


@pytest.mark.parametrize("record", [r for r in RECORDS if "symbols" in r["input"]], ids=record_name)
def test_symbols_have_the_recorded_names(record: dict[str, Any]) -> None:
    assert {name: getattr(Domain, name) for name in record["input"]["symbols"]} == record["output"]


@pytest.mark.parametrize("record", [r for r in RECORDS if "symbols" not in r["input"]], ids=record_name)
def test_rule_resolves_as_recorded(record: dict[str, Any]) -> None:
    given = record["input"]
    event_contract: dict[str, Any] = given["eventContract"] or {}
    resolved = resolve_domain(
        given["domainToResolve"],
        subject=given["currentSubject"],
        trigger=given["triggeringDomain"],
        own=given["selfContractDomain"],
        contract=event_contract.get("domain"),
        parent_subject=given["parentSubject"],
    )
    assert resolved == record["output"]["domain"]
