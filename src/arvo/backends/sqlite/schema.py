"""The tables of each part of Arvo that a SQLite file may hold, and how a connection to them is opened.

The tables are made by the numbered files under `migrations/<part>`; `arvo_schema` has one version for each part.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from arvo.backends.sqlite.diagnosis import backend_error
from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MACHINE_MEMORY", "STORE", "Part", "migrate", "open_for_reading", "open_for_writing", "version_in"]


@dataclass(frozen=True)
class Part:
    """Tables that belong together and have one version: that of the last of their migrations."""

    name: str

    @cached_property
    def migrations(self) -> tuple[tuple[str, ...], ...]:
        """The statements of each migration, in order."""
        folder = files("arvo.backends.sqlite") / "migrations" / self.name
        numbered = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
        return tuple(tuple(_statements(file.read_text(encoding="utf-8"))) for file in numbered)

    @property
    def version(self) -> int:
        """The version that this code works with."""
        return len(self.migrations)


MACHINE_MEMORY = Part("machine_memory")
STORE = Part("store")

_RETRY_SECONDS = 0.02
_CACHE_KIBIBYTES = 32 * 1024
# Writing back less often spares the pages that change again meanwhile; the log is then some 16 MB.
_PAGES_BETWEEN_CHECKPOINTS = 4000
_PREPARED_STATEMENTS = 512


def open_for_writing(
    path: Path, part: Part, connection_class: type[sqlite3.Connection], busy_timeout_seconds: float
) -> sqlite3.Connection:
    """Open the file, made and brought up to date when needed; raise BackendError when it is newer than this code."""
    connection = _connect(path, connection_class, busy_timeout_seconds)
    try:
        _use_write_ahead_log(connection, path, busy_timeout_seconds)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}")
        migrate(connection, path, part)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(
    path: Path, connection_class: type[sqlite3.Connection], busy_timeout_seconds: float
) -> sqlite3.Connection:
    """Open a file that `open_for_writing` has prepared."""
    connection = _connect(path, connection_class, busy_timeout_seconds)
    connection.execute("PRAGMA query_only = ON")
    return connection


def version_in(path: Path, part: Part) -> int:
    """Return the version of a part's tables in a file, 0 when there are none; the file is not made or changed."""
    if not path.exists():
        return 0
    try:
        with closing(_connect(path, sqlite3.Connection, 0)) as connection:
            return _stored_version(connection, path, part)
    except sqlite3.Error as error:
        raise backend_error(error, path) from error


def _connect(path: Path, connection_class: type[sqlite3.Connection], busy_timeout_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=busy_timeout_seconds,
        isolation_level=None,
        factory=connection_class,
        cached_statements=_PREPARED_STATEMENTS,
    )
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    return connection


def _use_write_ahead_log(connection: sqlite3.Connection, path: Path, patience_seconds: float) -> None:
    # SQLite does not wait for other processes when it changes the journal mode, so processes that start together on a
    # new file would fail.
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
    if mode != "wal":
        raise BackendError(
            f"The SQLite file {str(path)!r} is in a place that does not allow write-ahead logging. Several processes "
            "could not share it safely. Move it to a local disk."
        )


def migrate(connection: sqlite3.Connection, path: Path, part: Part) -> int:
    """Bring the tables of a part up to date, and return the version they had (0 when there were none)."""
    version = _stored_version(connection, path, part)
    if version == part.version:
        return version
    connection.execute("BEGIN IMMEDIATE")
    # Read again: another process may have migrated while this one waited to begin.
    version = _stored_version(connection, path, part)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS arvo_schema (part TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL)"
    )
    for statements in part.migrations[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(
        "INSERT INTO arvo_schema VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET version = excluded.version",
        (part.name, part.version),
    )
    connection.execute("COMMIT")
    return version


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: run as a whole it would commit by itself, half-way if it fails."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _stored_version(connection: sqlite3.Connection, path: Path, part: Part) -> int:
    known = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'arvo_schema'"
    if not connection.execute(known).fetchone()[0]:
        return 0
    row = connection.execute("SELECT version FROM arvo_schema WHERE part = ?", (part.name,)).fetchone()
    version = int(row[0]) if row else 0
    if version > part.version:
        raise BackendError(
            f"The SQLite file {str(path)!r} was written by a newer Arvo: its schema has version {version}, this one "
            f"knows up to {part.version}. Upgrade arvo-event-handler here, or name another file."
        )
    return version
