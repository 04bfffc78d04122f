"""Machines and orchestrators that cannot work are refused when they are put together, with what is wrong and where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import Contract, OrchestratorContract, Payload, services
from arvo.errors import DefinitionError
from arvo.orchestration import Machine, Orchestrator
from arvo.statecharts import transition
from tests.unit.orchestration.documents import ORDER, document_machine, one_state, returning
from tests.unit.orchestration.orders import (
    OrderPlaced,
    PlaceOrder,
    ReserveStock,
    StockReserved,
    charge_v1,
    order,
    order_v1,
    request,
    reserve_v1,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str | int, ...]


def issues_of(document: Mapping[str, Any] = ORDER, **changes: Any) -> list[Path]:
    """Where a machine is wrong."""
    with pytest.raises(DefinitionError) as refusal:
        document_machine(document, **changes)
    return [issue.path for issue in refusal.value.issues]


def test_names_that_nothing_stands_for_are_refused() -> None:
    document = one_state("ask", on={"evt.stock.reserve.success": {"target": "nowhere", "guard": "isOpen"}})
    assert issues_of(document, calls={}) == [
        ("states", "only", "entry", 0),
        ("states", "only", "on", "evt.stock.reserve.success", "guard"),
    ]
    assert issues_of(document, calls={"ask": returning(None)}, guards={"isOpen": returning(True)}) == [
        ("states", "only", "on", "evt.stock.reserve.success", "target")
    ]


def test_actors_are_refused_where_they_stand() -> None:
    assert issues_of(one_state(invoke={"src": "load"})) == [("states", "only", "invoke")]
    assert issues_of({**one_state(), "invoke": {}}) == [("invoke",)]


@pytest.mark.parametrize("name", ["invoke", "after", "enqueueArvoEvent"])
def test_a_state_may_have_any_name(name: str) -> None:
    """The original refuses a name where it refuses what is called so."""
    machine = document_machine({"id": "m", "initial": name, "states": {name: {}}})
    assert machine.definition.find(name).is_leaf


@pytest.mark.parametrize("given", ["calls", "actions"])
def test_the_built_in_action_cannot_be_replaced(given: str) -> None:
    assert (given, "enqueueArvoEvent") in issues_of(**{given: {"enqueueArvoEvent": returning(None)}})


def test_a_name_is_either_a_call_or_another_action() -> None:
    assert issues_of(calls={"keepHold": returning(None)}) == [("calls", "keepHold")]


def test_a_document_of_another_version_is_refused() -> None:
    assert issues_of({**ORDER, "version": "2.0.0"}) == [("version",)]
    assert document_machine({**ORDER, "version": "1.0.0"}).version is order_v1


def test_services_of_one_event_type_cannot_be_told_apart_in_a_document() -> None:
    class Other(Payload):
        pass

    twin = Contract(uri="#/services/twin", type="com.stock.reserve").version("1.0.0", accepts=Other, emits=None)
    with pytest.raises(DefinitionError, match=r"two take the same event type \(com\.stock\.reserve"):
        document_machine(services=services(reserve_v1, twin, charge_v1))


def test_a_workflow_cannot_call_itself() -> None:
    with pytest.raises(DefinitionError, match="has itself as a service"):
        document_machine(services=services(order_v1))


def test_a_service_has_one_version() -> None:
    with pytest.raises(DefinitionError, match="keep one of them"):
        services(reserve_v1, reserve_v1)


@pytest.mark.parametrize("version", [reserve_v1, "1.0.0"])
def test_a_machine_needs_the_version_of_a_workflow(version: Any) -> None:
    with pytest.raises(DefinitionError, match=r"OrchestratorContract"):
        document_machine(version=version)


def test_a_machine_of_another_contract_is_refused() -> None:
    other = OrchestratorContract("order", uri="#/orchestrators/other")
    other.version("1.0.0", accepts=PlaceOrder, emits=OrderPlaced)
    with pytest.raises(DefinitionError, match="a version of another contract"):
        Orchestrator(other, [document_machine()])


def test_a_version_has_one_machine() -> None:
    with pytest.raises(DefinitionError, match=r"got two machines for version 1\.0\.0"):
        Orchestrator(order, [document_machine(), document_machine()])


def test_every_version_needs_a_machine() -> None:
    with pytest.raises(DefinitionError, match=r"has no machine for version 1\.0\.0.*Pass a Machine for"):
        Orchestrator(order, [])


def test_a_version_declared_later_is_missed_when_the_workflow_is_bound() -> None:
    contract = OrchestratorContract("order", uri="#/orchestrators/growing")
    first = contract.version("1.0.0", accepts=PlaceOrder, emits=OrderPlaced)
    workflow = Orchestrator(contract, [document_machine(one_state(), version=first, services=services())])
    contract.version("2.0.0", accepts=PlaceOrder, emits=OrderPlaced)
    with pytest.raises(DefinitionError, match=r"no machine for version 2\.0\.0"):
        workflow.bind(InMemoryMachineMemory())


@pytest.mark.parametrize("contract", [Contract(uri="#/a", type="com.a.b"), None])
def test_an_orchestrator_needs_the_contract_of_a_workflow(contract: Any) -> None:
    with pytest.raises(DefinitionError, match="needs an OrchestratorContract"):
        Orchestrator(contract, [])


def test_a_domain_that_is_none_is_refused() -> None:
    with pytest.raises(DefinitionError, match="is not a domain"):
        Orchestrator(order, [document_machine()], call_domains="Near You")


@pytest.mark.parametrize("text", [json.dumps(ORDER), json.dumps(ORDER, indent=2).encode()])
def test_a_document_may_be_text(text: str | bytes) -> None:
    machine = document_machine(text)
    assert machine.to_xstate() == document_machine().to_xstate()
    assert json.loads(machine.chart.document) == ORDER
    assert "\n" not in machine.chart.document


def test_an_exported_document_makes_the_same_machine() -> None:
    machine = document_machine()
    again = document_machine(machine.to_xstate())
    assert again.to_xstate() == machine.to_xstate()
    first = transition(again.definition, None, request())
    assert first.snapshot == transition(machine.definition, None, request()).snapshot
    assert first.emitted == (ReserveStock(sku="shoe"),)


def test_a_diagram_marks_the_states_of_a_snapshot() -> None:
    machine = document_machine()
    snapshot = transition(machine.definition, None, request()).snapshot
    assert "evt.stock.reserve.success / keepHold" in machine.to_mermaid()
    assert " active" in machine.to_mermaid(snapshot)


def test_a_machine_tells_what_it_is_made_for() -> None:
    machine = Machine.from_xstate(order_v1, one_state(), services=services(reserve_v1))
    assert (machine.version, machine.services.versions) == (order_v1, (reserve_v1,))
    assert machine.definition.id == "one"
    accepted = cast("type[Payload]", StockReserved)
    assert accepted in machine.services.versions[0].emits
