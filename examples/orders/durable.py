"""A durable worker is killed in the middle of the orders, and another one goes on where it was.

python -m examples.orders.durable --store sqlite:///orders.db
python -m examples.orders.durable --store postgresql://user:password@localhost/database
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

from .endings import endings, ordered, report, store_at

if TYPE_CHECKING:
    from collections import Counter

WARNINGS = subprocess.DEVNULL
"""Orders that the carrier does not know what to do with are logged; the demo has shown them before."""
KILL_AFTER = 50
LOOK_SECONDS = 0.005


def command(*arguments: str) -> list[str]:
    print(f"\n$ arvo {' '.join(arguments)}", flush=True)
    return [sys.executable, "-m", "arvo", *arguments]


def arvo(*arguments: str) -> bool:
    stderr = WARNINGS if arguments[0] == "run" else None
    return subprocess.run(command(*arguments), stderr=stderr).returncode == 0  # noqa: S603


async def ended(url: str) -> dict[str, Counter[str]]:
    async with store_at(url) as store:
        return await endings(store)


async def some_ended(url: str, worker: subprocess.Popen[bytes]) -> bool:
    """Return once enough orders have ended; False when the worker was done before anybody saw that."""
    async with store_at(url) as store:
        while worker.poll() is None and len(await endings(store)) < KILL_AFTER:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(LOOK_SECONDS)
    return worker.poll() is None


def main(url: str) -> int:
    work = ("run", "examples.orders.app:app", "--store", url, "--events", "examples/orders/orders.jsonl")
    # The tables of a SQLite file are made by its first use.
    if not url.startswith("sqlite:") and not arvo("store", "upgrade", "--store", url):
        return 2
    if asyncio.run(ended(url)):
        print("The store has answers to these orders already. Give an empty one.")
        return 2
    with subprocess.Popen(command(*work), stderr=WARNINGS) as worker:  # noqa: S603
        in_the_middle = asyncio.run(some_ended(url, worker))
        worker.kill()
    if not in_the_middle:
        print("The worker was done before it could be killed. Try again.")
        return 2
    print(f"\n$ kill -9 {worker.pid}\n{len(asyncio.run(ended(url)))} of {len(ordered())} orders had ended by then.")
    if not arvo("status", "--store", url) or not arvo(*work):
        return 1
    print("\n$ python -m examples.orders.endings")
    return 0 if report(ordered(), asyncio.run(ended(url))) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kills a worker in the middle of 200 orders, and starts another.")
    parser.add_argument("--store", required=True, help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    sys.exit(main(parser.parse_args().store))
