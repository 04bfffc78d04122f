"""Pushes very many deliveries through one worker process on SQLite, and prints how much memory it takes.

`python -m tests.acceptance.chaos.soak [--deliveries 1000000]`. Answers are taken out again, and what is finished is
pruned, as an operator would have it: so whatever grows is the worker's own.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arvo import App, Event, Handler, HandlerContext, Payload, SimpleContract
from arvo.backends.sqlite import SqliteStore
from arvo.ports import Completion, NewDelivery, Retention
from arvo.runtime import Worker

if TYPE_CHECKING:
    from arvo.ports import Store

BATCH = 500
TELL_EVERY = 50_000
SHOP = "com.soak.shop"
PAGE_BYTES = 4096
FINISHED = Retention(consumed_ids=timedelta(0), ended_workflows=timedelta(0))


class Echo(Payload):
    number: int


class Echoed(Payload):
    number: int


echo = SimpleContract("soak.echo", uri="#/services/soak.echo")
echo_v1 = echo.version("1.0.0", accepts=Echo, emits=Echoed)
answer_echo = Handler(echo)


@answer_echo.on(echo_v1)
async def echo_back(event: Event[Echo], _: HandlerContext) -> Echoed:
    return Echoed(number=event.data.number)


def resident_bytes() -> int:
    """The memory that this process has in use now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


def request(number: int) -> NewDelivery:
    event: Event[Any] = echo_v1.request(Echo(number=number), source=SHOP, subject=f"soak-{number}")
    return NewDelivery(handler=echo.type, event=event)


async def take_answers(store: Store, expected: int) -> None:
    taken = 0
    while taken < expected:
        claims = await store.claim(
            "shop", {SHOP: BATCH}, lanes=BATCH, deliveries_per_lane=1, lease=timedelta(minutes=1)
        )
        await store.finish([Completion(claim=claim, consumed=claim.deliveries) for claim in claims])
        taken += len(claims)
        if not claims:
            await store.wait_for_work([SHOP], timedelta(seconds=1))


async def soak(deliveries: int) -> None:
    with tempfile.TemporaryDirectory(prefix="arvo-soak-") as folder:
        url = f"sqlite:///{folder}/store.db"
        async with SqliteStore(url) as store, SqliteStore(url) as shop, asyncio.TaskGroup() as group:
            worker = Worker(App(handlers=[answer_echo]), store)
            group.create_task(worker.run())
            started = time.monotonic()
            for first in range(0, deliveries, BATCH):
                await shop.publish([request(number) for number in range(first, first + BATCH)])
                await take_answers(shop, BATCH)
                done = first + BATCH
                if done % (BATCH * 10) == 0:
                    await shop.prune(FINISHED)
                if done % TELL_EVERY == 0:
                    rate = done / (time.monotonic() - started)
                    memory = f"RSS {resident_bytes() / 2**20:6.1f} MiB, {rate:.0f}/s"
                    sys.stdout.write(f"{worker.report.deliveries:>9} deliveries, {memory}\n")
                    sys.stdout.flush()
            worker.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.chaos.soak", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=1_000_000)
    asyncio.run(soak(parser.parse_args().deliveries))
