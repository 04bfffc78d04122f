"""Ctrl-C and SIGTERM in the middle of a run: it ends soon, says what is left, and the memory can be gone on with."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "tests" / "unit" / "cli" / "shop.py"
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SOON_SECONDS = 3.0
"""Two, and one that other work on the machine may cost."""


@pytest.fixture(params=CODES, ids=lambda number: number.name)
def stop(request: pytest.FixtureRequest) -> signal.Signals:
    """The signal that stops the run."""
    number: signal.Signals = request.param
    return number


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with an app whose handlers do what the events tell them."""
    (tmp_path / "shop.py").write_text(SHOP.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def write_charges(folder: Path, *how: str) -> None:
    lines = [
        {"id": f"charge-{number}", "type": "com.card.charge", "data": {"cents": 1, "how": each}}
        for number, each in enumerate(how, 1)
    ]
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def heeding_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Running:
    """A run in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "arvo", "run", *arguments],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Whoever started the tests may ignore Ctrl-C, as shells do in the background, and that is inherited.
            preexec_fn=heeding_ctrl_c,
        )

    def wait_for(self, path: Path) -> None:
        """Return once the file is there."""
        while not path.exists():
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def stopped_by(self, number: signal.Signals) -> tuple[str, str]:
        """What it says after the signal; it must have ended soon and with the code of that signal."""
        sent_at = time.monotonic()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        took = time.monotonic() - sent_at
        assert self.process.returncode == CODES[number], err
        assert took < SOON_SECONDS
        assert "Traceback" not in err
        return out, err


@pytest.fixture
def running() -> Generator[list[Running]]:
    """Runs that are ended with the test, however it ends."""
    runs: list[Running] = []
    yield runs
    for each in runs:
        each.process.kill()
        each.process.communicate()


def started(runs: list[Running], folder: Path, *arguments: str) -> Running:
    runs.append(Running(folder, *arguments))
    return runs[-1]


def test_what_is_nearly_done_is_finished(running: list[Running], shop: Path, stop: signal.Signals) -> None:
    write_charges(shop, *["slowly"] * 100)
    run = started(running, shop, "shop:app", "--events", "events.jsonl", "--at-once", "2")
    run.wait_for(shop / "started")
    out, _ = run.stopped_by(stop)
    assert f"Stopped by {stop.name}. Inputs not finished: 0. Nothing after line " in out
    assert "ended as" in out


def test_what_does_not_end_in_time_is_named(running: list[Running], shop: Path, stop: signal.Signals) -> None:
    write_charges(shop, "well", "hanging", "well")
    run = started(running, shop, "shop:app", "--events", "events.jsonl", "--at-once", "1")
    run.wait_for(shop / "started")
    out, _ = run.stopped_by(stop)
    assert "  = not finished\n" in out
    assert (
        f"Stopped by {stop.name}. Inputs not finished: 1 (line 2). Nothing after line 2 was taken in. "
        "Stopped with 1 events unfinished: 1 running.\n"
    ) in out


@pytest.mark.parametrize("how", ["blocking", "in a thread"])
def test_a_handler_that_blocks_cannot_keep_the_process(
    running: list[Running], shop: Path, stop: signal.Signals, how: str
) -> None:
    write_charges(shop, how)
    run = started(running, shop, "shop:app", "--events", "events.jsonl")
    run.wait_for(shop / "started")
    out, err = run.stopped_by(stop)
    assert f"Stopped by {stop.name}: something in the app did not give way, so it was cut off." in err
    assert "Inputs not finished: 1 (line 1)." in out + err


def test_a_run_that_waits_for_its_input_is_stopped(running: list[Running], shop: Path, stop: signal.Signals) -> None:
    run = started(running, shop, "shop:app", "--events", "-")
    assert run.process.stdin is not None
    assert run.process.stdout is not None
    run.process.stdin.write('{"type": "com.card.charge", "data": {"cents": 1}}\n')
    run.process.stdin.flush()
    run.process.stdout.readline()
    out, err = run.stopped_by(stop)
    assert "1 input in " in out
    assert err == ""


def test_a_second_signal_ends_the_process_at_once(running: list[Running], shop: Path) -> None:
    write_charges(shop, "hanging")
    run = started(running, shop, "shop:app", "--events", "events.jsonl")
    run.wait_for(shop / "started")
    run.process.send_signal(signal.SIGINT)
    sent_at = time.monotonic()
    while run.process.poll() is None:
        run.process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
    assert time.monotonic() - sent_at < 1.0
    assert run.process.returncode == 130


def test_ctrl_c_while_the_app_is_imported_ends_without_a_traceback(running: list[Running], tmp_path: Path) -> None:
    source = "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(60)\n"
    (tmp_path / "slow.py").write_text(source, encoding="utf-8")
    run = started(running, tmp_path, "slow:app", "--events", "-")
    run.wait_for(tmp_path / "started")
    assert run.stopped_by(signal.SIGINT) == ("", "")


def test_a_run_that_waits_for_a_locked_memory_is_stopped(
    running: list[Running], shop: Path, stop: signal.Signals
) -> None:
    holder = sqlite3.connect(shop / "orders.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    telling = "from pathlib import Path\nfrom shop import app\nPath('started').touch()\n"
    (shop / "telling.py").write_text(telling, encoding="utf-8")
    run = started(running, shop, "telling:app", "--events", "-", "--memory", "sqlite:///orders.db")
    run.wait_for(shop / "started")
    time.sleep(0.5)  # nothing tells that it waits for the memory by now
    _, err = run.stopped_by(stop)
    holder.close()
    assert err.startswith(("Stopped by", "\nStopped by"))


def test_the_demo_can_be_stopped_in_the_middle_and_gone_on_with(
    running: list[Running], tmp_path: Path, stop: signal.Signals
) -> None:
    memory = tmp_path / "orders.db"
    orders = ROOT / "examples" / "orders" / "orders.jsonl"
    command = ("examples.orders.app:app", "--events", str(orders), "--memory", f"sqlite:///{memory}", "--json")
    run = started(running, ROOT, *command, "--at-once", "4")
    assert run.process.stdout is not None
    for _ in range(60):
        run.process.stdout.readline()
    out, _ = run.stopped_by(stop)
    summary = json.loads(out.splitlines()[-1])
    assert summary["stopped"] == stop.name
    assert 0 < summary["inputs"] < 200
    assert "Nothing after line " in summary["undone"]

    with sqlite3.connect(memory) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()

    done = subprocess.run(
        [sys.executable, "-m", "arvo", "run", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    again = json.loads(done.stdout.splitlines()[-1])
    assert again["inputs"] == 200
    assert sum(again["endings"].values()) == 200
    assert again["endings"]["ignored: the workflow is done"] == summary["inputs"]
    assert done.returncode == 0
