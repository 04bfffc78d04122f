"""`arvo run --store` in processes of its own: killed in the middle of two hundred orders, and stopped in good order."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from arvo.backends.sqlite import SqliteStore
from arvo.events import Subject
from arvo.ports import WorkflowStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from arvo.ports import Store

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "tests" / "unit" / "cli" / "shop.py"
STORE = ("--store", "sqlite:///orders.db")
ORDERS = 200
PATIENCE_SECONDS = 60
T = TypeVar("T")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with an app whose handlers do what the events tell them."""
    (tmp_path / "shop.py").write_text(SHOP.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def write_lines(folder: Path, lines: Iterable[dict[str, object]]) -> None:
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "arvo", "run", "shop:app", *STORE, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def ended_orders(store: Store) -> list[str]:
    """The ids of the requests whose workflows have ended, once for each workflow."""
    workflows = await store.workflows(status=WorkflowStatus.DONE, limit=10 * ORDERS)
    return [str(Subject.parse(workflow.subject).execution_id) for workflow in workflows]


async def answers(store: Store) -> Counter[str]:
    """How many events each order sent to the shop that had asked for it, by subject."""
    counts: Counter[str] = Counter()
    for lane in await store.lanes("com.shop.web", limit=10 * ORDERS):
        counts[str(lane.event().subject)] += lane.deliveries
    return counts


def look(folder: Path, ask: Callable[[Store], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with SqliteStore(folder / "orders.db") as store:
            return await ask(store)

    return asyncio.run(opened())


def test_a_worker_killed_in_the_middle_loses_nothing_and_doubles_nothing(shop: Path) -> None:
    write_lines(
        shop,
        (
            {
                "id": f"order-{number}",
                "type": "arvo.orc.order",
                "source": "com.shop.web",
                "data": {"cents": 1, "how": "slowly"},
            }
            for number in range(ORDERS)
        ),
    )

    def some_ended() -> bool:
        return (shop / "started").exists() and len(look(shop, ended_orders)) >= ORDERS // 10

    with start(shop, "--events", "events.jsonl") as first:
        wait_until(some_ended, first)
        first.kill()
    assert first.returncode == -signal.SIGKILL
    before = len(look(shop, ended_orders))
    assert ORDERS // 10 <= before < ORDERS

    with start(shop, "--events", "events.jsonl", "--json") as second:
        out, err = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 0, err
    summary = json.loads(out)
    assert summary["taken_in"] + summary["known"] == ORDERS
    assert summary["dead_letters"] == summary["refused"] == 0
    ended = look(shop, ended_orders)
    assert len(ended) == len(set(ended)) == ORDERS
    assert sorted(look(shop, answers).values()) == [1] * ORDERS


def test_sigterm_ends_a_worker_with_success_when_its_work_is_done(shop: Path) -> None:
    write_lines(shop, [{"id": "a", "type": "com.card.charge", "data": {"cents": 1, "how": "slowly"}}])
    with start(shop, "--events", "events.jsonl", "--sources", "com.audit.log") as feeding:
        assert feeding.wait(PATIENCE_SECONDS) == 0
    with start(shop) as worker:
        wait_until((shop / "started").exists, worker)
        worker.terminate()
        out, _ = worker.communicate(timeout=PATIENCE_SECONDS)
    assert worker.returncode == 0
    assert out.startswith("Stopped by SIGTERM after ")
    assert out.endswith(" s: 1 deliveries.\n")


def test_a_second_signal_ends_a_worker_at_once_and_nothing_is_lost(shop: Path) -> None:
    write_lines(shop, [{"id": "a", "type": "com.card.charge", "data": {"cents": 1, "how": "hanging"}}])
    with start(shop, "--events", "events.jsonl") as worker:
        wait_until((shop / "started").exists, worker)
        worker.send_signal(signal.SIGINT)
        time.sleep(0.3)
        worker.send_signal(signal.SIGINT)
        _, err = worker.communicate(timeout=PATIENCE_SECONDS)
    assert worker.returncode == 130
    assert "Whatever else it had begun, the next worker begins." in err

    async def queued(store: Store) -> int:
        return sum(queue.deliveries for queue in await store.queues() if queue.handler == "com.card.charge")

    assert look(shop, queued) == 1
