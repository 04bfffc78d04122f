"""Machine memory in one SQLite file: survives the process, needs no server, uses the standard library's driver."""

from arvo.backends.sqlite.machine_memory import SqliteMachineMemory

__all__ = ["SqliteMachineMemory"]
