"""`arvo machine`: charts as text, picture and document, their active states, and what is wrong with them."""

from __future__ import annotations

import json
from runpy import run_path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.statecharts import EmitEvent, from_xstate
from tests.unit.orchestration.orders import request

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project

FLOWS = """
from tests.unit.orchestration.orders import *
from tests.unit.orchestration.machines import begin, order_machine
from arvo.orchestration import Machine, Orchestrator

machine = order_machine()
asking = machine.state("asking")
end = machine.state("end")
machine.start(at=asking)(begin)
asking.enter(lambda state: ReserveStock(sku=state.sku))
asking.on_any(to=end)
machine.final(at=end)(lambda state: OrderPlaced(charge_id="c"))
place_order = Orchestrator(order, [machine])

doubtful = order_machine()
doubtful.start(at=doubtful.state("alone"))(begin)

broken = order_machine()
broken.state("alone")

twice = OrchestratorContract("twice", uri="#/orchestrators/twice")
versions = [twice.version(f"{n}.0.0", accepts=PlaceOrder, emits=OrderPlaced) for n in (1, 2)]
both = [
    Machine.from_xstate(
        version, {"id": f"chart{n}", "initial": "end", "states": {"end": {"type": "final"}}}, services=services()
    )
    for n, version in enumerate(versions, 1)
]
two = Orchestrator(twice, both)
"""


@pytest.fixture
def flows(project: Project) -> Project:
    """The folder with machines in `flows.py`."""
    (project.folder / "flows.py").write_text(FLOWS, encoding="utf-8")
    return project


async def record_of_a_waiting_order(flows: Project) -> dict[str, Any]:
    """What the memory keeps of an order that waits for stock."""
    workflow = run_path(str(flows.folder / "flows.py"))["place_order"].bind(InMemoryMachineMemory())
    event = request()
    await workflow.execute(event)
    record = await workflow.memory.read(event.subject)
    return json.loads(json.dumps(dict(record)))  # type: ignore[no-any-return]


def test_a_machine_is_drawn_as_text(flows: Project) -> None:
    done = flows.arvo("machine", "show", "flows:machine")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("stateDiagram-v2\n")
    assert "s1 --> s2 : evt.stock.reserve.success" in done.out
    assert "active" not in done.out


def test_an_orchestrator_of_one_machine_is_as_good_as_the_machine(flows: Project) -> None:
    drawn = [flows.arvo("machine", "show", name).out for name in ("flows:machine", "flows:place_order")]
    assert drawn[0] == drawn[1]


def test_a_machine_is_drawn_as_a_picture_without_anything_else_installed(flows: Project) -> None:
    done = flows.arvo("machine", "show", "flows:machine", "--format", "svg")
    assert done.code == 0
    picture = ElementTree.fromstring(done.out)  # noqa: S314  # made here
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"


def call(*_: object) -> None: ...


def test_a_machine_is_written_as_a_document_that_can_be_read_back(flows: Project) -> None:
    document = json.loads(flows.arvo("machine", "show", "flows:machine", "--format", "json").out)
    assert document["states"]["asking"]["entry"] == ["asking.enter"]
    assert from_xstate(document, actions={"asking.enter": EmitEvent(call)}).id == "order"


