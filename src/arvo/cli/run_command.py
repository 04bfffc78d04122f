"""`arvo run`: an app in this process, fed from a file of events."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

import click

from arvo.backends.sqlite import SqliteMachineMemory
from arvo.cli.json_lines import JsonPrinter
from arvo.cli.references import load
from arvo.cli.run import run_events
from arvo.cli.timeline import TimelinePrinter
from arvo.errors import ArvoError
from arvo.runtime import App

if TYPE_CHECKING:
    from arvo.cli.run import Printer, RunSummary

__all__ = ["run"]

EXIT_CODES: Final = {"SIGINT": 130, "SIGTERM": 143}
FEW_BYTES: Final = 20_000
"""Up to this size of file every step is printed, unless --timeline says otherwise."""


@click.command()
@click.argument("reference", metavar="MODULE:APP")
@click.option("--events", "path", required=True, metavar="FILE", help="JSON lines of events; - is standard input.")
@click.option(
    "--memory",
    metavar="URL",
    help="Where workflows keep their state: sqlite:///orders.db. Default: what the app was given, else this process.",
)
@click.option("--at-once", type=click.IntRange(min=1), default=32, show_default=True, help="Inputs in flight at once.")
@click.option(
    "--timeline",
    type=click.Choice(["every", "kinds", "none"]),
    help="Print every step, the first input of each kind, or nothing. Default: every for small files, else kinds.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: steps, outcomes, bad lines, a summary.")
def run(reference: str, *, path: str, memory: str | None, at_once: int, timeline: str | None, as_json: bool) -> None:
    """Feed events through an app and show what happens.

    A line holds a whole CloudEvent as JSON, or a short one with `type` and `data`, completed from the app's contracts.
    Lines that hold no event are reported, and the rest goes on.

    Exit code: 0 when all went well; 1 when a line was bad or an input failed; 2 when the command itself was wrong;
    130 or 143 when it was stopped by Ctrl-C or SIGTERM.
    """
    app = load(reference, App)
    try:
        summary = asyncio.run(_run(app, path, memory, _printer(path, timeline, as_json=as_json), at_once))
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror or error}.") from error
    except ArvoError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(EXIT_CODES.get(summary.interrupted or "", 0 if summary.good else 1))


async def _run(app: App, path: str, memory: str | None, printer: Printer, at_once: int) -> RunSummary:
    async with AsyncExitStack() as exits:
        if memory is not None:
            app.bind(await exits.enter_async_context(await SqliteMachineMemory.open(memory)))
        with StatusLine() as progress:
            return await run_events(app, path, printer=printer, progress=progress, at_once=at_once)


def _printer(path: str, timeline: str | None, *, as_json: bool) -> Printer:
    if as_json:
        return JsonPrinter()
    if timeline is None:
        timeline = "every" if _size(path) <= FEW_BYTES else "kinds"
    return TimelinePrinter(every=timeline == "every", quiet=timeline == "none")


def _size(path: str) -> int:
    return 0 if path == "-" or not Path(path).is_file() else Path(path).stat().st_size


class StatusLine:
    """How far a run has come, on standard error: a line that is rewritten on a terminal, else one every few seconds."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._pause_seconds = 0.1 if self._terminal else 5.0
        self._due = monotonic() + self._pause_seconds
        self._written = False

    def __enter__(self) -> StatusLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._written and self._terminal:
            click.echo("\r\x1b[K", nl=False, err=True)

    def update(self, inputs: int, read_bytes: int, size_bytes: int | None) -> None:
        """Write the line, unless it was written a moment ago."""
        now = monotonic()
        if now < self._due:
            return
        self._due = now + self._pause_seconds
        self._written = True
        share = f", {read_bytes / size_bytes:.0%} of the file" if size_bytes else ""
        text = f"{inputs} inputs done{share}"
        click.echo(f"\r\x1b[K{text}" if self._terminal else text, nl=not self._terminal, err=True)
