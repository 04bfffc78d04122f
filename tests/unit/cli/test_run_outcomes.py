"""How inputs end, what the exit code says of it, and what a second run over the same memory makes of them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryMachineMemory
from arvo.cli.outcome import ignored
from arvo.errors import BackendError
from arvo.events import Event
from arvo.orchestration import Ignored
from tests.unit.cli.events import a_charge, an_order

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Done, Project

MEMORY = ("--memory", "sqlite:///orders.db")


def endings(done: Done) -> list[tuple[str, bool]]:
    return [(outcome["ending"], outcome["good"]) for outcome in done.of_kind("outcome")]


def test_every_line_of_json_is_an_object_and_the_last_is_the_summary(project: Project) -> None:
    project.write("events.jsonl", an_order(), "bad", a_charge(how="never"))
    done = project.run("--json", "--at-once", "1")
    kinds = [each["kind"] for each in done.objects]
    assert Counter(kinds) == {"step": 5, "outcome": 2, "bad_line": 1, "summary": 1}
    assert kinds[-1] == "summary"
    summary = done.objects[-1]
    assert summary["endings"] == {"arvo.orc.order.done": 1, "failed": 1}
    assert summary["bad_endings"] == ["failed"]
    assert (summary["inputs"], summary["bad_lines"], summary["dead_letters"]) == (2, 1, 1)
    assert summary["handlers"]["com.card.charge"]["attempts"] == 3
    assert not summary["good"]


def test_json_tells_the_lineage_and_holds_whole_events(project: Project) -> None:
    project.write("events.jsonl", an_order())
    steps = project.run("--json").of_kind("step")
    call = Event.from_dict(steps[0]["emitted"][0])
    assert steps[1]["event"] == {"id": call.id, "type": "com.card.charge", "parentid": "order-1"}
    assert Event.from_dict(steps[1]["emitted"][0]).parentid == call.id


def test_a_business_failure_is_an_answer_like_others(project: Project) -> None:
    project.write("events.jsonl", a_charge(dataschema="#/services/card.charge/1.0.0", data={"cents": 9999}))
    done = project.run("--json")
    assert (endings(done), done.code) == ([("answered", True)], 0)


@pytest.mark.parametrize(
    ("line", "ending"),
    [(a_charge(how="broken"), "system error"), (a_charge(how="never"), "failed"), (a_charge(data={}), "failed")],
)
def test_what_nobody_planned_for_gives_exit_code_1(project: Project, line: dict[str, Any], ending: str) -> None:
    project.write("events.jsonl", line)
    done = project.run("--json")
    assert (endings(done), done.code) == ([(ending, False)], 1)


def test_an_event_that_nobody_takes_has_failed(project: Project) -> None:
    project.write("events.jsonl", a_charge(subject="x/1", to="com.card.charg"))
    done = project.run("--json")
    (outcome,) = done.of_kind("outcome")
    assert outcome["ending"] == "failed"
    assert "Did you mean 'com.card.charge'?" in outcome["reason"]
    assert done.code == 1


def test_an_event_that_asks_for_no_answer_ends_quietly(project: Project) -> None:
    project.write("events.jsonl", a_charge(type="com.audit.log", subject="audit/1"))
    done = project.run("--json")
    assert (endings(done), done.code) == ([("no answer", True)], 0)


def test_dead_letters_of_inputs_that_were_answered_are_told_in_the_summary(project: Project) -> None:
    source = (project.folder / "shop.py").read_text(encoding="utf-8")
    (project.folder / "shop.py").write_text(
        source.replace("await asyncio.sleep(0.05)", "raise ExecutionViolation('full')")
    )
    project.write("events.jsonl", a_charge(type="com.parcel.ship", subject="parcel/1"))
    done = project.run()
    assert "Given up: 1 event.\n  'com.audit.log' gave up 'evt.audit.log.done'" in done.out
    assert done.code == 1


def test_an_order_that_waits_for_a_person_can_be_answered_by_a_later_line(project: Project) -> None:
    project.write("events.jsonl", an_order(ask=True))
    asked = project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY, "--json")
    assert (endings(asked), asked.code) == ([("waiting", True)], 0)
    assert asked.of_kind("summary")[0]["waiting"] == {"human": 1}

    question = asked.of_kind("step")[0]["emitted"][0]
    approval = {
        **question,
        "id": "approval-1",
        "type": "evt.human.ask.approved",
        "source": "com.human.ask",
        "to": question["source"],
        "parentid": question["id"],
        "domain": None,
        "data": {"by": "mara"},
    }
    project.write("events.jsonl", approval)
    answered = project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY, "--json")
    (outcome,) = answered.of_kind("outcome")
    assert (outcome["ending"], outcome["answer"]["type"]) == ("answered", "arvo.orc.order.done")
    assert answered.code == 0


def test_a_question_that_waits_is_told_in_the_summary(project: Project) -> None:
    project.write("events.jsonl", an_order(ask=True))
    done = project.run()
    assert "  = waiting: for an answer from domain human\n" in done.out
    assert "Waiting for an answer from domain human: 1 event.\n" in done.out


def test_a_second_run_over_the_same_memory_says_that_all_was_done_before(project: Project) -> None:
    project.write("events.jsonl", an_order(), an_order(id="order-2"), an_order(id="order-3", ask=True))
    project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY)
    again = project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY, "--json")
    assert endings(again) == [("ignored", True)] * 3
    assert again.of_kind("summary")[0]["endings"] == {
        "ignored: the workflow is done": 2,
        "ignored: it was taken before, and its workflow waits for domain human": 1,
    }
    assert again.code == 0
    shown = project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY).out
    assert "arvo.orc.order    - ignored: the workflow is done\n  = ignored: the workflow is done\n" in shown


async def test_what_became_of_an_earlier_event_may_be_unknown() -> None:
    class Gone(InMemoryMachineMemory):
        async def read(self, id: str) -> dict[str, Any] | None:
            raise BackendError(f"the memory of {id} is gone")

    event: Event[Any] = Event(type="arvo.orc.order", source="com.shop.web", subject="order/1", data={})
    outcome = await ignored(event, Ignored.DUPLICATE, Gone())
    assert str(outcome) == (
        "failed: it was taken before, and what became of its workflow cannot be read: the memory of order/1 is gone"
    )


def test_a_failed_workflow_stays_failed(project: Project) -> None:
    project.write("events.jsonl", an_order(how="broken"))
    assert project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY).code == 1
    again = project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY)
    assert "ignored: the workflow failed before" in again.out
    assert again.code == 0


def test_a_duplicate_in_one_file_is_ignored_by_its_workflow(project: Project) -> None:
    project.write("events.jsonl", an_order(how="slowly"), an_order(how="slowly"), a_charge(), a_charge())
    done = project.run("--json")
    by_line = {outcome["line"]: outcome["ending"] for outcome in done.of_kind("outcome")}
    assert by_line == {1: "answered", 2: "ignored", 3: "answered", 4: "answered"}
    assert {step["line"] for step in done.of_kind("step") if step["handler"] == "arvo.orc.order"} == {1, 2}
    assert done.code == 0


def test_a_workflow_that_was_cut_off_earlier_is_not_called_done(project: Project) -> None:
    project.write("events.jsonl", an_order(how="hanging"))
    with project.start("run", "shop:app", "--events", "events.jsonl", *MEMORY) as process:
        while not (project.folder / "started").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=60)
    done = project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY, "--json")
    assert endings(done) == [("not done", False)]
    assert done.of_kind("outcome")[0]["reason"] == "it was taken before, and its workflow has not come to an end"
    assert done.code == 1


def test_an_answer_to_no_known_workflow_has_failed(project: Project) -> None:
    project.write("events.jsonl", an_order())
    subject = project.run("--json").of_kind("outcome")[0]["answer"]["subject"]
    stray = {"id": "a-1", "type": "evt.human.ask.approved", "source": "com.human.ask", "data": {"by": "x"}}
    project.write("events.jsonl", {**stray, "to": "arvo.orc.order", "subject": subject})
    done = project.spawn("run", "shop:app", "--events", "events.jsonl", "--json")
    assert endings(done) == [("failed", False)]
    assert done.of_kind("outcome")[0]["reason"] == "it was ignored, because no workflow was started under its subject"


@pytest.mark.parametrize(
    ("memory", "reason"),
    [
        ("sqlite:///no/such/orders.db", "its folder does not exist"),
        ("sqlite:///damaged.db", "is not a SQLite database"),
        ("postgresql://x", "is not the address of a SQLite file"),
    ],
)
def test_a_memory_that_cannot_be_used_is_an_error_of_one_line(project: Project, memory: str, reason: str) -> None:
    project.write("events.jsonl", an_order())
    project.write("damaged.db", "this is no database, whatever its name says" * 100)
    done = project.run("--memory", memory)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: ")
    assert reason in done.err
    assert len(done.err.splitlines()) == 1


def test_a_memory_that_somebody_else_keeps_locked_is_an_error(project: Project) -> None:
    project.write("events.jsonl", an_order())
    project.run(*MEMORY)
    holder = sqlite3.connect("orders.db", isolation_level=None)
    holder.execute("PRAGMA journal_mode = DELETE")
    holder.execute("BEGIN EXCLUSIVE")
    done = project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY)
    holder.close()
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: The SQLite file 'orders.db' is locked by another process")


def test_a_memory_that_breaks_in_the_middle_fails_the_inputs_and_not_the_command(project: Project) -> None:
    source = (project.folder / "shop.py").read_text(encoding="utf-8")
    breaking = "            import sqlite3; sqlite3.connect('orders.db').execute('DROP TABLE machine_records')\n"
    marker = '            raise KeyError("no such card")\n'
    (project.folder / "shop.py").write_text(source.replace(marker, breaking), encoding="utf-8")
    project.write("events.jsonl", an_order(how="broken"))
    done = project.spawn("run", "shop:app", "--events", "events.jsonl", *MEMORY)
    assert done.code == 1
    assert "Given up: 1 event." in done.out
    assert "TransactionViolation" in done.out
    assert "Traceback" not in done.err


def test_inputs_run_at_once_only_as_far_as_allowed(project: Project) -> None:
    project.write("events.jsonl", *(a_charge(id=f"charge-{number}", how="slowly") for number in range(3)))
    steps = project.run("--json", "--at-once", "1").of_kind("step")
    assert [step["line"] for step in steps] == [1, 2, 3]
    assert project.run("--at-once", "0").code == 2


def test_what_is_remembered_does_not_grow_with_the_input(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from arvo.cli.journal import Journal

    most = 0

    class Counting(Journal):
        def observe(self, seen: Any) -> Any:
            nonlocal most
            most = max(most, len(self))
            return super().observe(seen)

    monkeypatch.setattr("arvo.cli.run.Journal", Counting)
    project.write("events.jsonl", *(a_charge(id=f"charge-{number}") for number in range(5_000)))
    done = project.run("--timeline", "every", "--at-once", "8")
    assert "5000 inputs in " in done.out
    assert 0 < most <= 8 * 2


def test_json_is_written_as_utf_8_whatever_the_terminal_speaks(project: Project) -> None:
    project.write("events.jsonl", json.dumps(a_charge(id="\u03c9-1"), ensure_ascii=False))
    done = project.spawn("run", "shop:app", "--events", "events.jsonl", "--json", PYTHONIOENCODING="iso-8859-1")
    assert done.of_kind("outcome")[0]["input"] == "\u03c9-1"
    shown = project.spawn("run", "shop:app", "--events", "events.jsonl", PYTHONIOENCODING="iso-8859-1")
    assert shown.out.startswith("com.card.charge \\u03c9-1 from ")
    assert shown.code == 0
