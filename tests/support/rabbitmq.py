"""A real RabbitMQ server for tests: Debian's `rabbitmq-server`, on free loopback ports, in a folder of its own.

It needs no service and no root. Stop and start it to see what clients make of that; what it has confirmed it keeps.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

_PATIENCE_SECONDS = 60
_PLACES = ("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin", "/opt/rabbitmq/sbin")


class RabbitServer:
    """A node with its data in `folder`. `settings` are lines of its configuration."""

    def __init__(self, folder: Path, settings: str) -> None:
        self._folder = folder
        self._programs = _programs()
        self.port, distribution, self._names_port = _free_ports(3)
        self._systems = (f"system-{number}" for number in itertools.count())
        self._process: subprocess.Popen[Any] | None = None
        (folder / "rabbitmq.conf").write_text(f"{settings}\n", encoding="utf-8")
        (folder / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"arvo-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            # Small machines share their cores; and Erlang's own name server must end with this one.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def url(self, credentials: str = "guest:guest", vhost: str = "") -> str:
        """The address of the server."""
        return f"amqp://{credentials}@127.0.0.1:{self.port}/{vhost}"

    def new_system(self) -> str:
        """A name that no test has used before."""
        return next(self._systems)

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl`."""
        command = [str(self._programs / "rabbitmqctl"), "-n", self._environment["RABBITMQ_NODENAME"], *arguments]
        subprocess.run(command, env=self._environment, check=True, capture_output=True, timeout=_PATIENCE_SECONDS)

    def start(self) -> None:
        """Start, and return once it takes connections."""
        with (self._folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [str(self._programs / "rabbitmq-server")],
                env=self._environment,
                stdout=out,
                stderr=out,
                cwd=self._folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop, dropping all connections; with SIGKILL as in a crash."""
        if self._process is not None:
            os.killpg(self._process.pid, how)
            self._process.wait(_PATIENCE_SECONDS)
            self._process = None

    def crash(self) -> None:
        """Stop at once."""
        self.stop(signal.SIGKILL)

    def end(self) -> None:
        """Stop for good, with Erlang's name server, which is started beside it."""
        self.stop()
        subprocess.run(
            [shutil.which("epmd") or "epmd", "-port", str(self._names_port), "-kill"], check=False, capture_output=True
        )

    def log(self) -> str:
        """What it has said."""
        return (self._folder / "out").read_text(encoding="utf-8")

    def _answers(self) -> bool:
        """Whether it speaks AMQP: it answers a version that it does not know with the one that it does."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"AMQP\x00\x00\x00\x00")
                return connection.recv(4) == b"AMQP"
        except OSError:
            return False


@contextmanager
def running_rabbitmq(settings: str = "") -> Generator[RabbitServer]:
    """A server that runs until the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="arvo-rabbitmq-"))
    try:
        server = RabbitServer(folder, settings)
        try:
            server.start()
            yield server
        finally:
            server.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def rabbitmq() -> Generator[RabbitServer]:
    """One server for all tests of this process."""
    with running_rabbitmq() as server:
        yield server


def _programs() -> Path:
    """Where the server's programs are. Those in the PATH of Debian insist on being root or its own user."""
    for place in _PLACES:
        found = sorted(
            Path("/").glob(place.lstrip("/")), key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))]
        )
        if found:
            return found[-1]
    beside = shutil.which("rabbitmq-server")
    if beside is None:
        pytest.fail(
            "No rabbitmq-server was found. Run: make rabbitmq (or install it: apt-get install rabbitmq-server)",
            pytrace=False,
        )
    return Path(beside).parent


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
