"""`arvo status`: what is going on in a store. What is shown is in `status`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import click

from arvo.cli.failure import in_one_line
from arvo.cli.operate.session import json_option, on_store, print_object, printing
from arvo.cli.operate.status import status_members, status_of, status_rows
from arvo.cli.stopping import stoppable
from arvo.cli.stores import store_option
from arvo.errors import BackendError

if TYPE_CHECKING:
    from arvo.cli.console import Console
    from arvo.cli.operate.status import StoreStatus
    from arvo.ports import Store

__all__ = ["status", "watch"]

WATCH_SECONDS: Final = 2.0


@click.command()
@store_option
@click.option("--watch", "again", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@json_option
def status(url: str, *, again: bool, as_json: bool) -> None:
    """Show what waits in a store, who works on it, and what needs somebody.

    Queues have lanes, one for each handler and subject: ready to be worked on, leased to a worker, or retrying after an
    error. The oldest is how long the lane that is ready longest has been so. Queues that no worker serves are marked:
    those of callers who fetch their answers themselves, or of handlers that are not running.

    \b
    Examples:
      arvo status --store sqlite:///orders.db
      ARVO_STORE=postgresql://shop:secret@db/orders arvo status --watch
      arvo status --store sqlite:///orders.db --json | jq '.queues[] | select(.served | not)'

    \b
    Exit code:
      0    the store was looked at; --watch: and somebody had seen enough
      2    the store cannot be opened
    """
    with printing() as console:
        if again:
            on_store(url, lambda store: watch(store, console, as_json=as_json, seconds=WATCH_SECONDS))
        else:
            _print(console, on_store(url, status_of), as_json=as_json)


async def watch(store: Store, console: Console, *, as_json: bool, seconds: float) -> None:
    """Show the status again and again, until a signal comes or nobody reads it any more.

    A store that stops answering is said to, and asked again.
    """
    enough = asyncio.Event()
    console.on_lost = enough.set
    with stoppable() as stopping:
        stopping.on_signal = enough.set
        while not enough.is_set():
            try:
                found = await status_of(store)
            except BackendError as error:
                console.note(click.style(in_one_line(error.message), fg="red"))
            else:
                if not as_json:
                    console.clear_screen()
                    console.row(f"{found.at:%Y-%m-%d %H:%M:%S} UTC, every {seconds:g} s until Ctrl-C")
                    console.row()
                _print(console, found, as_json=as_json)
                if not as_json:
                    console.row()
            try:
                await asyncio.wait_for(enough.wait(), seconds)
            except TimeoutError:
                continue


def _print(console: Console, found: StoreStatus, *, as_json: bool) -> None:
    if as_json:
        print_object(console, "status", status_members(found))
        return
    for row in status_rows(found):
        console.row(row)
