"""A store is operated while a worker works on it, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

DEPOT = Path(__file__).resolve().parents[1] / "unit" / "cli" / "operate" / "depot.py"
PATIENCE_SECONDS = 60
APP = ("--app", "depot:app")
APPROVED = ("--type", "evt.human.ask.approved", "--data")


class Site:
    """A folder with the app and a store in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "ARVO_STORE": "sqlite:///depot.db"}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `arvo`."""
        return subprocess.Popen(
            [sys.executable, "-m", "arvo", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """What `arvo` prints as JSON."""
        with self.start(*arguments, "--json") as process:
            out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, err
        return [json.loads(line) for line in out.splitlines()]

    def take_in(self, *lines: dict[str, Any]) -> None:
        """Store events without working on them."""
        (self.folder / "events.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        self.objects("run", "depot:app", "--events", "events.jsonl", "--sources", "com.post.send")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "depot.py").write_text(DEPOT.read_text(encoding="utf-8"), encoding="utf-8")
    return Site(tmp_path)


@pytest.fixture
def live(site: Site) -> Generator[Site]:
    """With a worker, and a workflow that has asked somebody."""
    site.take_in({"id": "lamp", "type": "arvo.orc.item", "source": "com.web.desk", "data": {"name": "lamp"}})
    with site.start("run", "depot:app") as worker:
        try:
            wait_until(lambda: bool(site.objects("inbox", "list")))
            yield site
        finally:
            worker.terminate()
            worker.communicate(timeout=PATIENCE_SECONDS)
    assert worker.returncode == 0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def status_of(site: Site) -> str:
    (workflow,) = site.objects("workflow", "list")
    return str(workflow["status"])


def test_an_answer_wakes_the_worker_and_the_workflow_ends(live: Site) -> None:
    (status,) = live.objects("status")
    assert [worker["serves"][0] for worker in status["workers"]] == ["arvo.orc.item"]
    (waiting,) = live.objects("inbox", "list")
    (answered,) = live.objects("inbox", "answer", waiting["event_id"], *APP, *APPROVED, '{"by": "mara"}')
    assert answered["served"] is True
    wait_until(lambda: status_of(live) == "done")


def test_a_workflow_that_a_worker_is_just_at_is_cancelled_and_stays_so(live: Site) -> None:
    (waiting,) = live.objects("inbox", "list")
    live.objects("inbox", "answer", waiting["event_id"], *APP, *APPROVED, '{"by": "slow"}')
    wait_until((live.folder / "started").exists)
    (workflow,) = live.objects("workflow", "list")
    (cancelled,) = live.objects("workflow", "cancel", str(workflow["number"]), *APP, "--yes")
    assert cancelled["told"] == ["com.web.desk"]
    (live.folder / "mended").touch()
    wait_until(lambda: not any(worker["leases"] for worker in live.objects("status")[0]["workers"]))
    assert status_of(live) == "cancelled"
    (queue,) = live.objects("status")[0]["queues"]
    assert (queue["address"], queue["events"]) == ("com.web.desk", 1)


def test_ctrl_c_ends_a_command_that_waits_for_a_server(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://shop:secret@127.0.0.1:{server.getsockname()[1]}/orders"
        with site.start("status", ARVO_STORE=url) as process:
            server.settimeout(PATIENCE_SECONDS)
            connection, _ = server.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (130, "", "")
