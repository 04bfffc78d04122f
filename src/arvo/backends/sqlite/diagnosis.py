"""What a failure of SQLite means to the operator, and what to do about it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from arvo.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["backend_error"]

_ADVICE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: (
        "is locked by another process",
        "Close whatever holds it (a shell or a database browser with an open transaction?) and try again",
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written to",
        "Allow this user to write to the file and to its folder, where SQLite keeps the -wal and -shm files",
    ),
    sqlite3.SQLITE_NOTADB: ("is not a SQLite database", "Name another file, or move this one away"),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        "Restore it from a backup, or save what is left with the command .recover of the sqlite3 shell",
    ),
    sqlite3.SQLITE_FULL: ("cannot grow because the disk is full", "Free some space; what was stored before is intact"),
    sqlite3.SQLITE_IOERR: ("could not be read or written", "Check the disk, and that the file is on a local one"),
    sqlite3.SQLITE_TOOBIG: ("cannot hold a record this large", "Keep large data elsewhere and only its address here"),
}
_ADVICE[sqlite3.SQLITE_LOCKED] = _ADVICE[sqlite3.SQLITE_BUSY]
_ADVICE[sqlite3.SQLITE_PERM] = _ADVICE[sqlite3.SQLITE_READONLY]
_PRIMARY_CODE = 0xFF
"""Extended result codes keep the primary one in their lowest byte."""


def backend_error(error: sqlite3.Error, path: Path) -> BackendError:
    """Return the BackendError for a failure of the database at `path`."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY_CODE
    if code == sqlite3.SQLITE_CANTOPEN:
        what, advice = _why_not_opened(path)
    else:
        what, advice = _ADVICE.get(code, ("failed", "Check that no other program changed the file"))
    return BackendError(f"The SQLite file {str(path)!r} {what} ({error}). {advice}.")


def _why_not_opened(path: Path) -> tuple[str, str]:
    if not path.parent.is_dir():
        return "cannot be opened: its folder does not exist", f"Create {str(path.parent)!r}, or name another place"
    if path.is_dir():
        return "cannot be opened: it is a folder", "Name a file in it"
    return "cannot be opened", "Allow this user to read and write the file and its folder, or name another place"
