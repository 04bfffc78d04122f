"""`arvo run`: an app in this process, fed from a file or a stream of events."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import click

from arvo.backends.sqlite import SqliteMachineMemory
from arvo.cli.console import Console
from arvo.cli.failure import CommandError, ExitCode
from arvo.cli.json_lines import JsonPrinter
from arvo.cli.line_reader import LineReader, file_size, opened_input
from arvo.cli.log_notes import LogNotes
from arvo.cli.references import load
from arvo.cli.run import Run
from arvo.cli.stopping import stoppable
from arvo.cli.timeline import Layout
from arvo.cli.timeline_printer import KindsPrinter, LivePrinter
from arvo.errors import ArvoError
from arvo.events import MAX_EVENT_BYTES
from arvo.runtime import App

if TYPE_CHECKING:
    from arvo.cli.run import Printer, RunSummary

__all__ = ["run"]

FEW_BYTES: Final = 20_000
"""Up to this size of file every step is printed, unless --timeline says otherwise."""


@click.command()
@click.argument("reference", metavar="MODULE:APP")
@click.option("--events", "path", required=True, metavar="FILE", help="JSON lines of events; - is standard input.")
@click.option(
    "--memory",
    metavar="URL",
    help="Where workflows keep their state: sqlite:///FILE. Default: the memory of the app.",
)
@click.option("--at-once", type=click.IntRange(min=1), default=32, show_default=True, help="Inputs in flight at once.")
@click.option(
    "--timeline",
    type=click.Choice(["every", "kinds", "none"]),
    help="Print every step, the first input of each kind, or nothing. Default: every for streams and small files.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON lines instead: steps, outcomes, bad lines, a summary."
)
@click.option("-v", "--verbose", is_flag=True, help="Print what the app may be missing, and all that is logged.")
def run(
    reference: str, *, path: str, memory: str | None, at_once: int, timeline: str | None, as_json: bool, verbose: bool
) -> None:
    """Feed events through an app and show what happens.

    A line holds a whole event as JSON, or a short one: `type` and `data` are enough, the rest is completed from the
    contracts of the app. Lines that hold no event are reported by number, and the rest goes on.

    \b
    Examples:
      arvo run shop.main:app --events orders.jsonl
      arvo run shop.main:app --events orders.jsonl --memory sqlite:///orders.db
      tail -f orders.jsonl | arvo run shop.main:app --events -
      arvo run shop.main:app --events orders.jsonl --json | jq 'select(.kind == "outcome")'

    \b
    Exit code:
      0    all went well
      1    a line was bad, or an input failed, came back as a system error or was left unfinished
      2    nothing could be run: a wrong option, a module that does not load, a file that cannot be opened
      130  stopped by Ctrl-C; 143 by SIGTERM; 141 because nobody reads the output any more
    """
    try:
        app = load(reference, App)
    except KeyboardInterrupt:
        sys.exit(ExitCode.SIGNALS["SIGINT"])
    console = Console()
    name = "<stdin>" if path == "-" else path
    try:
        with opened_input(path) as descriptor:
            printer = _printer(app, name, timeline, console, file_size(descriptor), as_json=as_json)
            for doubt in app.doubts if verbose else ():
                console.note(f"{click.style('note:', fg='yellow')} {doubt}")
            with LogNotes(printer.note, verbose=verbose):
                code = asyncio.run(
                    _run(app, LineReader(descriptor, MAX_EVENT_BYTES), memory, printer, console, at_once)
                )
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror or error}.") from error
    except ArvoError as error:
        raise CommandError(str(error)) from error
    sys.exit(code)


async def _run(
    app: App, lines: LineReader, memory: str | None, printer: Printer, console: Console, at_once: int
) -> int:
    with stoppable() as stopping:
        try:
            async with AsyncExitStack() as exits:
                if memory is not None:
                    app.bind(await exits.enter_async_context(SqliteMachineMemory(memory)))
                work = Run(app, printer, on_progress=lambda inputs: console.progress(lambda: _progress(inputs, lines)))
                stopping.on_signal = lambda: work.stop(stopping.signal or "")
                stopping.undone = work.undone
                console.on_lost = lambda: work.stop("the end of its output")
                summary = await work(lines, at_once=at_once)
                stopping.undone = str
        except asyncio.CancelledError:
            if stopping.signal is None:
                raise
            console.note(f"Stopped by {stopping.signal} before anything was run.")
            return stopping.exit_code
    return _exit_code(summary, console)


def _printer(
    app: App, path: str, timeline: str | None, console: Console, size: int | None, *, as_json: bool
) -> Printer:
    if as_json:
        return JsonPrinter(console, path)
    domains = {call.contract.domain for handler in app.handlers for call in handler.calls} - {None}
    layout = Layout((*(handler.source for handler in app.handlers), *(f"sink of {domain}" for domain in domains)))
    if timeline == "every" or (timeline is None and (size is None or size <= FEW_BYTES)):
        return LivePrinter(console, layout, path)
    return KindsPrinter(console, layout, path, quiet=timeline == "none")


def _progress(inputs: int, lines: LineReader) -> str:
    share = f", {lines.read_bytes / lines.size_bytes:.0%} of the file read" if lines.size_bytes else ""
    return f"{inputs} inputs done{share}"


def _exit_code(summary: RunSummary, console: Console) -> int:
    if summary.stopped in ExitCode.SIGNALS:
        return ExitCode.SIGNALS[summary.stopped]
    if console.lost is not None:
        if summary.stopped:
            console.note(f"Standard output failed ({console.lost.strerror}), so the run was stopped. {summary.undone}")
        return ExitCode.LOST_OUTPUT if console.reader_is_gone else ExitCode.BAD
    if not (summary.inputs or summary.bad_lines):
        console.note("There was nothing to run: the input holds no events.")
    return ExitCode.GOOD if summary.good else ExitCode.BAD
