"""`arvo workflow list` and `show`: what there is to know of a workflow, and of its family."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from arvo.ports import Amendment, NewDelivery, RecordWrite, WorkflowStatus
from tests.unit.cli.operate.conftest import a_bundle, an_event, an_item, error_of

if TYPE_CHECKING:
    from arvo.ports import Store
    from tests.unit.cli.operate.conftest import Depot


@pytest.fixture
def family(depot: Depot) -> Depot:
    """A store with a workflow that began two others, which ask people."""
    assert depot.work(a_bundle("lamp", "desk")).code == 0
    return depot


def test_an_empty_list_says_so(depot: Depot) -> None:
    depot.work()
    done = depot.arvo("workflow", "list")
    assert (done.code, done.out, done.err) == (0, "", "There are no such workflows.\n")


def test_workflows_are_listed_the_newest_first(family: Depot) -> None:
    family.work(an_item("broken"))
    done = family.arvo("workflow", "list")
    header, newest, *_, oldest = done.out.splitlines()
    assert header.split()[:3] == ["number", "status", "workflow"]
    assert "failed" in newest
    assert newest.endswith("RuntimeError: the shelf is broken")
    assert "item-broken" in newest
    assert "arvo.orc.bundle" in oldest
    assert done.err == "Details: arvo workflow show NUMBER\n"


def test_the_list_has_pages_and_filters(family: Depot) -> None:
    family.work(an_item("broken"))
    first = family.arvo("workflow", "list", "--limit", "1", "--json")
    (newest,) = first.objects
    assert (newest["kind"], newest["status"], newest["started_by"]) == ("workflow", "failed", "item-broken")
    assert first.err == f"There are more: --before {newest['number']}\n"

    def listed(*options: str) -> int:
        return len(family.arvo("workflow", "list", "--json", *options).objects)

    assert listed("--before", str(newest["number"])) == 3
    assert listed("--status", "active", "--handler", "arvo.orc.item") == 2
    assert listed("--started-by", "bundle-1") == 1
    assert listed("--started-by", "item-broken") == 1
    assert listed("--status", "done") == 0


def test_a_workflow_is_shown_with_its_calls_family_and_state(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")
    first, second = family.numbers("arvo.orc.item")
    done = family.arvo("workflow", "show", str(bundle))
    assert done.out.startswith(f"Workflow {bundle}, arvo.orc.bundle: active\n")
    assert "  started by  com.web.desk, event bundle-1\n" in done.out
    assert done.out.count("  arvo.orc.item (id ") == 2
    assert "Family\n" in done.out
    assert f"  {bundle} arvo.orc.bundle active <- this one\n" in done.out
    assert f"    {first} arvo.orc.item active\n" in done.out
    assert '    "asked": "lamp,desk"\n' in done.out
    assert done.err == f"To end it: arvo workflow cancel {bundle} --app MODULE:APP\n"
    child = family.arvo("workflow", "show", str(second))
    assert f"  {bundle} arvo.orc.bundle active\n    {second} arvo.orc.item active <- this one\n" in child.out
    assert str(first) not in child.out.partition("Family")[2].partition("State")[0].split()
    assert "com.human.ask asked in human, " in child.out
    assert "com.human.ask in domain human (id " in child.out


def test_a_workflow_is_found_by_its_subject(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")
    (shown,) = family.arvo("workflow", "show", str(bundle), "--json").objects
    (again,) = family.arvo("workflow", "show", shown["subject"], "--json").objects
    assert again["number"] == bundle
    assert [each["children"] for each in again["family"]["children"]] == [[], []]
    assert again["state"] == {"asked": "lamp,desk"}
    assert [call["answers"] for call in again["calls"]] == [[], []]


def test_a_failed_workflow_says_on_what(depot: Depot) -> None:
    depot.work(an_item("broken"))
    (number,) = depot.numbers("arvo.orc.item")
    done = depot.arvo("workflow", "show", str(number))
    assert "  error       RuntimeError: the shelf is broken\n  failed on   arvo.orc.item\n" in done.out
    assert done.err == f"When what it failed on is mended: arvo workflow retry {number}\n"
    (shown,) = depot.arvo("workflow", "show", str(number), "--json").objects
    assert (shown["error"]["name"], shown["failed_on"]["id"]) == ("RuntimeError", "item-broken")


def test_an_ended_workflow_shows_its_output(depot: Depot) -> None:
    depot.work(an_item("lamp"))
    answer = ("--type", "evt.human.ask.approved", "--data", '{"by": "mara"}')
    depot.arvo("inbox", "answer", depot.question(), "--app", "depot:app", *answer)
    depot.work()
    (number,) = depot.numbers("arvo.orc.item")
    done = depot.arvo("workflow", "show", str(number))
    assert done.out.startswith(f"Workflow {number}, arvo.orc.item: done\n")
    assert ": answered by evt.human.ask.approved\n" in done.out
    assert done.out.endswith('Output arvo.orc.item.done\n  {\n    "by": "mara"\n  }\n')
    assert done.err == ""


def test_what_waits_in_the_lane_is_shown(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")

    async def publish(store: Store) -> None:
        workflow = await store.numbered_workflow(bundle)
        assert workflow is not None
        event = an_event("late", workflow.subject)
        later = an_event("later", workflow.subject, "com.test.timer")
        timer = NewDelivery(handler=workflow.handler, event=later, due=timedelta(hours=2))
        await store.publish([NewDelivery(handler=workflow.handler, event=event), timer])

    family.look(publish)
    out = family.arvo("workflow", "show", str(bundle)).out
    assert "  1 in its lane, first com.test.b: ready for " in out
    assert "  timer com.test.timer in 1h 59m\n" in out
    (shown,) = family.arvo("workflow", "show", str(bundle), "--json").objects
    assert (shown["lane"]["events"], shown["lane"]["first"]["id"]) == (1, "late")
    assert [timer["event"]["id"] for timer in shown["timers"]] == ["later"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("77", "There is no workflow '77'. They are listed by: arvo workflow list"),
        ("9" * 30, "There is no workflow '999"),
        ("bundle-1", "'bundle-1' is neither the number nor the subject of a workflow. If it is the id of the event"),
    ],
)
def test_an_unknown_workflow_is_told(family: Depot, name: str, message: str) -> None:
    assert error_of(family.arvo("workflow", "show", name), 1).startswith(message)


def test_a_record_that_cannot_be_read_is_told_and_does_not_spoil_the_list(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")

    async def spoil(store: Store) -> None:
        workflow = await store.numbered_workflow(bundle)
        assert workflow is not None
        record = RecordWrite(subject=workflow.subject, record_json=b"[]", status=WorkflowStatus.ACTIVE)
        await store.amend(Amendment(handler=workflow.handler, revision=workflow.revision, record=record))

    family.look(spoil)
    assert family.arvo("workflow", "list").out.count("\n") == 4
    message = error_of(family.arvo("workflow", "show", str(bundle)), 2)
    assert message.startswith("This is not the record of a workflow: ")
