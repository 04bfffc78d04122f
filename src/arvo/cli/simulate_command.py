"""`arvo simulate`: a whole app under faults in simulated time, one run for each seed."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from types import FunctionType
from typing import TYPE_CHECKING, Final

import click
import msgspec

from arvo.cli.console import Console
from arvo.cli.event_input import BadLine, Catalogue, read_events
from arvo.cli.failure import CommandError, ExitCode
from arvo.cli.references import load
from arvo.errors import ArvoError
from arvo.events.origin import use_origin
from arvo.runtime import App
from arvo.testing.simulation import FaultKind, SeedReport, System, report_on, shrink, try_out
from arvo.testing.simulation.beginning import Beginning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from arvo.events import Event
    from arvo.testing.simulation import Shrunk

__all__ = ["Order", "simulate", "system_of"]

DEFAULT_SEEDS: Final = 1000
FEW_SEEDS: Final = 60
"""So many are run before other processes would be ready."""
SEEDS_AT_A_TIME: Final = 20
MOST_RUNS: Final = 300
"""So many shorter runs are tried for a failing one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be simulated, in a form that can be handed to another process."""

    reference: str
    workload: str
    faults: tuple[FaultKind, ...]
    workers: int
    inputs: int


@dataclass(slots=True)
class Sums:
    """What all seeds together came to."""

    seeds: int = 0
    workflows: int = 0
    deliveries: int = 0
    simulated_seconds: float = 0.0
    struck: Counter[FaultKind] = field(default_factory=Counter[FaultKind])

    def add(self, report: SeedReport) -> None:
        """Count a seed."""
        self.seeds += 1
        self.workflows += report.workflows
        self.deliveries += report.deliveries
        self.simulated_seconds += report.simulated_seconds
        self.struck.update(report.struck)


@click.command()
@click.argument("reference", metavar="MODULE:APP")
@click.option("--seeds", type=click.IntRange(min=1), help=f"How many seeds to run.  [default: {DEFAULT_SEEDS}]")
@click.option("--seed", type=click.IntRange(min=0), help="Run this one, and print its log.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option(
    "--faults",
    metavar="KIND,...",
    help=f"What may go wrong: {', '.join(FaultKind)}; or none. Default: all of it.",
)
@click.option(
    "--workload",
    metavar="FILE",
    help="JSON lines of events, as for `arvo run --events`. Default: the only *.jsonl file beside the app's module.",
)
@click.option("--workers", type=click.IntRange(1, 20), default=3, show_default=True, help="Simulated workers.")
@click.option("--inputs", type=click.IntRange(1, 1000), default=4, show_default=True, help="Events for each seed.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes to run seeds in.  [default: one for each core]")
@click.option("--shrink/--no-shrink", "shrinks", default=True, help="Look for the shortest log of a failure, or not.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead.")
def simulate(
    reference: str,
    *,
    seeds: int | None,
    seed: int | None,
    first: int,
    faults: str | None,
    workload: str | None,
    workers: int,
    inputs: int,
    jobs: int | None,
    shrinks: bool,
    as_json: bool,
) -> None:
    """Run an app again and again in simulated time, with faults, and check what must always hold.

    Each seed is one run of several workers on one store, with a few events of the workload and faults of its own:
    always the same run. The first seed that breaks a promise ends it; the shortest log found that shows it is printed,
    and the command that repeats it. MODULE:APP is an app, or a function that makes one, for apps whose handlers keep
    something in memory.

    \b
    Examples:
      arvo simulate shop.main:app --workload orders.jsonl
      arvo simulate shop.main:app --seeds 10000 --faults crash,duplicate
      arvo simulate shop.main:app --seed 147

    \b
    Exit code:
      0    every promise was kept
      1    a promise was broken
      2    nothing could be simulated: a wrong option, a module that does not load, a bad workload
      130  stopped by Ctrl-C
    """
    if seed is not None and seeds is not None:
        raise click.UsageError("--seed runs one seed, --seeds so many. Give one of them.")
    order = Order(
        reference=reference,
        workload=_workload(reference, workload),
        faults=_kinds(faults),
        workers=workers,
        inputs=inputs,
    )
    console = Console()
    chosen = range(seed, seed + 1) if seed is not None else range(first, first + (seeds or DEFAULT_SEEDS))
    try:
        system = system_of(order)
        console.note(
            f"Simulating {reference}: {order.inputs} of {len(system.inputs)} events for each seed, {workers} workers, "
            f"faults: {', '.join(order.faults) or 'none'}."
        )
        for found in Beginning(system).of(chosen[0]):
            console.note(f"{click.style('note:', fg='yellow')} {found}")
        code = _run(order, system, chosen, console, jobs=jobs or os.cpu_count() or 1, shrinks=shrinks, as_json=as_json)
    except ArvoError as error:
        raise CommandError(error.message) from error
    except KeyboardInterrupt:
        sys.exit(ExitCode.SIGNALS["SIGINT"])
    sys.exit(code)


def _run(
    order: Order, system: System, seeds: range, console: Console, *, jobs: int, shrinks: bool, as_json: bool
) -> int:
    started = perf_counter()
    sums = Sums()
    failed: SeedReport | None = None
    for report in _reports(order, seeds, jobs):
        sums.add(report)
        console.progress(lambda: f"seed {sums.seeds} of {len(seeds)}, {sums.workflows} workflows")
        if report.violations:
            failed = report
            break
    seconds = perf_counter() - started
    shrunk = None
    if failed is not None:
        scenario = system.scenario(failed.seed)
        shrunk = shrink(system, scenario, try_out(system, scenario), most_runs=MOST_RUNS if shrinks else 0)
    elif len(seeds) == 1:
        for line in try_out(system, system.scenario(seeds[0])).log.lines() if not as_json else ():
            console.row(line)
    if as_json:
        console.row(_as_json(sums, seconds, failed, shrunk, order))
    else:
        for row in (*_told(sums, seconds), *(_told_failure(failed, shrunk, order) if failed and shrunk else ())):
            console.row(row)
        if failed is None:
            console.row(click.style("Every promise was kept.", fg="green", bold=True))
    return ExitCode.GOOD if failed is None else ExitCode.BAD


def _reports(order: Order, seeds: range, jobs: int) -> Iterator[SeedReport]:
    """The reports on all seeds, in their order."""
    alone = seeds if jobs == 1 or len(seeds) <= FEW_SEEDS else seeds[:0]
    for seed in alone:
        yield report_on(system_of(order), seed)
    rest = seeds[len(alone) :]
    if not rest:
        return
    parts = [rest[start : start + SEEDS_AT_A_TIME] for start in range(0, len(rest), SEEDS_AT_A_TIME)]
    pool = ProcessPoolExecutor(min(jobs, len(parts)), mp_context=get_context("spawn"))
    try:
        for reports in pool.map(_run_part, [order] * len(parts), parts):
            yield from reports
    finally:
        pool.shutdown(cancel_futures=True)


def _run_part(order: Order, seeds: range) -> Sequence[SeedReport]:
    return [report_on(system_of(order), seed) for seed in seeds]


@cache
def system_of(order: Order) -> System:
    """The system of an order, the same object each time."""
    found = load(order.reference, (App, FunctionType))
    make_app: Callable[[], App] = found if isinstance(found, FunctionType) else lambda: found
    app = make_app()
    if not isinstance(app, App):  # pyright: ignore[reportUnnecessaryIsInstance] - a function of the user's
        raise CommandError(f"{order.reference!r} returned a {type(app).__name__}, not an App.")
    return System(
        make_app=make_app,
        inputs=_inputs(app, order.workload),
        faults=frozenset(order.faults),
        workers=order.workers,
        inputs_per_seed=order.inputs,
    )


def _inputs(app: App, path: str) -> Sequence[Event[object]]:
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
    context = copy_context()
    # Lines without an id are given one, which has to be the same in every process.
    context.run(use_origin, Beginning.origin())
    catalogue = Catalogue(version for handler in app.handlers for version in handler.implements)
    events = context.run(lambda: asyncio.run(_read(text, catalogue, path)))
    if not events:
        raise CommandError(f"{path} holds no events, so there is nothing to simulate.")
    return events


async def _read(text: bytes, catalogue: Catalogue, path: str) -> Sequence[Event[object]]:
    events: list[Event[object]] = []
    async for found in read_events(_lines(text), catalogue):
        if isinstance(found, BadLine):
            raise CommandError(f"{path}, line {found.line}: {found.reason}")
        events.append(found.event)
    return events


async def _lines(text: bytes) -> AsyncIterator[bytes]:
    for line in text.split(b"\n"):
        yield line


def _workload(reference: str, given: str | None) -> str:
    if given is not None:
        return given
    load(reference, (App, FunctionType))
    folder = Path(sys.modules[reference.partition(":")[0]].__file__ or "").parent
    found = sorted(folder.glob("*.jsonl"))
    if len(found) != 1:
        raise click.UsageError(
            f"There {'is no *.jsonl file' if not found else f'are {len(found)} *.jsonl files'} in {folder}. "
            "Say with --workload FILE which events to simulate."
        )
    return str(found[0])


def _kinds(text: str | None) -> tuple[FaultKind, ...]:
    if text is None:
        return tuple(FaultKind)
    if text.strip() == "none":
        return ()
    names = {name.strip() for name in text.split(",")}
    unknown = sorted(names - set(FaultKind))
    if unknown:
        raise click.UsageError(f"There is no fault {unknown[0]!r}. There are: {', '.join(FaultKind)}; or none.")
    return tuple(kind for kind in FaultKind if kind in names)


def _command(seed: int, order: Order) -> str:
    """What repeats a seed."""
    parts = ["arvo", "simulate", order.reference, "--seed", str(seed), "--workload", order.workload]
    if order.faults != tuple(FaultKind):
        parts += ["--faults", ",".join(order.faults) or "none"]
    return shlex.join([*parts, "--workers", str(order.workers), "--inputs", str(order.inputs)])


def _told(sums: Sums, seconds: float) -> Iterator[str]:
    yield (
        f"{sums.seeds} seeds, {sums.workflows} workflows, {sums.deliveries} commits, "
        f"{sums.simulated_seconds / 3600:.1f} h of simulated time in {seconds:.1f} s: "
        f"{sums.workflows / seconds:.0f} workflows/s."
    )
    yield f"Faults: {', '.join(f'{kind} {sums.struck[kind]}' for kind in FaultKind if sums.struck[kind]) or 'none'}."


def _told_failure(failed: SeedReport, shrunk: Shrunk, order: Order) -> Iterator[str]:
    scenario = shrunk.scenario
    yield click.style(f"Seed {failed.seed} breaks a promise. {failed.violations[0]}", fg="red", bold=True)
    yield (
        f"The shortest run found that does ({len(scenario.inputs)} events, {len(scenario.faults)} faults, "
        f"{scenario.workers} workers; {shrunk.runs} runs tried):"
    )
    yield from shrunk.outcome.log.lines()
    yield from (str(violation) for violation in shrunk.outcome.violations)
    yield f"Repeat it: {_command(failed.seed, order)}"


def _as_json(sums: Sums, seconds: float, failed: SeedReport | None, shrunk: Shrunk | None, order: Order) -> bytes:
    members: dict[str, object] = {
        "good": failed is None,
        "seeds": sums.seeds,
        "workflows": sums.workflows,
        "commits": sums.deliveries,
        "seconds": round(seconds, 3),
        "simulated_seconds": round(sums.simulated_seconds, 3),
        "workflows_per_second": round(sums.workflows / seconds, 1),
        "faults": {kind.value: sums.struck[kind] for kind in FaultKind},
    }
    if failed is not None and shrunk is not None:
        members |= {
            "seed": failed.seed,
            "violations": [{"rule": each.rule.value, "text": each.text} for each in failed.violations],
            "shortest": list(shrunk.outcome.log.lines()),
            "repeat": _command(failed.seed, order),
        }
    return msgspec.json.encode(members)
