"""The tables of the machine memory, and how a connection to them is opened.

The file may hold other parts of Arvo as well: `arvo_schema` has one version per part.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from arvo.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SCHEMA_VERSION", "open_for_reading", "open_for_writing"]

_PART = "machine_memory"
SCHEMA_VERSION = 1
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # TEXT keeps the members of a record in the order in which they were written.
        "CREATE TABLE machine_records (id TEXT PRIMARY KEY NOT NULL, data TEXT NOT NULL, updated_at TEXT NOT NULL)",
        # Seconds since 1970: every process on the file must agree when a lock expires.
        "CREATE TABLE machine_locks (id TEXT PRIMARY KEY NOT NULL, holder TEXT NOT NULL, expires_at REAL NOT NULL)",
    ),
)
_RETRY_SECONDS = 0.02


def open_for_writing(
    path: Path, connection_class: type[sqlite3.Connection], busy_timeout_seconds: float
) -> sqlite3.Connection:
    """Open the file, made and brought up to date when needed; raise BackendError when it is newer than this code."""
    connection = _connect(path, connection_class, busy_timeout_seconds)
    try:
        _use_write_ahead_log(connection, path, busy_timeout_seconds)
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection, path)
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


def _connect(path: Path, connection_class: type[sqlite3.Connection], busy_timeout_seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=busy_timeout_seconds, isolation_level=None, factory=connection_class)


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


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _stored_version(connection, path) == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    # Read again: another process may have migrated while this one waited to begin.
    version = _stored_version(connection, path)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS arvo_schema (part TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL)"
    )
    for statements in _MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(
        "INSERT INTO arvo_schema VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET version = excluded.version",
        (_PART, SCHEMA_VERSION),
    )
    connection.execute("COMMIT")


def _stored_version(connection: sqlite3.Connection, path: Path) -> int:
    known = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'arvo_schema'"
    if not connection.execute(known).fetchone()[0]:
        return 0
    row = connection.execute("SELECT version FROM arvo_schema WHERE part = ?", (_PART,)).fetchone()
    version = int(row[0]) if row else 0
    if version > SCHEMA_VERSION:
        raise BackendError(
            f"The SQLite file {str(path)!r} was written by a newer Arvo: its schema has version {version}, this one "
            f"knows up to {SCHEMA_VERSION}. Upgrade arvo-event-handler here, or name another file."
        )
    return version
