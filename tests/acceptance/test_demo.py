"""`make demo` is what a newcomer runs first: it says what it does, shows each kind of order, and ends well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KINDS = (
    "  = #10 arvo.orc.order.done",
    "  = #12 arvo.orc.order.done",
    '{"reason":"card declined: insufficient funds"}',
    '{"reason":"cable is out of stock"}',
    '{"reason":"nothing can be sent to AQ, the carrier broke down with KeyError: \'AQ\'"}',
    '{"reason":"mara said no: too much for one order"}',
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What the command of the demo printed; run as the Makefile does, but for the place of the memory."""
    rule = (ROOT / "Makefile").read_text(encoding="utf-8").split("\ndemo:")[1].split("\n\n")[0]
    arguments = next(line for line in rule.splitlines() if "/arvo run" in line).split()[1:]
    memory = tmp_path_factory.mktemp("demo") / "memory.db"
    arguments[arguments.index("--memory") + 1] = f"sqlite:///{memory}"
    return subprocess.run(
        [sys.executable, "-m", "arvo", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_demo_ends_well_with_all_orders_counted(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stderr
    assert "\n200 inputs in " in demo.stdout
    assert "  arvo.orc.order.done       167\n  arvo.orc.order.failed      33\n" in demo.stdout


def test_the_demo_shows_one_order_of_each_kind(demo: subprocess.CompletedProcess[str]) -> None:
    shown = [block for block in demo.stdout.split("\n\n") if "at ms" in block]
    assert len(shown) == len(KINDS)
    assert [kind for kind in KINDS if not any(kind in block for block in shown)] == []


def test_the_timelines_of_the_demo_fit_into_a_hundred_columns(demo: subprocess.CompletedProcess[str]) -> None:
    assert max(map(len, demo.stdout.splitlines())) <= 100


def test_the_demo_warns_of_the_broken_carrier_in_a_line_and_without_a_traceback(
    demo: subprocess.CompletedProcess[str],
) -> None:
    rows = [row for row in demo.stderr.splitlines() if "inputs done" not in row]
    assert "KeyError: 'AQ' (examples/orders/shipping.py, line " in rows[0]
    assert "Traceback" not in demo.stderr
    assert len(rows) == 8


def test_the_statechart_of_the_demo_ends_as_many_orders(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "arvo", "run", "examples.orders.app_machine:app", "--timeline", "none"),
            *("--events", "examples/orders/orders.jsonl", "--memory", f"sqlite:///{tmp_path / 'orders.db'}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "  arvo.orc.order.done       167\n  arvo.orc.order.failed      33\n" in done.stdout
