"""Memory, store and broker inside this process: for tests, demos and workflows that need not outlive the process."""

from arvo.backends.memory.broker import InMemoryBroker
from arvo.backends.memory.machine_memory import InMemoryMachineMemory
from arvo.backends.memory.store import InMemoryStore

__all__ = ["InMemoryBroker", "InMemoryMachineMemory", "InMemoryStore"]
