"""Replays the recorded scenarios of resumable workflows, record by record, through the public API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import DefinitionError
from tests.support.recorded_memory import RecordedMemory
from tests.support.scripted_workflows import scripted_resumable
from tests.support.vectors import load, record_name
from tests.support.workflow_replay import WorkflowReplay, contracts_of
from tests.vectors.deviations_resumable import DEVIATIONS, ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.orchestration import Resumable

RECORDS = load("resumable")
UNCHECKED_AT_SETUP = [record for record in RECORDS if record["name"].startswith("setup_missing_version")]
SCENARIOS = [record for record in RECORDS if "output" in record and record not in UNCHECKED_AT_SETUP]
CONSTRUCTION_ERRORS = [record for record in RECORDS if "error" in record]


@pytest.mark.parametrize("record", SCENARIOS, ids=record_name)
async def test_scenario_replays_as_recorded(record: dict[str, Any]) -> None:
    record, _ = ours(record)
    await WorkflowReplay(record, scripted_resumable).run()


def _only_workflow(record: Mapping[str, Any]) -> Resumable:
    (spec,) = (spec for spec in record["input"]["handlers"].values() if spec["kind"] == "resumable")
    return scripted_resumable(spec, contracts_of(record), [])


@pytest.mark.parametrize("record", CONSTRUCTION_ERRORS, ids=record_name)
def test_wrong_definition_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        _only_workflow(record)


@pytest.mark.parametrize("record", UNCHECKED_AT_SETUP, ids=record_name)
def test_missing_version_is_refused_when_the_workflow_is_bound(record: dict[str, Any]) -> None:
    """The original finds out at the first event of that version (quirk 54)."""
    workflow = _only_workflow(record)
    with pytest.raises(DefinitionError, match=r"no function for version"):
        workflow.bind(RecordedMemory())


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: f"quirk_{deviation.quirk}")
def test_deviation_shows_only_where_it_is_declared(deviation: Any) -> None:
    showing: list[str] = [record["name"] for record in SCENARIOS if deviation.quirk in ours(record)[1]]
    assert all(re.fullmatch(deviation.name_pattern, name) for name in showing)
