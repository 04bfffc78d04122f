"""One chaos run from the first request to the last answer, and the same requests in peace."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter, defaultdict
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from arvo.backends.memory import InMemoryStore
from arvo.ports import SystemClock
from arvo.runtime import Worker, enqueue
from arvo.runtime.worker.patience import Patience
from tests.acceptance.chaos.app import SHOP, chaos_app
from tests.acceptance.chaos.crew import Crew
from tests.acceptance.chaos.faults import Disturbance
from tests.acceptance.chaos.witness import Witness, follow, read_notes, root_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from arvo.events import Event
    from arvo.ports import Store
    from tests.acceptance.chaos.faults import Fault
    from tests.acceptance.chaos.witness import Note

__all__ = ["Outcome", "Place", "chaos_run", "quiet_run"]

WORKERS = 4
_LOOK_SECONDS = 0.2
_STUCK_AFTER_SECONDS = 60.0
_LAST_WORDS_SECONDS = 10.0
_PAGE = 1000

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A store that other processes can open, too. `restart` kills its server and starts it again.

    Without a server nobody is stopped either: whoever is stopped while he writes to a file keeps it locked.
    """

    url: str
    open: Callable[[], Store]
    restart: Callable[[], object] | None = None


@dataclass(kw_only=True)
class Outcome:
    """All that is left of a run."""

    answers: dict[str, list[tuple[Event[Any], int]]]
    """By the id of the request: the first answer in each lane, and how many there are in it."""
    workflows: Counter[tuple[str, str]]
    """How many there are of each handler and status."""
    left: list[str]
    """What waits or was given up, although nothing should."""
    notes: Sequence[Note]
    faults: Counter[str] = field(default_factory=Counter[str])
    seconds: float = 0.0


async def quiet_run(requests: Sequence[Event[Any]], log: Path) -> Outcome:
    """What comes of the requests when nothing goes wrong."""
    started = time.monotonic()
    log.with_suffix(".stopped").touch()  # nobody is to stop here
    witness = Witness(log)
    app = chaos_app(witness, longest_pause=0.0)
    async with InMemoryStore() as store, asyncio.TaskGroup() as group:
        worker = Worker(app, store)
        working = group.create_task(worker.run())
        for request in requests:
            await enqueue(app, store, request)
        await _settled(store)
        worker.stop()
        await working
        witness.close()
        return await _outcome(store, log, seconds=time.monotonic() - started)


async def chaos_run(
    place: Place,
    requests: Sequence[Event[Any]],
    faults: Sequence[Fault],
    log: Path,
    *,
    seconds: float,
    tell: Callable[[str], object],
) -> Outcome:
    """Feed the requests over `seconds`, let the faults happen meanwhile, wait for the end, and look what there is."""
    started = time.monotonic()
    async with AsyncExitStack() as exits:
        store = await exits.enter_async_context(place.open())
        crew = await exits.enter_async_context(Crew(WORKERS, log, place.url))
        counts: Counter[str] = Counter()
        haunting = None if place.restart is None else asyncio.create_task(_zombie(crew, log, counts))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_feed(store, requests, started, seconds, log, tell))
                group.create_task(_disturb(place, crew, faults, started, counts))
            tell(f"fed and disturbed for {time.monotonic() - started:.0f} s, waiting for the end")
            await _settled(store)
            ended = time.monotonic()
            if haunting is not None:
                done, _ = await asyncio.wait((haunting,), timeout=_LAST_WORDS_SECONDS)
                for each in done:
                    each.result()
        finally:
            if haunting is not None:
                haunting.cancel()
        outcome = await _outcome(store, log, seconds=ended - started)
    # Workers have left by now, and said what they had to say.
    outcome.notes = read_notes(log)
    outcome.faults = counts + Counter({"workers started": crew.started})
    return outcome


