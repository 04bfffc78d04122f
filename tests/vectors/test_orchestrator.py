"""Replays the recorded scenarios of orchestrators, record by record, through the public API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest

from arvo.errors import DefinitionError
from tests.support.scripted_machines import scripted_machine, scripted_orchestrator
from tests.support.vectors import load, record_name
from tests.support.workflow_replay import WorkflowReplay, contracts_of
from tests.vectors.deviations_orchestrator import (
    DEVIATIONS,
    machines_in,
    ours,
    uses_unknown_names,
    with_plain_names,
    without_waiting,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.orchestration import Orchestrator

RECORDS = load("orchestrator")
UNDEFINED = [
    record for record in RECORDS if "steps" in record["input"] and any(map(uses_unknown_names, machines_in(record)))
]
SCENARIOS = [record for record in RECORDS if "steps" in record["input"] and record not in UNDEFINED]
LOCKING = [record for record in RECORDS if "machine" in record.get("output", {})]
OPENLY_NAMED = [record for record in RECORDS if "error" in record and with_plain_names(record) is not None]
PATIENT = [record for record in RECORDS if "error" in record and without_waiting(record) is not None]
CONSTRUCTION_ERRORS = [record for record in RECORDS if "error" in record and record not in [*OPENLY_NAMED, *PATIENT]]

BY_TEST = {45: [*OPENLY_NAMED, *PATIENT], 46: UNDEFINED, 47: LOCKING}
"""What shows a quirk in another way than by the steps of a scenario."""


@pytest.mark.parametrize("record", SCENARIOS, ids=record_name)
async def test_scenario_replays_as_recorded(record: dict[str, Any]) -> None:
    record, _ = ours(record)
    await WorkflowReplay(record, scripted_orchestrator).run()


@pytest.mark.parametrize("record", LOCKING, ids=record_name)
def test_workflow_is_locked_whatever_its_machine_is_like(record: dict[str, Any]) -> None:
    """The original locks parallel states and services with several emits only (quirk 47)."""
    workflow = _workflow(record)
    (version,) = workflow.implements
    (machine,) = (scripted_machine(spec, contracts_of(record)) for spec in machines_in(record))
    assert record["output"]["machine"] == {
        "id": machine.definition.id,
        "version": machine.version.version,
        "source": version.accepted_type,
        "requiresResourceLocking": ANY,
    }
    assert workflow.lock


@pytest.mark.parametrize("record", CONSTRUCTION_ERRORS, ids=record_name)
def test_wrong_definition_is_refused(record: dict[str, Any]) -> None:
    assert _is_refused(record)


@pytest.mark.parametrize("record", UNDEFINED, ids=record_name)
def test_name_that_nothing_stands_for_is_refused_with_the_chart(record: dict[str, Any]) -> None:
    """The original ignores it, or finds out when an event arrives (quirk 46)."""
    assert _is_refused(record)


@pytest.mark.parametrize("record", OPENLY_NAMED, ids=record_name)
def test_names_of_states_do_not_matter(record: dict[str, Any]) -> None:
    """The original refuses charts for states called like something that it does not support (quirk 45)."""
    plain = with_plain_names(record)
    assert plain is not None
    assert _is_refused(record) == _is_refused(plain)


@pytest.mark.parametrize("record", PATIENT, ids=record_name)
def test_states_may_wait_for_time_to_pass(record: dict[str, Any]) -> None:
    """The original refuses charts whose states do (quirk 45)."""
    restless = without_waiting(record)
    assert restless is not None
    assert _is_refused(record) == _is_refused(restless)


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: f"quirk_{deviation.quirk}")
def test_deviation_shows_only_where_it_is_declared(deviation: Any) -> None:
    showing: list[str] = [record["name"] for record in SCENARIOS if deviation.quirk in ours(record)[1]]
    showing += [record["name"] for record in BY_TEST.get(deviation.quirk, ())]
    assert all(re.fullmatch(deviation.name_pattern, name) for name in showing)


def test_every_deviation_is_declared() -> None:
    applied = {quirk for record in SCENARIOS for quirk in ours(record)[1]}
    assert applied | BY_TEST.keys() <= {deviation.quirk for deviation in DEVIATIONS}


def _workflow(record: Mapping[str, Any]) -> Orchestrator:
    (spec,) = (spec for spec in record["input"]["handlers"].values() if spec["kind"] == "orchestrator")
    return scripted_orchestrator(spec, contracts_of(record), [])


def _is_refused(record: Mapping[str, Any]) -> bool:
    try:
        _workflow(record)
    except DefinitionError:
        return True
    except TypeError as error:
        # `actors` cannot even be passed.
        return "unexpected keyword argument" in str(error)
    return False
