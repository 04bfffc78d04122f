"""Machine memory inside this process: for tests, demos and workflows that need not outlive the process."""

from arvo.backends.memory.machine_memory import InMemoryMachineMemory

__all__ = ["InMemoryMachineMemory"]