@pytest.mark.parametrize("form", ["mermaid", "svg"])
async def test_active_states_are_marked_by_a_record_and_by_the_snapshot_in_it(flows: Project, form: str) -> None:
    record = await record_of_a_waiting_order(flows)
    flows.write("record.json", record)
    flows.write("snapshot.json", record["state"])
    drawn = [
        flows.arvo("machine", "show", "flows:machine", "--format", form, "--snapshot", name).out
        for name in ("record.json", "snapshot.json")
    ]
    assert drawn[0] == drawn[1]
    assert ("class s1 active" if form == "mermaid" else 'class="state leaf active" id="order.asking"') in drawn[0]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("not json", "snapshot.json is not JSON: Expecting value"),
        ("[" * 100_000, "snapshot.json is not JSON: "),
        ("[1]", "snapshot.json holds list, not the JSON object of a snapshot or a record."),
        (
            '{"value": "gone"}',
            "snapshot.json is no snapshot of #/orchestrators/order/1.0.0: value: #order has no state",
        ),
        ('{"state": "gone"}', "snapshot.json is no snapshot of #/orchestrators/order/1.0.0: value: it is missing"),
        ('{"state": {}}', "snapshot.json is no snapshot of #/orchestrators/order/1.0.0: value: it is missing"),
        ('"\\xff', "snapshot.json is not JSON"),
    ],
    ids=["text", "deep", "list", "other state", "other record", "empty record", "cut off"],
)
def test_what_is_no_snapshot_of_the_machine_is_refused_in_one_line(flows: Project, content: str, problem: str) -> None:
    flows.write("snapshot.json", content)
    done = flows.arvo("machine", "show", "flows:machine", "--snapshot", "snapshot.json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"Error: {problem}")
    assert done.err.count("\n") == 1


def test_a_snapshot_that_is_not_there_is_an_error(flows: Project) -> None:
    done = flows.arvo("machine", "show", "flows:machine", "--snapshot", "nowhere.json")
    assert done.code == 2
    assert "nowhere.json" in done.err


def test_a_document_marks_no_states(flows: Project) -> None:
    flows.write("snapshot.json", "{}")
    done = flows.arvo("machine", "show", "flows:machine", "--format", "json", "--snapshot", "snapshot.json")
    assert done.code == 2
    assert "Use --snapshot with mermaid or svg." in done.err


def test_one_of_several_versions_is_named(flows: Project) -> None:
    done = flows.arvo("machine", "show", "flows:two")
    assert done.code == 2
    assert "'flows:two' has several versions. Name one with --version: 1.0.0, 2.0.0." in done.err
    done = flows.arvo("machine", "show", "flows:two", "--version", "3.0.0")
    assert "'flows:two' has no version 3.0.0. Name one with --version" in done.err
    done = flows.arvo("machine", "show", "flows:two", "--version", "2.0.0", "--format", "json")
    assert json.loads(done.out)["id"] == "chart2"


def test_a_machine_that_cannot_work_is_not_drawn(flows: Project) -> None:
    done = flows.arvo("machine", "show", "flows:broken")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: Statechart 'order' has one error:\n  nothing makes its first state")


def test_what_is_no_machine_is_refused_with_a_hint(flows: Project) -> None:
    done = flows.arvo("machine", "show", "flows:order_v1")
    assert done.code == 2
    assert "not a ChartMachine or an Orchestrator. Did you mean 'flows:" in done.err


def test_a_machine_without_flaws_passes_the_check(flows: Project) -> None:
    done = flows.arvo("machine", "check", "flows:machine")
    assert (done.code, done.err) == (0, "")
    assert done.out == "#/orchestrators/order/1.0.0: 2 states, no errors, no doubts\n"


def test_every_machine_of_an_orchestrator_is_checked(flows: Project) -> None:
    done = flows.arvo("machine", "check", "flows:two")
    assert done.out.splitlines() == [
        f"#/orchestrators/twice/{version}: 1 state, no errors, no doubts" for version in ("1.0.0", "2.0.0")
    ]


def test_doubts_are_printed_and_fail_only_a_strict_check(flows: Project) -> None:
    done = flows.arvo("machine", "check", "flows:doubtful")
    assert done.code == 0
    assert done.out.splitlines() == [
        "#/orchestrators/order/1.0.0: 1 state, no errors, 4 doubts",
        "  #order: it never ends, since no final state of it can be reached",
        "  #order.alone: nothing leads out of this state, and it is not final",
        "  #order: #/services/stock.reserve/1.0.0 is among its services, but no state that can be reached calls it",
        "  #order: #/services/card.charge/1.0.0 is among its services, but no state that can be reached calls it",
    ]
    assert flows.arvo("machine", "check", "flows:doubtful", "--strict").code == 1
    assert flows.arvo("machine", "check", "flows:machine", "--strict").code == 0


def test_errors_fail_the_check_and_the_rest_is_checked_all_the_same(flows: Project) -> None:
    done = flows.arvo("machine", "check", "flows:broken", "flows:machine")
    assert done.code == 1
    assert done.out == "#/orchestrators/order/1.0.0: 2 states, no errors, no doubts\n"
    assert done.err.startswith("flows:broken: Statechart 'order' has one error:\n  nothing makes its first state")


def test_errors_found_while_a_module_loads_fail_the_check_too(flows: Project) -> None:
    (flows.folder / "worse.py").write_text(f"{FLOWS}\nOrchestrator(order, [machine, machine])\n", encoding="utf-8")
    done = flows.arvo("machine", "check", "worse:machine")
    assert done.code == 1
    assert "got two machines for version 1.0.0" in done.err


def test_a_machine_that_is_not_there_is_no_result_of_a_check(flows: Project) -> None:
    done = flows.arvo("machine", "check", "flows:nowhere")
    assert done.code == 2
    assert "'flows' has no 'nowhere'." in done.err
