"""The part of `make demo` that kills a worker, as in the README: on SQLite, and on Postgres with one other flag."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.orders.endings import ORDERS, ordered, report
from tests.support.postgres import PostgresServer, postgres

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["postgres"]

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS: Mapping[str, str] = {
    found[1]: found[0]
    for found in re.findall(r"^\$ (python -m examples\S+ --store (\w+)://\S+)$", README, re.MULTILINE)
}


@pytest.fixture(params=["sqlite", "postgresql"])
async def command(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """A command of the README, on a store that is there and empty."""
    words = COMMANDS[request.param].split()
    if request.param == "sqlite":
        words[-1] = f"sqlite:///{tmp_path / 'orders.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        words[-1] = await server.new_database()
    return [sys.executable, *words[1:]]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(180)
def test_each_order_ends_once_although_its_worker_was_killed(command: list[str]) -> None:
    done = run(command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(README.split("$ python -m examples.orders.endings\n")[1].split("```")[0])
    assert "kill -9" in done.stdout
    ended = re.search(r"^(\d+) of 200 orders had ended by then", done.stdout, re.MULTILINE)
    assert ended is not None
    assert 0 < int(ended[1]) < len(ordered(ORDERS))

    again = run(command)
    assert again.returncode == 2
    assert "Give an empty one." in again.stdout


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"a": Counter(done=1)}, "1 have no ending and 0 more than one\nNo ending: b\n"),
        (
            {"a": Counter(done=1), "b": Counter(done=2)},
            "0 have no ending and 1 more than one\nMore than one ending: b\n",
        ),
        ({"a": Counter(done=1), "b": Counter(done=1, failed=1)}, "0 have no ending and 1 more than one\nMore than"),
    ],
    ids=["missing", "the same twice", "two different ones"],
)
def test_the_table_of_endings_tells_what_is_missing_or_there_twice(
    found: dict[str, Counter[str]], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not report(["a", "b"], found)
    assert said in capsys.readouterr().out
