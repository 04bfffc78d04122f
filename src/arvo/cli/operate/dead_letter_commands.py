"""`arvo dead-letters`: events that were given up, to be looked at, delivered again, or thrown away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from arvo.cli.failure import NotDoneError
from arvo.cli.operate.dead_letters import (
    LetterFilter,
    Settled,
    find_letters,
    letter_members,
    letter_rows,
    settle,
    some_letters,
)
from arvo.cli.operate.documents import event_type_in
from arvo.cli.operate.duration import brief
from arvo.cli.operate.session import ask_first, json_option, limit_option, on_store, print_object, printing, yes_option
from arvo.cli.operate.table import table
from arvo.cli.stores import store_option
from arvo.runtime import DeadLetterReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from arvo.ports import Store, StoredDeadLetter

__all__ = ["dead_letters"]

REASONS = click.Choice([reason.value for reason in DeadLetterReason])


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at events that were given up, deliver them again, or throw them away."""


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--reason", type=REASONS, help="Only those given up for this reason.")(command)
    return click.option("--handler", metavar="NAME", help="Only those of this handler.")(command)


@dead_letters.command("list")
@store_option
@_filters
@click.option("--after", type=int, default=0, metavar="NUMBER", help="Only those behind this one.")
@limit_option(50)
@json_option
def list_(url: str, *, handler: str | None, reason: str | None, after: int, limit: int, as_json: bool) -> None:
    """List dead letters, the oldest first.

    \b
    Reasons:
      poison      it breaks a contract, or nobody could ever handle it
      exhausted   every attempt that the retry policy allows has failed
      unexpected  an error that no policy retries: a defect in a handler, a sink, a middleware

    \b
    Examples:
      arvo dead-letters list --store sqlite:///orders.db --reason exhausted
      arvo dead-letters list --store sqlite:///orders.db --json | jq -r .error

    \b
    Exit code:
      0    the list was printed, empty or not
      2    the store cannot be opened
    """
    wanted = LetterFilter(handler=handler, reason=reason, after=after)
    found, more = on_store(url, lambda store: some_letters(store, wanted, limit))
    with printing() as console:
        if as_json:
            for stored in found:
                print_object(console, "dead_letter", letter_members(stored))
        elif found:
            for row in _list_rows(found):
                console.row(row)
            console.note("Details: arvo dead-letters show NUMBER")
        else:
            console.note("There are no such dead letters.")
        if more:
            console.note(f"There are more: --after {found[-1].number}")


@dead_letters.command()
@click.argument("number", type=int)
@store_option
@json_option
def show(number: int, url: str, *, as_json: bool) -> None:
    """Print a dead letter: why it was given up, the traceback, and the event.

    \b
    Examples:
      arvo dead-letters show 7 --store sqlite:///orders.db

    \b
    Exit code:
      0    it was printed
      1    there is no such dead letter
      2    the store cannot be opened
    """
    stored = on_store(url, lambda store: store.dead_letter(number))
    if stored is None:
        raise NotDoneError(f"There is no dead letter {number}. They are listed by: arvo dead-letters list")
    with printing() as console:
        if as_json:
            print_object(console, "dead_letter", letter_members(stored))
            return
        for row in letter_rows(stored):
            console.row(row)
        console.note(f"Next: arvo dead-letters retry {number}, or discard {number}")


