"""`arvo run --store`: an app as a durable worker. The options are in `run_command`, the work itself is in `work`."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import click
import msgspec

from arvo.cli.brokers import broker_at
from arvo.cli.console import visible
from arvo.cli.event_loop import run_app
from arvo.cli.failure import CommandError, ExitCode
from arvo.cli.health_server import HealthServer
from arvo.cli.intake import Intake
from arvo.cli.json_lines import JsonPrinter
from arvo.cli.line_reader import LineReader, opened_input
from arvo.cli.log_notes import LogNotes
from arvo.cli.stopping import stoppable
from arvo.cli.stores import store_at
from arvo.cli.timeline_printer import Troubles
from arvo.cli.work import DRAIN, Work
from arvo.events import MAX_EVENT_BYTES
from arvo.runtime import Worker
from arvo.runtime.brokered import BrokerWorker
from arvo.runtime.worker.relay import OUTBOX
from arvo.runtime.worker.routes import LATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arvo.cli.console import Console
    from arvo.cli.event_input import BadLine
    from arvo.cli.health_server import Listening
    from arvo.cli.work import WorkSummary
    from arvo.ports import Store
    from arvo.runtime import App

__all__ = ["DEFAULT_CONCURRENCY", "WorkOptions", "work_on_store"]

DEFAULT_CONCURRENCY: Final = 64
CUT_OFF_SECONDS: Final = DRAIN.total_seconds() + 4
"""After the drain the worker says good-bye to its store, which may not answer."""
MOST_OTHERS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOptions:
    """What was asked for on the command line; `path` is None for a worker that goes on until it is stopped."""

    store: str
    path: str | None
    concurrency: int
    sources: tuple[str, ...] | None
    broker: str | None
    callers: tuple[str, ...]
    health: Listening | None
    as_json: bool
    verbose: bool

    @property
    def name(self) -> str:
        """What the events are called in messages."""
        return "<stdin>" if self.path in (None, "-") else str(self.path)


def work_on_store(app: App, options: WorkOptions, console: Console) -> int:
    """Work, print what was done, and return the exit code."""
    with ExitStack() as exits:
        lines = None
        if options.path is not None:
            try:
                lines = LineReader(exits.enter_context(opened_input(options.path)), MAX_EVENT_BYTES)
            except OSError as error:
                raise CommandError(f"{options.name} cannot be read: {error.strerror or error}.") from error
        exits.enter_context(LogNotes(console.note, verbose=options.verbose, every=True))
        return run_app(_work(app, options, console, lines))


async def _work(app: App, options: WorkOptions, console: Console, lines: LineReader | None) -> int:
    intake = None
    with stoppable(CUT_OFF_SECONDS) as stopping:
        try:
            async with store_at(options.store) as store, AsyncExitStack() as exits:
                worker = await _worker(app, store, options, exits)
                if lines is not None:
                    intake = Intake(app, store, _on_bad_line(options, console))
                work = Work(
                    worker,
                    store,
                    intake=intake,
                    on_progress=lambda: console.progress(lambda: f"{worker.report.deliveries} deliveries done"),
                )
                stopping.on_signal = lambda: work.stop(stopping.signal or "")
                stopping.undone = lambda: f"Done: {worker.report}. Whatever else it had begun, the next worker begins."
                served = [address for address in worker.serves if address not in (LATE, OUTBOX)]
                if options.health is not None:
                    server = await exits.enter_async_context(HealthServer(options.health, worker.health).open())
                    _tell_health(server, console)
                console.note(f"Working on {', '.join(map(visible, served))}. Ctrl-C ends it in good order.")
                summary = await work(lines)
                stopping.undone = str
        except asyncio.CancelledError:
            if stopping.signal is None:
                raise
            console.note(f"Stopped by {stopping.signal} before anything was run.")
            return ExitCode.GOOD if lines is None else stopping.exit_code
    code = _exit_code(summary, intake)
    if options.as_json:
        console.row(_json_summary(summary, intake, good=code == ExitCode.GOOD))
    else:
        for row in _summary_rows(summary, intake):
            console.row(row)
    return code


async def _worker(app: App, store: Store, options: WorkOptions, exits: AsyncExitStack) -> Worker | BrokerWorker:
    if options.broker is None:
        return Worker(app, store, concurrency=options.concurrency, sources=options.sources, drain_timeout=DRAIN)
    return BrokerWorker(
        app,
        await exits.enter_async_context(broker_at(options.broker)),
        store=store,
        callers=options.callers,
        concurrency=options.concurrency,
        sources=options.sources,
        drain_timeout=DRAIN,
    )


def _tell_health(server: HealthServer, console: Console) -> None:
    console.note(f"Health: http://{server.address}/ready and /live.")
    if not server.address.is_local:
        warning = f"Everybody who reaches {server.address} can ask for it, and nobody is asked who they are."
        console.note(click.style(warning, fg="yellow"))


def _on_bad_line(options: WorkOptions, console: Console) -> Callable[[BadLine], object]:
    if options.as_json:
        return JsonPrinter(console, options.name).bad_line
    troubles = Troubles(console.note, options.name)
    return lambda bad: troubles.tell(bad.line, bad.reason)


def _exit_code(summary: WorkSummary, intake: Intake | None) -> int:
    if intake is None:
        return ExitCode.GOOD if summary.drained else ExitCode.BAD
    if summary.stopped is not None:
        return ExitCode.SIGNALS[summary.stopped]
    all_well = not (intake.bad_lines or intake.trouble or summary.report.dead_letters)
    return ExitCode.GOOD if all_well else ExitCode.BAD


def _summary_rows(summary: WorkSummary, intake: Intake | None) -> Iterator[str]:
    by = f"Stopped by {summary.stopped} after" if summary.stopped else "Worked for"
    yield click.style(f"{by} {summary.seconds:.2f} s: {summary.report}.", bold=True)
    if not summary.drained:
        text = f"Cancelled what had not ended {DRAIN.total_seconds():.0f} s later. The next worker begins it anew."
        yield click.style(text, fg="red")
    if intake is None:
        return
    bad = f", {intake.bad_lines} bad lines" if intake.bad_lines else ""
    yield f"Events: {intake.new} taken in, {intake.known} known already{bad}."
    if intake.trouble is not None:
        yield click.style(f"Reading ended early: {intake.trouble}.", fg="red")
    if intake.ids_made:
        yield f"Without an id: {intake.ids_made} lines. The same lines will be taken for new ones next time."
    if summary.timers:
        yield f"Arriving later: {summary.timers} events."
    others = [f"{visible(address)} ({count})" for address, count in summary.for_others[:MOST_OTHERS]]
    if others:
        more = ", ..." if len(summary.for_others) > MOST_OTHERS else ""
        yield f"Waiting for others: events for {', '.join(others)}{more}."


def _json_summary(summary: WorkSummary, intake: Intake | None, *, good: bool) -> bytes:
    members: dict[str, object] = {
        "kind": "summary",
        "good": good,
        "seconds": round(summary.seconds, 3),
        "stopped": summary.stopped,
        "drained": summary.drained,
        **asdict(summary.report),
    }
    if intake is not None:
        members |= {
            "taken_in": intake.new,
            "known": intake.known,
            "bad_lines": intake.bad_lines,
            "without_id": intake.ids_made,
            "trouble": intake.trouble,
            "timers": summary.timers,
            "for_others": dict(summary.for_others),
        }
    return msgspec.json.encode(members)
