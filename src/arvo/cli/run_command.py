"""`arvo run`: an app in this process, fed from a file or a stream of events, or working on a store."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from arvo.backends.sqlite import SqliteMachineMemory
from arvo.cli.broker_command import BrokerOptions, work_on_broker
from arvo.cli.brokers import BROKER_VARIABLE
from arvo.cli.console import Console
from arvo.cli.failure import CommandError, ExitCode
from arvo.cli.health_server import Listening, parse_listening
from arvo.cli.json_lines import JsonPrinter
from arvo.cli.line_reader import LineReader, file_size, opened_input
from arvo.cli.log_notes import LogNotes
from arvo.cli.references import load
from arvo.cli.run import Run
from arvo.cli.stopping import stoppable
from arvo.cli.stores import STORE_VARIABLE
from arvo.cli.timeline import Layout
from arvo.cli.timeline_printer import KindsPrinter, LivePrinter
from arvo.cli.work_command import DEFAULT_CONCURRENCY, WorkOptions, work_on_store
from arvo.errors import ArvoError
from arvo.events import MAX_EVENT_BYTES
from arvo.runtime import App, DeadLetter, ShutdownReport

if TYPE_CHECKING:
    from arvo.cli.run import Printer, RunSummary

__all__ = ["run"]

DEFAULT_AT_ONCE: Final = 32
FEW_BYTES: Final = 20_000
"""Up to this size of file every step is printed, unless --timeline says otherwise."""


@click.command()
@click.argument("reference", metavar="MODULE:APP")
@click.option("--events", "path", metavar="FILE", help="JSON lines of events; - is standard input.")
@click.option(
    "--store",
    metavar="URL",
    envvar=STORE_VARIABLE,
    show_envvar=True,
    help="Work on what is in a durable store: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    help=f"With --store or --broker: subjects worked on at once.  [default: {DEFAULT_CONCURRENCY}]",
)
@click.option(
    "--health",
    metavar="[HOST:]PORT",
    help="With --store: answer GET /live and GET /ready there. A port alone is that of 127.0.0.1.",
)
@click.option(
    "--broker",
    metavar="URL",
    envvar=BROKER_VARIABLE,
    show_envvar=True,
    help="Take events from a message broker, and publish those for others: nats:// or amqp://USER:PASSWORD@HOST.",
)
@click.option(
    "--callers",
    metavar="NAME,...",
    help="With --broker: senders whose answers are kept in the store. Others get them from the broker.",
)
@click.option(
    "--sources", metavar="NAME,...", help="With --store or --broker: the handlers to work for. Default: all of the app."
)
@click.option(
    "--memory",
    metavar="URL",
    help="Where workflows keep their state: sqlite:///FILE. Default: the memory of the app.",
)
@click.option("--at-once", type=click.IntRange(min=1), help=f"Inputs in flight at once.  [default: {DEFAULT_AT_ONCE}]")
@click.option(
    "--timeline",
    type=click.Choice(["every", "kinds", "none"]),
    help="Print every step, the first input of each kind, or nothing. Default: every for streams and small files.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON lines instead: steps, outcomes, bad lines, a summary; with --store, the last two.",
)
@click.option("-v", "--verbose", is_flag=True, help="Print what the app may be missing, and all that is logged.")
def run(
    reference: str,
    *,
    path: str | None,
    store: str | None,
    concurrency: int | None,
    health: str | None,
    broker: str | None,
    callers: str | None,
    sources: str | None,
    memory: str | None,
    at_once: int | None,
    timeline: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Feed events through an app and show what happens, or work on a store.

    A line of --events holds a whole event as JSON, or a short one: `type` and `data` are enough, the rest is completed
    from the contracts of the app. Lines that hold no event are reported by number, and the rest goes on.

    With --store the app is a durable worker: it takes events from the store, and stores all that comes of one at once.
    Any number of workers may share a store, and whatever one had begun when it died is begun anew by the others. It
    works until Ctrl-C or SIGTERM, gives what runs 25 s to end, and leaves the rest to others. With --events as well, it
    stores the lines (those whose id it has not seen) and works until nothing is left to do.

    With --broker as well, what comes from the broker is stored first, and what is for other processes leaves by it.
    With --broker alone, handlers run on the messages themselves: what comes of one is published before it is settled.

    \b
    Examples:
      arvo run shop.main:app --events orders.jsonl
      arvo run shop.main:app --events orders.jsonl --memory sqlite:///orders.db
      tail -f orders.jsonl | arvo run shop.main:app --events -
      arvo run shop.main:app --events orders.jsonl --json | jq 'select(.kind == "outcome")'
      arvo run shop.main:app --store sqlite:///orders.db
      arvo run shop.main:app --store sqlite:///orders.db --events orders.jsonl
      arvo run shop.main:app --store postgresql://shop@db/orders --sources com.card.charge
      arvo run shop.main:app --store postgresql://shop@db/orders --health 8080
      arvo run shop.main:app --store sqlite:///orders.db --broker nats://localhost:4222

    \b
    Exit code:
      0    all went well; also a worker that a signal ended, once what it was doing had ended
      1    a line was bad, or an input failed, came back as a system error or was left unfinished;
           with --store: an event became a dead letter (with --events), or work had to be cancelled
      2    nothing could be run: a wrong option, a module that does not load, a file or store that
           cannot be opened
      130  stopped by Ctrl-C; 143 by SIGTERM; 141 because nobody reads the output any more;
           a worker without --events only when it had to be cut off, as by a second Ctrl-C
    """
    if store is None:
        # The environment may name a broker for workers, which does not make every run one.
        broker = broker if _given("broker") else None
        _refuse("--store URL", health=health)
        if broker is None:
            _refuse("--store URL or --broker URL", concurrency=concurrency, sources=sources, callers=callers)
            _check_there_is_something_to_do(path)
        else:
            _refuse("--store URL, next to --broker", events=path)
            _refuse("--events without --broker", memory=memory, at_once=at_once, timeline=timeline)
    else:
        given = "--store" if _given("store") else f"--store, which is set by {STORE_VARIABLE}"
        _refuse_memory(memory, given)
        _refuse(f"--events without {given}", at_once=at_once, timeline=timeline)
        if broker is None:
            _refuse("--broker URL", callers=callers)
    listening = _listening(health)
    try:
        app = load(reference, App)
    except KeyboardInterrupt:
        sys.exit(ExitCode.SIGNALS["SIGINT"])
    console = Console()
    try:
        for doubt in app.doubts if verbose else ():
            console.note(f"{click.style('note:', fg='yellow')} {doubt}")
        if store is not None:
            options = WorkOptions(
                store=store,
                path=path,
                concurrency=concurrency or DEFAULT_CONCURRENCY,
                sources=None if sources is None else _names(sources),
                broker=broker,
                callers=() if callers is None else _names(callers),
                health=listening,
                as_json=as_json,
                verbose=verbose,
            )
            code = work_on_store(app, options, console)
        elif broker is not None:
            connected = BrokerOptions(
                broker=broker,
                concurrency=concurrency or DEFAULT_CONCURRENCY,
                sources=None if sources is None else _names(sources),
                callers=() if callers is None else _names(callers),
                as_json=as_json,
                verbose=verbose,
            )
            code = work_on_broker(app, connected, console)
        else:
            code = _feed(
                app,
                path or "",
                console,
                memory=memory,
                at_once=at_once or DEFAULT_AT_ONCE,
                timeline=timeline,
                as_json=as_json,
                verbose=verbose,
            )
    except ArvoError as error:
        raise CommandError(str(error)) from error
    sys.exit(code)


