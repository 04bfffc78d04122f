"""A worker process that takes what waits for one handler until nothing is left, and tells how fast and how big it was.

Its argument is the address of a store. Asked for `{"tasks"}` it answers when it began and when its last delivery was
stored (on the clock that all processes of a machine share), how many it took, and its memory at the start, after each
tenth of the time, and at the end.
"""

from __future__ import annotations

import asyncio
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from arvo import App, Contract, Event, Handler, HandlerContext, Payload
from arvo.ports import NewDelivery
from arvo.runtime import Worker
from benchmarks.durable.stores import open_store
from benchmarks.protocol import answer_questions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.ports import Store

_LOOK_SECONDS = 0.02
_QUIET_SECONDS = 1.0
_BATCH = 1000
_KIBIBYTE = 1024


class Note(Payload):
    number: int


class Noted(Payload, event_type="evt.number.note.success"):
    number: int


note = Contract(uri="#/services/number.note", type="com.number.note")
note_v1 = note.version("1.0.0", accepts=Note, emits=Noted)
noter = Handler(note)


@noter.on(note_v1)
async def take(event: Event[Note], _: HandlerContext) -> None:
    assert event.data.number >= 0


async def fill(store: Store, rows: int) -> None:
    """Let so many events wait for the handler, each in a lane of its own."""
    for first in range(0, rows, _BATCH):
        await store.publish([delivery(number) for number in range(first, min(first + _BATCH, rows))])


def delivery(number: int) -> NewDelivery:
    return NewDelivery(handler=note.type, event=note_v1.request(Note(number=number), source="com.bench.filler"))


async def drain(store: Store, *, tasks: int) -> dict[str, Any]:
    """Work until nothing has come for a while."""
    worker = Worker(App(handlers=[noter], concurrency=tasks), store, concurrency=tasks)
    memory = [_resident_bytes()]
    async with asyncio.TaskGroup() as group:
        began = ended = time.monotonic()
        running = group.create_task(worker.run())
        taken, looked = 0, began
        while time.monotonic() - ended < _QUIET_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)
            if worker.report.deliveries > taken:
                taken, ended = worker.report.deliveries, time.monotonic()
            if ended - looked > 1:
                looked = ended
                memory.append(_resident_bytes())
        worker.stop()
        await running
    return {"began": began, "ended": ended, "deliveries": taken, "resident_bytes": [*memory, _resident_bytes()]}


def _resident_bytes() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * _KIBIBYTE for line in lines if line.startswith("VmRSS:"))


async def main(arguments: Sequence[str]) -> None:
    async with open_store(arguments[0]) as store:
        await answer_questions(
            lambda question: drain(store, **question),
            versions=[f"arvo-event-handler {version('arvo-event-handler')}"],
        )


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
