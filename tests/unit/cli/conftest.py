"""A folder with an app in it, and the commands run there: in this process, or in one of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from arvo.cli import main

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

SHOP = Path(__file__).with_name("shop.py")


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str
    both: str = ""
    """Both streams as one, in the order in which they were written."""

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects of the lines on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Those of one kind."""
        return [each for each in self.objects if each["kind"] == kind]


class Project:
    """The folder of the test, which is also the working directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command = [sys.executable, "-m", "arvo"]

    def write(self, name: str, *lines: Mapping[str, Any] | str | bytes) -> None:
        """Write a file of lines, each an event as a mapping or as it stands."""
        raw = [
            line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
            for line in lines
        ]
        (self.folder / name).write_bytes(b"".join(line + b"\n" for line in raw))

    def arvo(self, *arguments: str, given: str | None = None, **environment: str) -> Done:
        """Run `arvo` in this process, with `given` on its standard input."""
        done = CliRunner(env=environment).invoke(main, arguments, input=given)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.exit_code, done.stdout, done.stderr, done.output)

    def run(self, *arguments: str, **environment: str) -> Done:
        """Run `arvo run shop:app` over the file `events.jsonl` in this process."""
        return self.arvo("run", "shop:app", "--events", "events.jsonl", *arguments, **environment)

    def start(
        self, *arguments: str, stdin: int | IO[bytes] = subprocess.DEVNULL, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start `arvo` in a process of its own."""
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def spawn(self, *arguments: str, given: bytes | None = None, **environment: str) -> Done:
        """Run `arvo` in a process of its own, with `given` piped into it."""
        stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
        with self.start(*arguments, stdin=stdin, environment=environment) as process:
            out, err = process.communicate(given, timeout=60)
        return Done(process.returncode, out.decode(), err.decode())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Project]:
    """A folder with `shop.py` in it, imported afresh."""
    (tmp_path / "shop.py").write_text(SHOP.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield Project(tmp_path)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
