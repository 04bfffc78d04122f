"""A process killed in the middle of its writes leaves a sound file that holds everything it was told was written."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

from arvo.backends.sqlite import SqliteMachineMemory

if TYPE_CHECKING:
    from pathlib import Path

WRITE_ON_AND_ON = """
import asyncio, itertools, sys
from arvo.backends.sqlite import SqliteMachineMemory

async def write(memory, name):
    for number in itertools.count():
        await memory.write(f"{name}-{number}", {"number": number, "filler": "x" * 500}, None)
        print(f"{name}-{number}", flush=True)

async def main(path):
    async with SqliteMachineMemory(path) as memory:
        await asyncio.gather(*(write(memory, name) for name in "abcdefgh"))

asyncio.run(main(sys.argv[1]))
"""


async def test_a_killed_process_loses_nothing_it_was_promised(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    promised = written_before_a_kill(path, at_least=300)

    async with SqliteMachineMemory(path) as memory:
        kept = {id_ async for id_ in memory.ids()}
        assert promised <= kept
        await memory.write("afterwards", {"fine": True}, None)

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def written_before_a_kill(path: Path, *, at_least: int) -> set[str]:
    command = [sys.executable, "-c", WRITE_ON_AND_ON, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(at_least)]
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    return {line.strip() for line in lines if line.endswith("\n")}
