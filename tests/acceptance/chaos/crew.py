"""The worker processes of a chaos run: started, killed, replaced, and told to end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from types import TracebackType
    from typing import Self

__all__ = ["Crew"]

_PATIENCE_SECONDS = 30.0
_STORE_AWAY_PAUSE_SECONDS = 0.3


class Crew:
    """Keeps `size` workers running on the store at `url` while the block lasts, as a supervisor of services would.

    A worker that ends although nobody killed it, and not because its store was away, ends the whole run.
    """

    def __init__(self, size: int, log: Path, url: str) -> None:
        self.started = 0
        self._command = [sys.executable, "-m", "tests.acceptance.chaos.worker", str(log), url]
        # Who may be killed at any time has no use for measuring what code it ran.
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        self._places: list[Process | None] = [None] * size
        self._spared: set[int] = set()
        self._leaving = False
        self._keepers: asyncio.TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._keepers = await asyncio.TaskGroup().__aenter__()
        for place in range(len(self._places)):
            self._keepers.create_task(self._keep(place))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._keepers is not None
        self._leaving = True
        try:
            if kind is None:
                for process in self._places:
                    if process is not None and process.returncode is None:
                        process.terminate()
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._keepers.__aexit__(None, None, None)
            else:
                await self._keepers.__aexit__(kind, error, traceback)
        finally:
            for process in self._places:
                if process is not None and process.returncode is None:
                    process.kill()
                    await process.wait()

    def kill(self, which: float) -> bool:
        """Kill the worker that this number between 0 and 1 means; False when there is none that may be."""
        able = [
            process
            for process in self._places
            if process is not None and process.pid not in self._spared and not _is_stopped(process.pid)
        ]
        if not able:
            return False
        able[int(which * len(able))].kill()
        return True

    def spare(self, pid: int) -> None:
        """Do not kill this worker."""
        self._spared.add(pid)

    def give_up(self, pid: int) -> None:
        """It may be killed again."""
        self._spared.discard(pid)

    async def _keep(self, place: int) -> None:
        while not self._leaving:
            process = await asyncio.create_subprocess_exec(
                *self._command, env=self._environment, stderr=asyncio.subprocess.PIPE
            )
            self._places[place] = process
            self.started += 1
            _, errors = await process.communicate()
            self._places[place] = None
            code = process.returncode
            if code == os.EX_UNAVAILABLE:
                await asyncio.sleep(_STORE_AWAY_PAUSE_SECONDS)
            elif code == -signal.SIGKILL:
                await asyncio.sleep(random.uniform(0, 0.5))
            elif not self._leaving or code not in (os.EX_OK, -signal.SIGTERM):
                raise AssertionError(f"A worker ended by itself with {code}: {errors.decode()[-4000:]}")


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"
    except FileNotFoundError:
        return False