def _check_there_is_something_to_do(path: str | None) -> None:
    if path is None:
        raise click.UsageError(
            "There is nothing to do. Give --events FILE to run events, --store URL to work on a store, or both."
        )


def _refuse_memory(memory: str | None, given: str) -> None:
    if memory is not None:
        raise click.UsageError(f"--memory cannot go with {given}: the store keeps the state of workflows. Drop it.")


def _listening(health: str | None) -> Listening | None:
    try:
        return None if health is None else parse_listening(health)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--health") from error


def _names(listed: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in listed.split(","))


def _given(option: str) -> bool:
    """Whether an option stands on the command line, and does not come from the environment."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE


def _refuse(wanted: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise click.UsageError(f"--{name.replace('_', '-')} goes only with {wanted}.")


def _feed(
    app: App,
    path: str,
    console: Console,
    *,
    memory: str | None,
    at_once: int,
    timeline: str | None,
    as_json: bool,
    verbose: bool,
) -> int:
    name = "<stdin>" if path == "-" else path
    try:
        with opened_input(path) as descriptor:
            printer = _printer(app, name, timeline, console, file_size(descriptor), as_json=as_json)
            with LogNotes(printer.note, verbose=verbose, told_elsewhere=(DeadLetter, ShutdownReport)):
                return asyncio.run(
                    _run(app, LineReader(descriptor, MAX_EVENT_BYTES), memory, printer, console, at_once)
                )
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror or error}.") from error


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
