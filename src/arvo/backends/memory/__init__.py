"""Memory and store inside this process: for tests, demos and workflows that need not outlive the process."""

from arvo.backends.memory.machine_memory import InMemoryMachineMemory
from arvo.backends.memory.store import InMemoryStore

__all__ = ["InMemoryMachineMemory", "InMemoryStore"]
