"""What every command that operates a store does: open it, print, ask before it changes something, and end well."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from arvo.cli.console import Console
from arvo.cli.failure import CommandError, ExitCode, NotDoneError, in_one_line
from arvo.cli.stores import existing_store
from arvo.errors import ArvoError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from arvo.ports import Store

__all__ = ["ask_first", "json_option", "limit_option", "on_store", "print_object", "printing", "yes_option"]

T = TypeVar("T")

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON: one object a line."
)
yes_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "-y", "--yes", is_flag=True, help="Do not ask for confirmation."
)


def limit_option(default: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """How many rows of a list are printed."""
    return click.option(
        "--limit", type=click.IntRange(min=1), default=default, show_default=True, help="Print no more than so many."
    )


def on_store(url: str, work: Callable[[Store], Awaitable[T]]) -> T:
    """What `work` returns for the store at this address. A store that does not do its part is an error of one line."""

    async def opened() -> T:
        try:
            async with existing_store(url) as store:
                return await work(store)
        except (ArvoError, asyncio.CancelledError) as error:
            # Drivers may take the cancellation of Ctrl-C for one of their own time limits, and leave things behind.
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                raise
            asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
            raise asyncio.CancelledError from error

    try:
        return asyncio.run(opened())
    except ArvoError as error:
        raise CommandError(in_one_line(error.message)) from error
    except KeyboardInterrupt:
        sys.exit(ExitCode.SIGNALS["SIGINT"])


@contextmanager
def printing() -> Generator[Console]:
    """Where to print to. Leaving the block ends the command if its output was lost on the way."""
    console = Console()
    yield console
    if console.lost is None:
        return
    if console.reader_is_gone:
        sys.exit(ExitCode.LOST_OUTPUT)
    raise NotDoneError(f"Standard output failed ({console.lost.strerror}). What is in the store is as it should be.")


def print_object(console: Console, kind: str, members: dict[str, Any]) -> None:
    """Print a JSON object on a line of its own. Times are RFC 3339 in UTC."""
    console.row(msgspec.json.encode({"kind": kind, **members}))


def ask_first(question: str, *, yes: bool) -> None:
    """Return if it may be done: with --yes, or when somebody says so. Otherwise the command ends."""
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort as error:
        click.echo(err=True)
        raise NotDoneError("Nothing was changed. Give --yes where nobody can be asked.") from error
    if not agreed:
        raise NotDoneError("Nothing was changed.")
