"""What is going on in a store at a glance: gathered, and laid out for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from arvo.cli.console import visible
from arvo.cli.operate.duration import brief
from arvo.cli.operate.table import table
from arvo.ports import WorkflowStatus
from arvo.ports.store.inspection import LATELY
from arvo.runtime.worker.routes import LATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from arvo.ports import QueueStatus, Store, StoreCounts, WorkerStatus

__all__ = ["StoreStatus", "status_members", "status_of", "status_rows"]

SILENT: Final = timedelta(seconds=15)
"""A worker gives a sign of life every five seconds, so one that was silent for so long hangs or is gone."""
MOST_ADDRESSES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """One look at a store; its parts were read one after the other."""

    at: datetime
    queues: Sequence[QueueStatus]
    workers: Sequence[WorkerStatus]
    counts: StoreCounts

    @property
    def served(self) -> frozenset[str]:
        """The addresses that some worker serves."""
        return frozenset(address for worker in self.workers for address in worker.info.handlers)

    @property
    def unserved(self) -> tuple[str, ...]:
        """The addresses for which something waits, and which no worker serves."""
        return tuple(queue.handler for queue in self.queues if queue.handler not in self.served)


async def status_of(store: Store) -> StoreStatus:
    """Look at a store."""
    return StoreStatus(
        at=datetime.now(UTC),
        queues=await store.queues(),
        workers=await store.workers(),
        counts=await store.counts(),
    )


def status_rows(status: StoreStatus) -> Iterator[str]:
    """The status for people."""
    yield from _titled("Queues", _queue_rows(status), "nothing waits")
    yield from _titled("Workers", _worker_rows(status), "none")
    counts = status.counts
    workflows = ", ".join(f"{counts.workflows.get(each, 0)} {each}" for each in WorkflowStatus)
    yield _line("Workflows", workflows)
    yield _line("Dead letters", str(counts.dead_letters), "arvo dead-letters list" if counts.dead_letters else "")
    domains = ", ".join(f"{number} in {visible(domain)}" for domain, number in counts.waiting.items())
    yield _line("Inbox", domains or "nothing waits for an answer", "arvo inbox list" if domains else "")
    rate = counts.taken_lately / LATELY.total_seconds()
    yield _line("Lately", f"{counts.taken_lately} events done with in the past minute, {rate:.1f} a second")
    if status.unserved:
        yield ""
        names = ", ".join(map(visible, status.unserved[:MOST_ADDRESSES]))
        more = f" and {len(status.unserved) - MOST_ADDRESSES} more" if len(status.unserved) > MOST_ADDRESSES else ""
        text = f"No worker serves {names}{more}. What is in such a queue waits until somebody takes it."
        yield click.style(text, fg="yellow")


def _queue_rows(status: StoreStatus) -> list[str]:
    if not status.queues:
        return []
    header = ("ready", "leased", "retrying", "events", "timers", "oldest", "address", "")
    rows = [
        (
            queue.ready,
            queue.leased,
            queue.retrying,
            queue.deliveries,
            queue.timers,
            brief(queue.oldest),
            queue.handler,
            "" if queue.handler in status.served else "nobody serves it",
        )
        for queue in status.queues
    ]
    return list(table(header, rows, right=range(6), indent="  "))


def _worker_rows(status: StoreStatus) -> list[str]:
    if not status.workers:
        return []
    header = ("host", "pid", "alive for", "silent for", "leases", "serves")
    rows = [
        (
            worker.info.host,
            worker.info.pid,
            brief(status.at - worker.started_at),
            f"{brief(worker.silent_for)}{' !' if worker.silent_for > SILENT else ''}",
            worker.leases,
            ", ".join(address for address in worker.info.handlers if address != LATE),
        )
        for worker in status.workers
    ]
    return list(table(header, rows, right=range(1, 5), indent="  "))


def _titled(title: str, rows: Sequence[str], without: str) -> Iterator[str]:
    if not rows:
        yield _line(title, without)
        return
    yield click.style(title, bold=True)
    yield from rows


def _line(title: str, text: str, command: str = "") -> str:
    styled = click.style(title.ljust(14), bold=True)
    return f"{styled}{text}{f'  ({command})' if command else ''}"


def status_members(status: StoreStatus) -> dict[str, Any]:
    """The status as the members of a JSON object."""
    return {
        "at": status.at,
        "queues": [
            {
                "address": queue.handler,
                "served": queue.handler in status.served,
                "ready": queue.ready,
                "leased": queue.leased,
                "retrying": queue.retrying,
                "events": queue.deliveries,
                "timers": queue.timers,
                "oldest_seconds": round(queue.oldest.total_seconds(), 3),
            }
            for queue in status.queues
        ],
        "workers": [
            {
                "id": worker.info.id,
                "host": worker.info.host,
                "pid": worker.info.pid,
                "started_at": worker.started_at,
                "silent_seconds": round(worker.silent_for.total_seconds(), 3),
                "leases": worker.leases,
                "serves": worker.info.handlers,
            }
            for worker in status.workers
        ],
        "workflows": {each.value: status.counts.workflows.get(each, 0) for each in WorkflowStatus},
        "dead_letters": status.counts.dead_letters,
        "inbox": dict(status.counts.waiting),
        "taken_in_past_minute": status.counts.taken_lately,
        "unserved": status.unserved,
    }