@dead_letters.command()
@click.argument("numbers", type=int, nargs=-1, metavar="[NUMBER...]")
@click.option("--all", "all_", is_flag=True, help="All that --handler and --reason leave.")
@_filters
@store_option
@yes_option
@json_option
def retry(
    numbers: tuple[int, ...],
    *,
    all_: bool,
    handler: str | None,
    reason: str | None,
    url: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Deliver dead letters again, as if they had just arrived.

    They leave the list, go to the end of their lanes, and have all attempts that their handler's policy allows.

    \b
    Examples:
      arvo dead-letters retry 7 8 --store sqlite:///orders.db
      arvo dead-letters retry --all --reason exhausted --handler com.card.charge --store sqlite:///orders.db

    \b
    Exit code:
      0    all were delivered
      1    some were not: there is no such letter, it holds no event, or nobody said yes
      2    the store cannot be opened
    """
    chosen = _chosen(url, numbers, LetterFilter(handler=handler, reason=reason), all_=all_)
    if all_ and chosen:
        ask_first(f"Deliver {_counted(chosen)} again?", yes=yes)
    done = on_store(url, lambda store: settle(chosen, store, store.replay))
    _report(
        done, "retried", f"Delivered {_counted(done.done)} again. See what comes of it: arvo status", as_json=as_json
    )


@dead_letters.command()
@click.argument("numbers", type=int, nargs=-1, metavar="[NUMBER...]")
@click.option("--all", "all_", is_flag=True, help="All that --handler and --reason leave.")
@_filters
@store_option
@yes_option
@json_option
def discard(
    numbers: tuple[int, ...],
    *,
    all_: bool,
    handler: str | None,
    reason: str | None,
    url: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Throw dead letters away, for ever.

    Workflows that wait for what these events would have brought about go on waiting.

    \b
    Examples:
      arvo dead-letters discard 7 --store sqlite:///orders.db
      arvo dead-letters discard --all --reason poison --yes --store sqlite:///orders.db

    \b
    Exit code:
      0    all were removed
      1    some were not: there is no such letter, or nobody said yes
      2    the store cannot be opened
    """
    chosen = _chosen(url, numbers, LetterFilter(handler=handler, reason=reason), all_=all_)
    if chosen:
        ask_first(f"Throw {_counted(chosen)} away for ever?", yes=yes)
    done = on_store(url, lambda store: settle(chosen, store, store.discard))
    _report(done, "discarded", f"Removed {_counted(done.done)}.", as_json=as_json)


def _chosen(url: str, numbers: tuple[int, ...], wanted: LetterFilter, *, all_: bool) -> Sequence[int]:
    filtered = wanted != LetterFilter()
    if all_ == bool(numbers) or (filtered and not all_):
        raise click.UsageError("Give the numbers of dead letters; or --all, which --handler and --reason may narrow.")
    if numbers:
        return numbers

    async def all_numbers(store: Store) -> list[int]:
        return [stored.number async for stored in find_letters(store, wanted)]

    return on_store(url, all_numbers)


def _report(done: Settled, kind: str, text: str, *, as_json: bool) -> None:
    with printing() as console:
        if as_json:
            members = {"numbers": done.done, "unknown": done.unknown, "unreadable": done.unreadable}
            print_object(console, kind, members)
        else:
            console.row(text)
    problems: list[str] = []
    if done.unknown:
        problems.append(f"There is no dead letter {_listed(done.unknown)}.")
    if done.unreadable:
        problems.append(f"What {_listed(done.unreadable)} holds is no event, so it can only be discarded.")
    if problems:
        raise NotDoneError(" ".join(problems))


def _list_rows(found: Sequence[StoredDeadLetter]) -> Sequence[str]:
    now = datetime.now(UTC)
    rows = [
        (
            stored.number,
            f"{brief(now - stored.at)} ago",
            stored.letter.reason,
            stored.letter.attempts,
            stored.letter.handler,
            event_type_in(stored.letter.event_json),
            stored.letter.event_id,
            stored.letter.error[:200],
        )
        for stored in found
    ]
    header = ("number", "given up", "reason", "attempts", "handler", "event", "id", "error")
    return list(table(header, rows, right=(0, 1, 3)))


def _counted(numbers: Sequence[int]) -> str:
    return f"{len(numbers)} dead letter{'' if len(numbers) == 1 else 's'}"


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    return f"{shown} and {len(numbers) - 10} more" if len(numbers) > 10 else shown
