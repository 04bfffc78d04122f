"""Machine memory and store in one SQLite file: no server, the standard library's driver, shared by processes."""

from arvo.backends.sqlite.machine_memory import SqliteMachineMemory
from arvo.backends.sqlite.store import SqliteStore

__all__ = ["SqliteMachineMemory", "SqliteStore"]
