"""What a worker has done, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["WorkerReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """How much a worker did since it was made. Everything counted is stored, `refused` and `released` aside."""

    deliveries: int = 0
    """Events that are done with, dead letters included."""
    retries: int = 0
    """Attempts that failed and are followed by another."""
    dead_letters: int = 0
    refused: int = 0
    """Lanes whose work came to nothing because the claim had been lost; others do it again."""
    released: int = 0
    """Lanes handed back undone when the worker stopped."""

    def plus(self, **counts: int) -> WorkerReport:
        """The report with `counts` added."""
        return replace(self, **{name: getattr(self, name) + count for name, count in counts.items() if count})

    def __str__(self) -> str:
        counts = (
            (self.retries, "retries"),
            (self.dead_letters, "dead letters"),
            (self.refused, "lanes refused"),
            (self.released, "lanes handed back"),
        )
        return ", ".join([f"{self.deliveries} deliveries", *(f"{count} {name}" for count, name in counts if count)])
