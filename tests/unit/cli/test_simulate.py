"""`arvo simulate`: what it prints, how it exits, and what it says about wrong uses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from arvo.cli import main

ROOT = Path(__file__).parents[3]
ORDERS = "examples.orders.app:app"
BROKEN = """
from examples.orders.app import app as orders
from examples.orders.card import CardCharged
from arvo import App

def make_app():
    app = App(handlers=orders.handlers)

    @app.invariant
    def nothing_is_charged(system):
        assert not system.payloads(CardCharged), "charged"

    return app

def no_app():
    return None
"""


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments])


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    (tmp_path / "broken_orders.py").write_text(BROKEN, encoding="utf-8")
    lines = (ROOT / "examples/orders/orders.jsonl").read_text(encoding="utf-8").splitlines()[:5]
    (tmp_path / "five.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_it_sums_up_what_was_simulated() -> None:
    done = simulate(ORDERS, "--seeds", "5")
    assert done.exit_code == 0
    assert "5 seeds, " in done.stdout
    assert "workflows/s" in done.stdout
    assert "Every promise was kept." in done.stdout
    assert "4 of 200 events for each seed, 3 workers" in done.stderr


def test_one_seed_prints_its_log() -> None:
    done = simulate(ORDERS, "--seed", "3", "--faults", "none")
    assert "publish e1:arvo.orc.order" in done.stdout
    assert "Faults: none." in done.stdout


def test_a_broken_promise_is_shown_short_with_what_repeats_it(here: Path) -> None:
    del here
    done = simulate("broken_orders:make_app", "--seeds", "5")
    assert done.exit_code == 1
    assert "nothing_is_charged: AssertionError: charged" in done.stdout
    assert "(1 events, 0 faults, 1 workers" in done.stdout
    repeat = done.stdout.strip().splitlines()[-1].removeprefix("Repeat it: ").split()
    again = simulate(*repeat[2:])
    assert again.exit_code == 1
    assert again.stdout.splitlines()[2:] == done.stdout.splitlines()[2:]


def test_as_json_all_of_it_is_one_object() -> None:
    good = json.loads(simulate(ORDERS, "--seeds", "3", "--json").stdout)
    assert (good["good"], good["seeds"], set(good["faults"])) == (True, 3, {*good["faults"], "crash"})
    bad = json.loads(simulate("broken_orders:make_app", "--seeds", "3", "--faults", "delay", "--json").stdout)
    assert bad["violations"][0]["rule"] == "the app's own invariants hold"
    assert "--faults delay" in bad["repeat"]
    assert bad["shortest"]


def test_many_seeds_are_run_in_several_processes_and_told_in_order() -> None:
    done = simulate("broken_orders:make_app", "--seeds", "100", "--jobs", "2", "--no-shrink")
    assert "Seed 0 breaks a promise" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([ORDERS, "--faults", "meteor"], "There is no fault 'meteor'"),
        ([ORDERS, "--seed", "1", "--seeds", "2"], "Give one of them"),
        ([ORDERS, "--workload", "missing.jsonl"], "missing.jsonl cannot be read"),
        ([ORDERS, "--workload", "examples/orders/app.py"], "app.py, line 1:"),
        ([ORDERS, "--workload", "/dev/null"], "holds no events"),
        (["broken_orders:no_app", "--workload", "examples/orders/orders.jsonl"], "returned a NoneType, not an App"),
        (["arvo.cli.main:nothing"], "has no 'nothing'"),
        (["tests.unit.testing.simulation.small:an_app"], "Say with --workload FILE"),
    ],
)
def test_what_cannot_be_simulated_is_told(arguments: list[str], told: str) -> None:
    done = simulate(*arguments)
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.split())
