"""`arvo inbox`: events that wait for people, who look at them and answer them here."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from arvo.cli.console import visible
from arvo.cli.failure import CommandError, NotDoneError
from arvo.cli.operate.documents import event_type_in, laid_out, raw
from arvo.cli.operate.duration import brief
from arvo.cli.operate.inbox import (
    NotAnAnswerError,
    find_waiting,
    make_answer,
    make_error,
    possible_answers,
    question_of,
    schema_of,
    store_answer,
    version_asked,
)
from arvo.cli.operate.session import ask_first, json_option, limit_option, on_store, print_object, printing, yes_option
from arvo.cli.operate.table import table
from arvo.cli.references import load
from arvo.cli.stores import store_option
from arvo.runtime import App

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from arvo.cli.console import Console
    from arvo.cli.operate.inbox import Answered
    from arvo.contracts import Payload
    from arvo.events import Event
    from arvo.ports import Store, WaitingEvent

__all__ = ["inbox"]


@click.group()
def inbox() -> None:
    """Look at events that wait for people, and answer them."""


def _app_option(*, help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--app", "reference", metavar="MODULE:APP", help=help)


@inbox.command("list")
@store_option
@click.option("--domain", metavar="NAME", help="Only those in this domain.")
@click.option("--after", type=int, default=0, metavar="NUMBER", help="Only those behind this one.")
@limit_option(50)
@json_option
def list_(url: str, *, domain: str | None, after: int, limit: int, as_json: bool) -> None:
    """List events that wait for an answer, the oldest first.

    An event waits when it was emitted into a domain that has no sink.

    \b
    Examples:
      arvo inbox list --store sqlite:///orders.db
      arvo inbox list --store sqlite:///orders.db --domain human.approval --json | jq .event.data

    \b
    Exit code:
      0    the list was printed, empty or not
      2    the store cannot be opened
    """

    async def some(store: Store) -> list[WaitingEvent]:
        found: list[WaitingEvent] = []
        async for waiting in find_waiting(store, domain, after):
            found.append(waiting)
            if len(found) > limit:
                break
        return found

    found = on_store(url, some)
    more, found = len(found) > limit, found[:limit]
    with printing() as console:
        if as_json:
            for waiting in found:
                print_object(console, "waiting_event", _members(waiting))
        elif found:
            for row in _list_rows(found):
                console.row(row)
            console.note("Details, and how to answer: arvo inbox show ID --app MODULE:APP")
        else:
            console.note("Nothing waits for an answer.")
        if more:
            console.note(f"There are more: --after {found[-1].number}")


@inbox.command()
@click.argument("event_id", metavar="ID")
@store_option
@_app_option(help="The app that asked: shows which answers there are.")
@json_option
def show(event_id: str, url: str, *, reference: str | None, as_json: bool) -> None:
    """Print an event that waits for an answer; with --app, also what it can be answered with.

    \b
    Examples:
      arvo inbox show 62ad3f52-7c8e-5d0c --app shop.main:app --store sqlite:///orders.db

    \b
    Exit code:
      0    it was printed
      1    no such event waits
      2    the store cannot be opened, or the app does not load or knows nothing of the event
    """
    app = None if reference is None else load(reference, App)
    event = on_store(url, lambda store: question_of(store, event_id))
    answers = None if app is None else possible_answers(version_asked(app, event))
    with printing() as console:
        if as_json:
            known = None if answers is None else {each: schema_of(payload) for each, payload in answers.items()}
            print_object(console, "waiting_event", {"event": raw(event.to_json()), "answers": known})
            return
        for line in laid_out(event).splitlines():
            console.row(visible(line))
        if answers is None:
            console.note("What it can be answered with is known to the app that asked: --app MODULE:APP")
            return
        console.row()
        for row in _answer_rows(answers):
            console.row(row)
        example = next(iter(answers), "TYPE")
        given = f"--app {reference} --type {example} --data '{{...}}'"
        console.note(f"Next: arvo inbox answer {visible(event_id)} {given}")


@inbox.command()
@click.argument("event_id", metavar="ID")
@store_option
@_app_option(help="The app that asked; its contract says what is an answer.  [required]")
@click.option("--type", "event_type", metavar="TYPE", help="The type of the answer. Needed where there are several.")
@click.option("--data", metavar="JSON", help="Its data: JSON, @FILE, or - for standard input.")
@click.option("--error", "message", metavar="TEXT", help="Answer with a system error instead: there is no answer.")
@json_option
def answer(
    event_id: str,
    url: str,
    *,
    reference: str | None,
    event_type: str | None,
    data: str | None,
    message: str | None,
    as_json: bool,
) -> None:
    """Answer an event that waits, so that whoever asked goes on.

    The answer is checked against the version of the contract that the event was made for. It is delivered, and the
    event leaves the list, in one transaction; of several people who answer one event, one succeeds.

    \b
    Examples:
      arvo inbox answer 62ad3f52-7c8e-5d0c --app shop.main:app --store sqlite:///orders.db \\
          --type evt.approval.ask.approved --data '{"by": "mara"}'
      arvo inbox answer 62ad3f52-7c8e-5d0c --app shop.main:app --store sqlite:///orders.db \\
          --error "nobody knows this customer"

    \b
    Exit code:
      0    the answer was stored
      1    it was not: no such event waits, or the contract has no such answer
      2    the store cannot be opened, or the app does not load or knows nothing of the event
    """
    if reference is None:
        raise click.UsageError(
            "--app MODULE:APP is needed: the contract that says what is an answer, and where it goes, is in the app."
        )
    if (message is None) == (data is None):
        raise click.UsageError("Give --data with the answer, or --error with the reason why there is none.")
    if message is not None and event_type is not None:
        raise click.UsageError("--error has a type of its own. Leave --type out.")
    app = load(reference, App)
    text = None if data is None else _text_of(data)
    event = on_store(url, lambda store: question_of(store, event_id))
    version = version_asked(app, event)
    try:
        if text is None:
            reply = make_error(version, event, message or "")
        else:
            reply = make_answer(version, event, event_type=event_type, data=text)
    except NotAnAnswerError as error:
        for row in _answer_rows(error.answers):
            click.echo(row, err=True)
        raise
    done = on_store(url, lambda store: store_answer(app, store, event, reply))
    with printing() as console:
        _report(console, done, reference, as_json=as_json)


@inbox.command()
@click.argument("event_ids", metavar="ID...", nargs=-1, required=True)
@store_option
@yes_option
@json_option
def discard(event_ids: tuple[str, ...], url: str, *, yes: bool, as_json: bool) -> None:
    """Take events off the list without an answer, for ever.

    This is for those that need none. A workflow that has asked would wait for ever: tell it that there is no answer
    with `arvo inbox answer --error`.

    \b
    Examples:
      arvo inbox discard 62ad3f52-7c8e-5d0c --store sqlite:///orders.db

    \b
    Exit code:
      0    all were taken off
      1    some were not: no such event waits, or nobody said yes
      2    the store cannot be opened
    """
    number = f"{len(event_ids)} event{'' if len(event_ids) == 1 else 's'}"
    ask_first(f"Take {number} off the list? Whoever waits for an answer will get none.", yes=yes)

    async def give_up(store: Store) -> list[str]:
        return [id_ for id_ in event_ids if await store.answer(id_, [])]

    done = on_store(url, give_up)
    with printing() as console:
        if as_json:
            print_object(console, "discarded", {"event_ids": done})
        else:
            console.row(f"Took {len(done)} of {number} off the list.")
    missing = [visible(id_) for id_ in event_ids if id_ not in done]
    if missing:
        raise NotDoneError(f"No event waits under {', '.join(missing)}.")


def _text_of(data: str) -> str:
    """The text that --data means."""
    if data != "-" and not data.startswith("@"):
        return data
    name = "standard input" if data == "-" else data[1:]
    try:
        read = sys.stdin.buffer.read() if data == "-" else Path(name).read_bytes()
        return read.decode()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is not UTF-8: {error}.") from error


def _report(console: Console, done: Answered, reference: str, *, as_json: bool) -> None:
    number = None if done.workflow is None else done.workflow.number
    if as_json:
        members = {
            "reply": raw(done.reply.to_json()),
            "address": done.address,
            "served": done.is_served,
            "workflow": number,
        }
        print_object(console, "answered", members)
        return
    console.row(f"Stored {done.reply.type} for {done.address}, and took the event off the list.")
    if not done.is_served:
        console.note(f"No worker serves {done.address} now: arvo run {reference} --store ...")
    if number is not None:
        console.note(f"See how it goes on: arvo workflow show {number}")


def _answer_rows(answers: Mapping[str, type[Payload]]) -> Sequence[str]:
    rows: list[str] = []
    for event_type, payload in answers.items():
        schema = msgspec.json.format(msgspec.json.encode(schema_of(payload)), indent=2).decode()
        rows += [click.style(event_type, bold=True), *(f"  {line}" for line in schema.splitlines())]
    return rows


def _members(waiting: WaitingEvent) -> dict[str, Any]:
    return {
        "number": waiting.number,
        "event_id": waiting.event_id,
        "domain": waiting.domain,
        "since": waiting.since,
        "event": raw(waiting.event_json),
    }


def _list_rows(found: Sequence[WaitingEvent]) -> Sequence[str]:
    now = datetime.now(UTC)
    rows = [
        (
            waiting.number,
            brief(now - waiting.since),
            waiting.domain,
            event_type_in(waiting.event_json),
            waiting.event_id,
            _data_in(waiting),
        )
        for waiting in found
    ]
    return list(table(("number", "waits for", "domain", "event", "id", "data"), rows, right=(0, 1)))


def _data_in(waiting: WaitingEvent) -> str:
    event: Event[Any] = waiting.event()
    return event.data_json.decode()[:200]
