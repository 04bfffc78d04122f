"""How the driver talks to the process that it times: one JSON document a line, question and answer in turn.

`answer_questions` is the side of our process (that of node is in `protocol.cjs`), `Worker` the driver's. A worker says
who it is when it is ready. Until its input ends, a worker that `serve`s cases answers `{"case", "iterations"}` with the
nanoseconds that the runs alone took, and `{"show"}` with the event that a case makes.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from types import TracebackType

CHUNK = 500
ROOT = Path(__file__).parents[1]


def environment() -> dict[str, str]:
    """That of a process which imports this package of benchmarks."""
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{path}" if path else str(ROOT)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to time: what it needs, made beforehand and outside the clock, and the run itself."""

    prepare: Callable[[int], Any]
    run: Callable[[Any], Any] | None = None
    run_async: Callable[[Any], Awaitable[Any]] | None = None

    async def once(self) -> Any:
        """The result of one run."""
        given = self.prepare(0)
        return await self.run_async(given) if self.run_async else self.run(given) if self.run else None

    async def nanoseconds(self, iterations: int) -> int:
        """How long `iterations` runs take, each on an input of its own."""
        total = 0
        for done in range(0, iterations, CHUNK):
            given = [self.prepare(index) for index in range(done, min(done + CHUNK, iterations))]
            total += await self._time_async(given) if self.run_async else self._time(given)
        return total

    def _time(self, given: Iterable[Any]) -> int:
        run = self.run
        assert run
        start = time.perf_counter_ns()
        for each in given:
            run(each)
        return time.perf_counter_ns() - start

    async def _time_async(self, given: Iterable[Any]) -> int:
        run = self.run_async
        assert run
        start = time.perf_counter_ns()
        for each in given:
            await run(each)
        return time.perf_counter_ns() - start


async def serve(cases: Mapping[str, Case], *, versions: Sequence[str]) -> None:
    """Time cases for the driver until it hangs up."""

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        if "show" in question:
            made = await cases[question["show"]].once()
            return {"event": json.loads(made) if isinstance(made, bytes) else made.to_dict()}
        return {"nanoseconds": await cases[question["case"]].nanoseconds(question["iterations"])}

    await answer_questions(answer, versions=versions)


async def answer_questions(
    answer: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]], *, versions: Sequence[str]
) -> None:
    """Answer the driver on stdin and stdout until it hangs up."""
    _say({"runtime": f"{platform.python_implementation()} {platform.python_version()}", "versions": versions})
    questions = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    while line := await questions.readline():
        _say(await answer(json.loads(line)))


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


class Worker:
    """A process with the cases in it, for the time of a `with` block."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
            start_new_session=True,  # Ctrl-C is for the driver, which then ends its workers.
        )

    def __enter__(self) -> Worker:
        hello = self.hear()
        self._name = f"{hello['runtime']} ({', '.join(hello['versions'])})"
        return self

    def __str__(self) -> str:
        return self._name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.communicate()

    def nanoseconds(self, case: str, iterations: int) -> int:
        """How long `iterations` runs of a case take over there, preparation left out."""
        return int(self.ask({"case": case, "iterations": iterations})["nanoseconds"])

    def show(self, case: str) -> dict[str, Any]:
        """The event that a case makes over there."""
        event: dict[str, Any] = self.ask({"show": case})["event"]
        return event

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the process to a question of any kind."""
        self.tell(question)
        return self.hear()

    def tell(self, question: Mapping[str, Any]) -> None:
        """Ask without waiting for the answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The next answer."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"A benchmark process ended early, with exit code {self._process.wait()}.")
        answer: dict[str, Any] = json.loads(line)
        return answer
