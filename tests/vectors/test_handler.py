"""Replays the recorded handler scenarios, record by record, through the public API."""

from __future__ import annotations

import re
from typing import Any

import pytest

from arvo.errors import ArvoError, DefinitionError
from tests.support.neutral_contracts import contract_from_neutral
from tests.support.scenarios import Placeholders, assert_raised, scripted_handler, sent_event
from tests.support.vectors import load, record_name
from tests.vectors.deviations_handler import DEVIATIONS, ours

RECORDS = load("handler")
SCENARIOS = [record for record in RECORDS if "output" in record]
CONSTRUCTION_ERRORS = [record for record in RECORDS if "error" in record]


@pytest.mark.parametrize("record", SCENARIOS, ids=record_name)
async def test_scenario_replays_as_recorded(record: dict[str, Any]) -> None:
    record = ours(record)
    given, expected = record["input"], record["output"]
    seen: list[dict[str, Any]] = []
    contracts = {name: contract_from_neutral(neutral) for name, neutral in given["contracts"].items()}
    handlers = {
        name: scripted_handler(spec, contracts[spec["contract"]], seen) for name, spec in given["handlers"].items()
    }
    for name, handler in handlers.items():
        assert expected["handlers"][name] == {
            "source": handler.source,
            "domain": handler.domain,
            "systemErrorType": handler.contract.system_error_type,
        }
    subjects = {f"<subject:{name}>": text for name, text in expected.get("fixed_subjects", {}).items()}
    placeholders = Placeholders(subjects)
    for step, outcome in zip(given["steps"], expected["steps"], strict=True):
        seen.clear()
        handler, event = handlers[step["to"]], sent_event(step, subjects)
        if "error" in outcome:
            with pytest.raises(ArvoError) as raised:
                await handler.execute(event)
            assert_raised(raised.value, outcome["error"])
        else:
            events = await handler.execute(event)
            assert placeholders.apply(events, outcome["events"]) == outcome["events"]
            assert len({event.id for event in events}) == len(events)
        assert placeholders.named(seen) == outcome.get("seen", [])
    assert placeholders.managed_values() == expected.get("managed_ids", {})


@pytest.mark.parametrize("record", CONSTRUCTION_ERRORS, ids=record_name)
def test_incomplete_handler_is_refused_by_its_check(record: dict[str, Any]) -> None:
    """The original refuses in its constructor; decorators can only be counted once all of them have run."""
    given = record["input"]
    contracts = {name: contract_from_neutral(neutral) for name, neutral in given["contracts"].items()}
    ((_, spec),) = given["handlers"].items()
    handler = scripted_handler(spec, contracts[spec["contract"]], [])
    first_missing = record["error"]["message"].rsplit(" ", 1)[1]
    with pytest.raises(DefinitionError, match=rf"no function for version.* {re.escape(first_missing)}"):
        handler.check()


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: f"quirk_{deviation.quirk}")
def test_deviation_changes_what_is_expected(deviation: Any) -> None:
    deviating = [record for record in SCENARIOS if re.fullmatch(deviation.name_pattern, record["name"])]
    assert deviating
    assert all(ours(record) != record for record in deviating)
