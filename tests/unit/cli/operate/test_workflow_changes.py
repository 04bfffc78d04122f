"""`arvo workflow cancel` and `retry`: what they do to the record, to what is under way, to callers and to children."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arvo.cli.failure import NotDoneError
from arvo.cli.operate import workflow_changes
from arvo.cli.references import load
from arvo.ports import Amendment, NewDelivery, RecordWrite, WorkflowStatus
from arvo.runtime import App
from tests.unit.cli.operate.conftest import a_bundle, an_event, an_item, error_of

if TYPE_CHECKING:
    from arvo.ports import Store, StoredWorkflow
    from tests.unit.cli.operate.conftest import Depot

APP = ("--app", "depot:app")
APPROVED = ("--type", "evt.human.ask.approved")


def statuses(depot: Depot, handler: str) -> list[str]:
    """The statuses of the workflows of a handler, the oldest first."""
    found = depot.look(lambda store: store.workflows(handler=handler))
    return [str(workflow.status) for workflow in reversed(found)]


def approve(depot: Depot, by: str) -> None:
    """Say yes to the question that waits longest."""
    data = f'{{"by": "{by}"}}'
    assert depot.arvo("inbox", "answer", depot.question(), *APP, *APPROVED, "--data", data).code == 0


@pytest.fixture
def family(depot: Depot) -> Depot:
    """A store with a workflow that began two others, which ask people."""
    assert depot.work(a_bundle("lamp", "desk")).code == 0
    return depot


def test_a_cancelled_workflow_takes_its_children_and_questions_with_it(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")
    children = family.numbers("arvo.orc.item")
    done = family.arvo("workflow", "cancel", str(bundle), *APP, "--yes", "--reason", "ordered twice")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        f"Cancelled workflow {bundle}, arvo.orc.bundle.",
        "Told com.web.desk by a system error.",
        f"Cancelled with it: {children[0]}, {children[1]}.",
        "Took 2 off the inbox.",
    ]
    assert statuses(family, "arvo.orc.item") == ["cancelled", "cancelled"]
    assert family.arvo("inbox", "list").out == ""
    (shown,) = family.arvo("workflow", "show", str(bundle), "--json").objects
    assert shown["error"]["name"] == "WorkflowCancelled"
    assert shown["error"]["message"] == "ordered twice"
    family.work()
    assert family.answers() == ["sys.arvo.orc.bundle.error"]


def test_a_cancelled_child_tells_its_parent(family: Depot) -> None:
    child = family.numbers("arvo.orc.item")[0]
    (told,) = family.arvo("workflow", "cancel", str(child), *APP, "--yes", "--json").objects
    assert told == {
        "kind": "cancelled",
        "number": child,
        "told": ["arvo.orc.bundle"],
        "untold_domains": [],
        "children": [],
        "questions": 1,
    }
    family.work()
    assert statuses(family, "arvo.orc.bundle") == ["done"]
    assert family.answers() == ["arvo.orc.bundle.done"]


def test_children_can_be_left_alone(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")
    assert family.arvo("workflow", "cancel", str(bundle), *APP, "--yes", "--no-children").code == 0
    assert statuses(family, "arvo.orc.item") == ["active", "active"]
    approve(family, "mara")
    family.work()
    assert sorted(statuses(family, "arvo.orc.item")) == ["active", "done"]
    assert statuses(family, "arvo.orc.bundle") == ["cancelled"]


def test_children_that_have_not_begun_never_do(depot: Depot) -> None:
    depot.project.write("events.jsonl", a_bundle("lamp"))
    depot.arvo("run", "depot:app", "--events", "events.jsonl", "--sources", "arvo.orc.bundle")
    (bundle,) = depot.numbers("arvo.orc.bundle")
    assert depot.numbers("arvo.orc.item") == []
    assert depot.arvo("workflow", "cancel", str(bundle), *APP, "--yes").code == 0
    depot.work()
    assert statuses(depot, "arvo.orc.item") == ["cancelled"]
    assert depot.arvo("inbox", "list").out == ""
    (item,) = depot.numbers("arvo.orc.item")
    (shown,) = depot.arvo("workflow", "show", str(item), "--json").objects
    assert shown["family"]["number"] == bundle


def test_what_waits_in_the_lane_of_a_cancelled_workflow_is_dropped(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")

    async def publish(store: Store) -> None:
        workflow = await store.numbered_workflow(bundle)
        assert workflow is not None
        event = an_event("late", workflow.subject)
        await store.publish([NewDelivery(handler=workflow.handler, event=event)])

    family.look(publish)
    family.arvo("workflow", "cancel", str(bundle), *APP, "--yes")
    assert [queue.handler for queue in family.look(lambda store: store.queues())] == ["com.web.desk"]


def test_nothing_is_cancelled_unless_somebody_says_so(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")
    done = family.arvo("workflow", "cancel", str(bundle), *APP, given="n\n")
    assert f"Cancel workflow {bundle}, arvo.orc.bundle and those that it began? [y/N]: " in done.err
    assert error_of(done, 1) == "Nothing was changed."
    assert statuses(family, "arvo.orc.bundle") == ["active"]


def test_an_ended_workflow_cannot_be_cancelled(depot: Depot) -> None:
    depot.work(an_item("broken"))
    (number,) = depot.numbers("arvo.orc.item")
    message = error_of(depot.arvo("workflow", "cancel", str(number), *APP), 1)
    assert message == f"Workflow {number} is failed, so it cannot be cancelled."


def test_the_app_is_needed_and_must_have_the_workflow(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")
    assert error_of(family.arvo("workflow", "cancel", str(bundle)), 2).startswith("--app MODULE:APP is needed: ")
    message = error_of(family.arvo("workflow", "cancel", str(bundle), "--app", "shop:app", "-y"), 2)
    assert message.startswith("This app has no workflow 'arvo.orc.bundle', so it cannot tell its caller.")


async def changing(store: Store, workflow: StoredWorkflow, times: list[int]) -> bool:
    """Change a record behind the back of a command, so many times."""
    if not times[0]:
        return False
    times[0] -= 1
    found = await store.workflow(workflow.handler, workflow.subject)
    assert found is not None
    record = RecordWrite(subject=found.subject, record_json=found.record_json, status=found.status)
    return await store.amend(Amendment(handler=found.handler, revision=found.revision, record=record))


@pytest.mark.parametrize(("changes", "status"), [(3, WorkflowStatus.CANCELLED), (10**6, WorkflowStatus.ACTIVE)])
def test_a_workflow_that_goes_on_meanwhile_is_cancelled_as_it_is_then(
    depot: Depot, changes: int, status: WorkflowStatus
) -> None:
    depot.work(an_item("lamp"))
    app = load("depot:app", App)
    left = [changes]

    class Restless:
        """The store, with a worker that is always a little faster."""

        def __init__(self, store: Store) -> None:
            self.store = store

        def __getattr__(self, name: str) -> object:
            return getattr(self.store, name)

        async def amend(self, amendment: Amendment) -> bool:
            (workflow,) = await self.store.workflows()
            await changing(self.store, workflow, left)
            return await self.store.amend(amendment)

    async def cancel(store: Store) -> WorkflowStatus:
        (workflow,) = await store.workflows()
        restless: Store = Restless(store)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        if status is WorkflowStatus.ACTIVE:
            with pytest.raises(NotDoneError, match="changes all the time"):
                await workflow_changes.cancel(restless, app, workflow, reason="x")
        else:
            await workflow_changes.cancel(restless, app, workflow, reason="x")
        (workflow,) = await store.workflows()
        return workflow.status

    assert depot.look(cancel) is status


def test_a_retried_workflow_goes_on_from_its_state(depot: Depot) -> None:
    depot.work(an_item("lamp"))
    approve(depot, "nobody")
    depot.work()
    assert statuses(depot, "arvo.orc.item") == ["failed"]
    depot.mend()
    (number,) = depot.numbers("arvo.orc.item")
    done = depot.arvo("workflow", "retry", str(number), given="y\n")
    assert done.code == 0, done.err
    assert f"Deliver evt.human.ask.approved to workflow {number} again? [y/N]: " in done.err
    assert done.out.endswith(f"Delivered evt.human.ask.approved to workflow {number} again.\n")
    assert "No worker serves arvo.orc.item now" in done.err
    depot.work()
    assert statuses(depot, "arvo.orc.item") == ["done"]
    # The failure was told before; what came of the second try is another event.
    assert depot.answers() == ["sys.arvo.orc.item.error", "arvo.orc.item.done"]


def test_a_workflow_that_failed_on_its_first_event_begins_again(depot: Depot) -> None:
    depot.work(an_item("broken"))
    depot.mend()
    (number,) = depot.numbers("arvo.orc.item")
    (told,) = depot.arvo("workflow", "retry", str(number), "-y", "--json").objects
    assert told == {"kind": "retried", "number": number, "event_id": "item-broken", "served": False}
    assert f"Workflow {number}, arvo.orc.item: active\n" in depot.arvo("workflow", "show", str(number)).out
    depot.work()
    approve(depot, "mara")
    depot.work()
    assert statuses(depot, "arvo.orc.item") == ["done"]


def test_a_workflow_that_fails_again_can_be_retried_again(depot: Depot) -> None:
    depot.work(an_item("broken"))
    (number,) = depot.numbers("arvo.orc.item")
    for _ in range(2):
        assert depot.arvo("workflow", "retry", str(number), "-y").code == 0
        depot.work()
        assert statuses(depot, "arvo.orc.item") == ["failed"]
    assert depot.answers() == ["sys.arvo.orc.item.error"]


def test_a_workflow_that_was_retried_can_be_cancelled_and_its_caller_hears_of_both(depot: Depot) -> None:
    depot.work(an_item("broken"))
    depot.mend()
    (number,) = depot.numbers("arvo.orc.item")
    assert depot.arvo("workflow", "retry", str(number), "-y").code == 0
    depot.work()
    assert depot.arvo("workflow", "cancel", str(number), *APP, "-y").code == 0
    assert depot.answers() == ["sys.arvo.orc.item.error"] * 2


def test_only_what_failed_can_be_retried(family: Depot) -> None:
    (bundle,) = family.numbers("arvo.orc.bundle")
    message = error_of(family.arvo("workflow", "retry", str(bundle), "-y"), 1)
    assert message == f"Workflow {bundle} is active, so there is nothing to retry."


@pytest.mark.parametrize(
    ("failed_on", "message"),
    [(None, "On which event workflow {} failed was not kept"), (b"{}", "The event on which workflow {} failed cannot")],
)
def test_a_failure_without_its_event_cannot_be_retried(depot: Depot, failed_on: bytes | None, message: str) -> None:
    depot.work(an_item("broken"))
    (number,) = depot.numbers("arvo.orc.item")

    async def forget(store: Store) -> None:
        (found,) = await store.workflows()
        record = RecordWrite(
            subject=found.subject, record_json=found.record_json, status=found.status, failed_on=failed_on
        )
        await store.amend(Amendment(handler=found.handler, revision=found.revision, record=record))

    depot.look(forget)
    assert error_of(depot.arvo("workflow", "retry", str(number), "-y"), 1).startswith(message.format(number))


def test_a_record_that_changed_meanwhile_is_not_retried(depot: Depot) -> None:
    depot.work(an_item("broken"))

    async def retry(store: Store) -> None:
        (workflow,) = await store.workflows()
        await changing(store, workflow, [1])
        with pytest.raises(NotDoneError, match="was changed by somebody else"):
            await workflow_changes.retry(store, workflow)

    depot.look(retry)


def test_calls_without_an_answer_are_warned_of(depot: Depot) -> None:
    text = (depot.project.folder / "depot.py").read_text(encoding="utf-8")
    impatient = text.replace("return Done(Bundled(by=(name,)))", 'raise RuntimeError(f"no {name}")')
    depot.project.write("depot.py", impatient)
    depot.work(a_bundle("lamp", "broken"))
    (bundle,) = depot.numbers("arvo.orc.bundle")
    asked = depot.arvo("workflow", "retry", str(bundle), given="n\n")
    assert "again? 1 of its calls had no answer then, and may have had one since. [y/N]: " in asked.err
    assert error_of(asked, 1) == "Nothing was changed."


def test_a_caller_in_a_domain_without_a_sink_is_not_told_and_the_command_says_so(depot: Depot) -> None:
    text = (depot.project.folder / "depot.py").read_text(encoding="utf-8")
    depot.project.write("depot.py", text.replace("Resumable(item)", 'Resumable(item, error_domains="far.away")'))
    depot.work(an_item("lamp"))
    (number,) = depot.numbers("arvo.orc.item")
    done = depot.arvo("workflow", "cancel", str(number), *APP, "-y")
    assert "Nobody was told in far.away, which has no sink in the app.\n" in done.out
    assert depot.answers() == []


def test_grandchildren_are_cancelled_even_when_their_parent_has_ended(depot: Depot) -> None:
    text = (depot.project.folder / "depot.py").read_text(encoding="utf-8")
    above = text.replace(
        "app = App(",
        """class Top(Payload):
    names: tuple[str, ...]


