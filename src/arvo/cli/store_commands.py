"""`arvo store`: making the tables of a durable store, and removing what is no longer needed from it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from arvo.cli.console import visible
from arvo.cli.failure import CommandError, ExitCode, in_one_line
from arvo.cli.operate.duration import brief, to_duration
from arvo.cli.operate.session import ask_first, json_option, on_store, print_object, printing, yes_option
from arvo.cli.operate.status import status_of
from arvo.cli.stores import store_at, store_option
from arvo.errors import BackendError
from arvo.ports import Retention

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from arvo.ports import SchemaUpgrade

__all__ = ["store"]

DEFAULTS = Retention()


@click.group()
def store() -> None:
    """Make the tables of a durable store, and remove what is no longer needed."""


@store.command()
@store_option
@json_option
def upgrade(url: str, *, as_json: bool) -> None:
    """Make the tables, or bring them up to date.

    A SQLite file is also brought up to date by the first worker. Safe to run from many places at once; run it with a
    user who may create tables, before workers of a new version start.

    \b
    Examples:
      arvo store upgrade --store postgresql://admin@db/orders

    \b
    Exit code:
      0    the tables are up to date
      2    they cannot be made or upgraded, or are newer than this Arvo
    """
    try:
        done = asyncio.run(_upgrade(url))
    except BackendError as error:
        raise CommandError(in_one_line(error.message)) from error
    except KeyboardInterrupt:
        sys.exit(ExitCode.SIGNALS["SIGINT"])
    with printing() as console:
        if as_json:
            print_object(console, "upgraded", asdict(done))
        elif done.before == done.after:
            console.row(f"The tables are up to date: version {done.after}.")
        else:
            console.row(f"Upgraded the tables from version {done.before} to {done.after}.")


async def _upgrade(url: str) -> SchemaUpgrade:
    # Not entered: that is refused while the tables are not up to date.
    found = store_at(url)
    try:
        return await found.upgrade()
    finally:
        await found.close()


def _kept(name: str, what: str, default: timedelta | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    without = "for ever" if default is None else brief(default)
    return click.option(
        name, metavar="TIME", callback=to_duration, help=f"Keep {what} for so long.  [default: {without}]"
    )


@store.command()
@store_option
@_kept("--consumed-ids", "what tells duplicates", DEFAULTS.consumed_ids)
@_kept("--ended-workflows", "workflows that ended", DEFAULTS.ended_workflows)
@_kept("--dead-letters", "dead letters", DEFAULTS.dead_letters)
@json_option
def prune(
    url: str,
    *,
    consumed_ids: timedelta | None,
    ended_workflows: timedelta | None,
    dead_letters: timedelta | None,
    as_json: bool,
) -> None:
    """Remove what has been kept long enough, while workers go on.

    An event that comes a second time is recognised for as long as consumed ids are kept. Workflows count from their
    last change, and stay as long as something waits for them. Times are a whole number and a unit: 30s, 15m, 12h or 7d.

    \b
    Examples:
      arvo store prune --store sqlite:///orders.db
      arvo store prune --store sqlite:///orders.db --ended-workflows 12h --dead-letters 90d

    \b
    Exit code:
      0    it was removed
      2    the store cannot be opened
    """
    retention = Retention(
        consumed_ids=DEFAULTS.consumed_ids if consumed_ids is None else consumed_ids,
        ended_workflows=DEFAULTS.ended_workflows if ended_workflows is None else ended_workflows,
        dead_letters=dead_letters,
    )
    done = on_store(url, lambda found: found.prune(retention))
    with printing() as console:
        if as_json:
            print_object(console, "pruned", asdict(done))
        else:
            console.row(
                f"Removed {done.consumed_ids} consumed ids, {done.workflows} ended workflows, "
                f"{done.dead_letters} dead letters."
            )


@store.command("drop-unclaimed")
@click.argument("address", metavar="ADDRESS")
@store_option
@click.option(
    "--older-than", metavar="TIME", required=True, callback=to_duration, help="What arrived longer ago than that."
)
@yes_option
@json_option
def drop_unclaimed(address: str, url: str, *, older_than: timedelta, yes: bool, as_json: bool) -> None:
    """Remove what arrived for an address and nobody took.

    `arvo status` marks such addresses: those of callers that are gone, or of handlers that are no more. What a worker
    is just at is left alone, and so are timers.

    \b
    Examples:
      arvo store drop-unclaimed com.web.checkout --older-than 7d --store sqlite:///orders.db

    \b
    Exit code:
      0    it was removed
      1    it was not, because nobody said yes
      2    the store cannot be opened
    """
    if not yes:
        served = address in on_store(url, status_of).served
        warning = " A worker serves it, and may yet take what waits." if served else ""
        ask_first(
            f"Remove all that waits for {visible(address)} since more than {brief(older_than)}, for ever?{warning}",
            yes=yes,
        )
    dropped = on_store(url, lambda found: found.drop_unclaimed(address, older_than))
    with printing() as console:
        if as_json:
            print_object(console, "dropped", {"address": address, "events": dropped})
        else:
            console.row(f"Removed {dropped} events that waited for {visible(address)}.")
