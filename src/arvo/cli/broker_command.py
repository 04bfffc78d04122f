"""`arvo run --broker` without a store: handlers run on the messages themselves. The options are in `run_command`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import click
import msgspec

from arvo.cli.brokers import broker_at
from arvo.cli.console import visible
from arvo.cli.event_loop import run_app
from arvo.cli.failure import ExitCode
from arvo.cli.log_notes import LogNotes
from arvo.cli.stopping import stoppable
from arvo.cli.work import DRAIN
from arvo.cli.work_command import CUT_OFF_SECONDS
from arvo.runtime.brokered import BrokerWorker

if TYPE_CHECKING:
    from arvo.cli.console import Console
    from arvo.runtime import App

__all__ = ["BrokerOptions", "work_on_broker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """What was asked for on the command line."""

    broker: str
    concurrency: int
    sources: tuple[str, ...] | None
    callers: tuple[str, ...]
    as_json: bool
    verbose: bool


def work_on_broker(app: App, options: BrokerOptions, console: Console) -> int:
    """Work until a signal comes, print what was done, and return the exit code."""
    with LogNotes(console.note, verbose=options.verbose, every=True):
        return run_app(_work(app, options, console))


async def _work(app: App, options: BrokerOptions, console: Console) -> int:
    started = perf_counter()
    with stoppable(CUT_OFF_SECONDS) as stopping:
        try:
            async with broker_at(options.broker) as broker:
                worker = BrokerWorker(
                    app,
                    broker,
                    callers=options.callers,
                    sources=options.sources,
                    concurrency=options.concurrency,
                    drain_timeout=DRAIN,
                )
                stopping.on_signal = worker.stop
                stopping.undone = lambda: f"Done: {worker.report}. Whatever else it had begun comes again."
                console.note(f"Working on {', '.join(map(visible, worker.serves))}. Ctrl-C ends it in good order.")
                report = await worker.run()
                stopping.undone = str
        except asyncio.CancelledError:
            if stopping.signal is None:
                raise
            console.note(f"Stopped by {stopping.signal} before anything was run.")
            return ExitCode.GOOD
    seconds = perf_counter() - started
    if options.as_json:
        summary = {"kind": "summary", "seconds": round(seconds, 3), "stopped": stopping.signal, **asdict(report)}
        console.row(msgspec.json.encode(summary))
    else:
        console.row(click.style(f"Stopped by {stopping.signal} after {seconds:.2f} s: {report}.", bold=True))
    return ExitCode.GOOD
