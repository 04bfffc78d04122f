"""Proves from a store that each order of a file ended exactly once: python -m examples.orders.endings STORE

The answers to the orders wait in the store under the address of the shop that sent them, until it fetches them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from arvo.backends.postgres import PostgresStore
from arvo.backends.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.ports import Store

ORDERS = Path(__file__).with_name("orders.jsonl")
SHOP = "com.web.checkout"
MOST_ORDERS = 10_000


def store_at(url: str) -> Store:
    return SqliteStore(url) if url.startswith("sqlite:") else PostgresStore(url)


def ordered(file: Path = ORDERS) -> list[str]:
    """The ids of the orders in a file."""
    return [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines()]


async def endings(store: Store) -> dict[str, Counter[str]]:
    """What each order was answered, and how often, by its id."""
    found: dict[str, Counter[str]] = {}
    for lane in await store.lanes(SHOP, limit=MOST_ORDERS):
        answer = lane.event()
        found.setdefault(str(answer.parentid), Counter())[answer.type] += lane.deliveries
    return found


def report(orders: list[str], found: Mapping[str, Counter[str]]) -> bool:
    """Print the table of endings, and return whether every order ended once."""
    ends = sum((found.get(order, Counter[str]()) for order in orders), Counter[str]())
    missing = [order for order in orders if order not in found]
    twice = [order for order in orders if order in found and found[order].total() > 1]
    for ending, count in sorted(ends.items(), reverse=True):
        print(f"{count:>7}  {ending}")
    print(f"{len(orders):>7}  orders, of which {len(missing)} have no ending and {len(twice)} more than one")
    for what, which in (("No ending", missing), ("More than one ending", twice)):
        if which:
            print(f"{what}: {', '.join(which)}")
    return not (missing or twice)


async def main(url: str) -> int:
    async with store_at(url) as store:
        return 0 if report(ordered(), await endings(store)) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
