"""A real NATS server with JetStream for tests, on a free loopback port, in a folder of its own.

Stop and start it to see what clients make of that; what it has confirmed it keeps.
"""

from __future__ import annotations

import itertools
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

_PATIENCE_SECONDS = 30
_PROGRAM = Path(sys.executable).parent / "nats-server"


class NatsServer:
    """A server with its data in `folder`. `settings` are lines of its configuration."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.port = _free_port()
        self._folder = folder
        self._names = (f"system-{number}" for number in itertools.count())
        self._process: subprocess.Popen[Any] | None = None
        (folder / "nats.conf").write_text(
            f'listen: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{folder}/data" }}\n{settings}\n',
            encoding="utf-8",
        )

    def url(self, credentials: str = "") -> str:
        """The address of the server."""
        return f"nats://{credentials and credentials + '@'}127.0.0.1:{self.port}"

    def new_system(self) -> str:
        """A name that no test has used before."""
        return next(self._names)

    def start(self) -> None:
        """Start, and return once it takes connections."""
        with (self._folder / "log").open("ab") as log:
            command = [str(_PROGRAM), "-c", str(self._folder / "nats.conf")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop, dropping all connections; with SIGKILL as in a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE_SECONDS)
            self._process = None

    def crash(self) -> None:
        """Stop at once."""
        self.stop(signal.SIGKILL)

    def log(self) -> str:
        """What it has said."""
        return (self._folder / "log").read_text(encoding="utf-8")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False


@contextmanager
def running_nats(settings: str = "") -> Generator[NatsServer]:
    """A server that runs until the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="arvo-nats-"))
    try:
        server = NatsServer(folder, settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def nats() -> Generator[NatsServer]:
    """One server for all tests of this process."""
    with running_nats() as server:
        yield server


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
