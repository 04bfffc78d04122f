"""`arvo workflow`: looking at workflows, ending them, and having failed ones try again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from arvo.cli.console import visible
from arvo.cli.operate.session import ask_first, json_option, limit_option, on_store, print_object, printing, yes_option
from arvo.cli.operate.workflow_changes import cancel as cancel_workflow
from arvo.cli.operate.workflow_changes import failing_event, open_calls
from arvo.cli.operate.workflow_changes import retry as retry_workflow
from arvo.cli.operate.workflow_view import list_rows, look_at, summary_members, view_members, view_rows
from arvo.cli.operate.workflows import WorkflowFilter, find_workflow, find_workflows
from arvo.cli.references import load
from arvo.cli.stores import store_option
from arvo.ports import WorkflowStatus
from arvo.runtime import App

if TYPE_CHECKING:
    from arvo.cli.operate.workflow_changes import Cancelled
    from arvo.cli.operate.workflow_view import WorkflowView
    from arvo.ports import Store, StoredWorkflow

__all__ = ["workflow"]


@click.group()
def workflow() -> None:
    """Look at workflows, end them, and have failed ones try again."""


@workflow.command("list")
@store_option
@click.option("--status", type=click.Choice([each.value for each in WorkflowStatus]), help="Only those.")
@click.option("--handler", metavar="NAME", help="Only those of this workflow, as in arvo.orc.order.")
@click.option("--started-by", metavar="ID", help="Only those that the event with this id began.")
@click.option("--before", type=int, metavar="NUMBER", help="Only those older than this one.")
@limit_option(20)
@json_option
def list_(
    url: str,
    *,
    status: str | None,
    handler: str | None,
    started_by: str | None,
    before: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """List workflows, the newest first.

    \b
    Examples:
      arvo workflow list --store sqlite:///orders.db --status failed
      arvo workflow list --store sqlite:///orders.db --started-by order-0029
      arvo workflow list --store sqlite:///orders.db --limit 1000 --json | jq -r .started_by

    \b
    Exit code:
      0    the list was printed, empty or not
      2    the store cannot be opened
    """
    wanted = WorkflowFilter(
        handler=handler,
        status=None if status is None else WorkflowStatus(status),
        started_by=started_by,
        before=before,
    )

    async def some(store: Store) -> list[StoredWorkflow]:
        found: list[StoredWorkflow] = []
        async for one in find_workflows(store, wanted):
            found.append(one)
            if len(found) > limit:
                break
        return found

    found = on_store(url, some)
    more, found = len(found) > limit, found[:limit]
    with printing() as console:
        if as_json:
            for one in found:
                print_object(console, "workflow", summary_members(one))
        elif found:
            for row in list_rows(found):
                console.row(row)
            console.note("Details: arvo workflow show NUMBER")
        else:
            console.note("There are no such workflows.")
        if more:
            console.note(f"There are more: --before {found[-1].number}")


@workflow.command()
@click.argument("name", metavar="NUMBER|SUBJECT")
@store_option
@json_option
def show(name: str, url: str, *, as_json: bool) -> None:
    """Print a workflow: how far it is, what it waits for, its calls, its family and its state.

    \b
    Examples:
      arvo workflow show 17 --store sqlite:///orders.db
      arvo workflow show 17 --store sqlite:///orders.db --json | jq .state

    \b
    Exit code:
      0    it was printed
      1    there is no such workflow
      2    the store cannot be opened
    """

    async def look(store: Store) -> WorkflowView:
        return await look_at(store, await find_workflow(store, name))

    view = on_store(url, look)
    with printing() as console:
        if as_json:
            print_object(console, "workflow", view_members(view))
            return
        for row in view_rows(view):
            console.row(row)
        if (hint := _hint(view.workflow)) is not None:
            console.note(hint)


def _hint(one: StoredWorkflow) -> str | None:
    match one.status:
        case WorkflowStatus.ACTIVE:
            return f"To end it: arvo workflow cancel {one.number} --app MODULE:APP"
        case WorkflowStatus.FAILED:
            return f"When what it failed on is mended: arvo workflow retry {one.number}"
        case _:
            return None


@workflow.command()
@click.argument("name", metavar="NUMBER|SUBJECT")
@store_option
@click.option("--app", "reference", metavar="MODULE:APP", help="The app that has the workflow.  [required]")
@click.option("--reason", metavar="TEXT", default="An operator cancelled it.", help="What its caller is told.")
@click.option("--no-children", is_flag=True, help="Leave the workflows alone that it began.")
@yes_option
@json_option
def cancel(
    name: str, url: str, *, reference: str | None, reason: str, no_children: bool, yes: bool, as_json: bool
) -> None:
    """End a workflow that has not ended, and those that it began.

    What waits in its lane is dropped, timers and questions to people too. Its caller gets the system error that a
    failed workflow gives, with the name WorkflowCancelled. Services that it has called go on: what they answer is
    ignored. A worker that is just at it has its work refused.

    \b
    Examples:
      arvo workflow cancel 17 --app shop.main:app --reason "ordered twice" --store sqlite:///orders.db

    \b
    Exit code:
      0    it was cancelled
      1    it was not: there is no such workflow, it has ended, or nobody said yes
      2    the store cannot be opened, or the app does not load or has no such workflow
    """
    if reference is None:
        raise click.UsageError(
            "--app MODULE:APP is needed: the event that tells the caller is made by the contract, which is in the app."
        )
    app = load(reference, App)
    found = on_store(url, lambda store: find_workflow(store, name))
    which = "" if no_children else " and those that it began"
    if found.status is WorkflowStatus.ACTIVE:
        ask_first(f"Cancel workflow {found.number}, {visible(found.handler)}{which}?", yes=yes)
    done = on_store(url, lambda store: cancel_workflow(store, app, found, reason=reason, with_children=not no_children))
    with printing() as console:
        if as_json:
            members = {
                "number": done.workflow.number,
                "told": done.told,
                "untold_domains": done.untold,
                "children": done.children,
                "questions": done.questions,
            }
            print_object(console, "cancelled", members)
            return
        for row in _cancelled_rows(done):
            console.row(row)


def _cancelled_rows(done: Cancelled) -> list[str]:
    rows = [f"Cancelled workflow {done.workflow.number}, {visible(done.workflow.handler)}."]
    if done.told:
        rows.append(f"Told {', '.join(map(visible, done.told))} by a system error.")
    if done.untold:
        rows.append(f"Nobody was told in {', '.join(map(visible, done.untold))}, which has no sink in the app.")
    if done.children:
        rows.append(f"Cancelled with it: {', '.join(map(str, sorted(done.children)))}.")
    if done.questions:
        rows.append(f"Took {done.questions} off the inbox.")
    return rows


@workflow.command()
@click.argument("name", metavar="NUMBER|SUBJECT")
@store_option
@yes_option
@json_option
def retry(name: str, url: str, *, yes: bool, as_json: bool) -> None:
    """Have a failed workflow take the event again on which it failed.

    It goes on from the state that it had then. Its caller has been told of the failure, and may have drawn conclusions.
    Answers that came after the failure were ignored and do not come again; neither do its timers.

    \b
    Examples:
      arvo workflow retry 17 --store sqlite:///orders.db

    \b
    Exit code:
      0    the event was delivered again
      1    it was not: there is no such workflow, it has not failed, or nobody said yes
      2    the store cannot be opened
    """
    found = on_store(url, lambda store: find_workflow(store, name))
    if found.status is WorkflowStatus.FAILED:
        event = failing_event(found)
        unanswered = open_calls(found)
        warning = f" {unanswered} of its calls had no answer then, and may have had one since." if unanswered else ""
        ask_first(f"Deliver {visible(event.type)} to workflow {found.number} again?{warning}", yes=yes)
    done = on_store(url, lambda store: retry_workflow(store, found))
    with printing() as console:
        if as_json:
            members = {"number": done.workflow.number, "event_id": done.event.id, "served": done.is_served}
            print_object(console, "retried", members)
            return
        console.row(f"Delivered {visible(done.event.type)} to workflow {done.workflow.number} again.")
        if not done.is_served:
            console.note(f"No worker serves {visible(done.workflow.handler)} now: arvo run MODULE:APP --store ...")
        console.note(f"See how it goes on: arvo workflow show {done.workflow.number}")