async def _feed(
    store: Store,
    requests: Sequence[Event[Any]],
    started: float,
    seconds: float,
    log: Path,
    tell: Callable[[str], object],
) -> None:
    witness = Witness(log)
    app = chaos_app(witness, longest_pause=0.0)
    fed = 0
    while fed < len(requests):
        share = min((time.monotonic() - started) / seconds, 1.0)
        due = requests[fed : max(int(share * len(requests)), fed + 1)]
        await asyncio.gather(*(_asked(partial(enqueue, app, store, request)) for request in due))
        if 10 * (fed + len(due)) // len(requests) > 10 * fed // len(requests):
            tell(f"{fed + len(due)} requests fed after {time.monotonic() - started:.0f} s")
        fed += len(due)
        await asyncio.sleep(seconds / len(requests))
    witness.close()


async def _disturb(place: Place, crew: Crew, faults: Sequence[Fault], started: float, counts: Counter[str]) -> None:
    for fault in faults:
        await asyncio.sleep(fault.at - (time.monotonic() - started))
        if fault.what is Disturbance.KILL:
            counts["kills"] += crew.kill(fault.which)
        elif place.restart is not None:
            await asyncio.to_thread(place.restart)
            counts["restarts"] += 1


async def _zombie(crew: Crew, log: Path, counts: Counter[str]) -> None:
    """Once a worker has stopped itself, wait until another one begins its work, and then let it continue."""
    async with aclosing(follow(log)) as notes:
        stopped = await _next(notes, lambda note: note.what == "stopped")
        crew.spare(stopped.pid)
        await _next(
            notes, lambda note: note.what == "begin" and note.event == stopped.event and note.pid != stopped.pid
        )
        await asyncio.sleep(_LOOK_SECONDS)
        os.kill(stopped.pid, signal.SIGCONT)
        counts["workers stopped beyond their lease"] += 1
        await _next(notes, lambda note: note.pid == stopped.pid and "was refused" in note.text)
        counts["late commits refused"] += 1
        crew.give_up(stopped.pid)


async def _next(notes: AsyncIterator[Note], wanted: Callable[[Note], bool]) -> Note:
    async for note in notes:
        if wanted(note):
            return note
    raise AssertionError("the log never ends")


async def _settled(store: Store) -> None:
    """Return when only answers are left, or when for long nothing has changed: what is stuck will be seen."""
    before: object = None
    changed_at = time.monotonic()
    while True:
        queues = await _asked(store.queues)
        busy = [queue for queue in queues if queue.handler != SHOP]
        if not busy:
            return
        now = [(queue.handler, queue.deliveries, queue.timers) for queue in queues]
        if now != before:
            before, changed_at = now, time.monotonic()
        elif time.monotonic() - changed_at > _STUCK_AFTER_SECONDS:
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _asked(call: Callable[[], Awaitable[T]]) -> T:
    return await Patience(SystemClock()).ask("answer the chaos run", call)


async def _outcome(store: Store, log: Path, *, seconds: float) -> Outcome:
    lanes = await _all_pages(partial(store.lanes, SHOP))
    answers: defaultdict[str, list[tuple[Event[Any], int]]] = defaultdict(list)
    for lane in lanes:
        answers[root_of(lane.event())].append((lane.event(), lane.deliveries))
    workflows = await _all_pages(store.workflows)
    letters = await _all_pages(store.dead_letters)
    return Outcome(
        answers=dict(answers),
        workflows=Counter((workflow.handler, workflow.status.value) for workflow in workflows),
        left=[
            *(f"{queue}" for queue in await _asked(store.queues) if queue.handler != SHOP),
            *(f"dead letter: {letter.letter.handler}: {letter.letter.error}" for letter in letters),
            *(f"waiting in {waiting.domain}: {waiting.event_id}" for waiting in await _all_pages(store.waiting)),
        ],
        notes=read_notes(log),
        seconds=seconds,
    )


async def _all_pages(page: Callable[..., Awaitable[Sequence[T]]]) -> list[T]:
    found: list[T] = []
    while True:
        more = await _asked(partial(page, after=found[-1] if found else None, limit=_PAGE))
        found += more
        if len(more) < _PAGE:
            return found