top = OrchestratorContract("top", uri="#/orchestrators/top")
top_v1 = top.version("1.0.0", accepts=Top, emits=Bundled)
run_top = Resumable(top)


@run_top.on(top_v1, state=Nothing, services=services(bundle_v1))
async def go(turn: Turn[Top | Bundled | ServiceError, Nothing]) -> Wait[Nothing, Bundle] | Done[Bundled]:
    if isinstance(turn.event.data, Top):
        return Wait(Nothing(asked=""), [Bundle(names=turn.event.data.names)])
    return Wait(None)


app = App(""",
    ).replace("handlers=[", "handlers=[run_top, ")
    depot.project.write("depot.py", above)
    data = {"names": ["lamp", "broken"]}
    depot.work({"id": "t", "type": "arvo.orc.top", "source": "com.web.desk", "data": data})
    assert statuses(depot, "arvo.orc.bundle") == ["done"]
    assert sorted(statuses(depot, "arvo.orc.item")) == ["active", "failed"]
    (number,) = depot.numbers("arvo.orc.top")
    done = depot.arvo("workflow", "cancel", str(number), *APP, "-y")
    assert done.code == 0, done.err
    assert "Took 1 off the inbox.\n" in done.out
    assert sorted(statuses(depot, "arvo.orc.item")) == ["cancelled", "failed"]
