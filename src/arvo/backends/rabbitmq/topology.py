"""What stands on the server, its names and its settings.

Part of what is stored there: changing it needs a migration of every system.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from arvo.errors import DefinitionError

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["QueuePlan", "Topology"]

_LONGEST_NAME: Final = 255
_SHORTEST_WAIT_MS: Final = 64
_LONGEST_WAIT_MS: Final = 2**31
_STEPS_PER_DOUBLING: Final = 4
_SEGMENT_BYTES: Final = 64 * 1024 * 1024

_system_name = re.compile(r"[A-Za-z0-9_-]{1,32}").fullmatch

# What clients and tools are known to take in a name; `#` begins an escape.
_unsafe = re.compile(r"[^A-Za-z0-9_.:/@-]")

_SAFE: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    # Full means refused, and what the server gives up goes to its dead-letter exchange without being lost between.
    "x-overflow": "reject-publish",
    "x-dead-letter-strategy": "at-least-once",
}


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """A queue as it is declared when it is not there, and the fanout exchange it hangs on, if any."""

    name: str
    arguments: dict[str, Any]
    exchange: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    """The queues of one system of apps."""

    system: str
    keep_dead: timedelta

    def __post_init__(self) -> None:
        if _system_name(self.system) is None:
            raise DefinitionError(
                f"system={self.system!r:.60} cannot name queues. Use 1 to 32 letters, digits, '-' and '_'."
            )
        if self.keep_dead.total_seconds() < 1:
            raise DefinitionError(f"keep_dead={self.keep_dead} is less than a second. Give dead letters some time.")

    def queue(self, address: str) -> QueuePlan:
        """The queue of an address."""
        name = f"{self.system}.to.{_unsafe.sub(_escape, address)}"
        if len(name) > _LONGEST_NAME:
            digest = blake2b(address.encode(), digest_size=16).hexdigest()
            name = f"{self.system}.digest.{digest}"
        return QueuePlan(name, {**_SAFE, "x-dead-letter-exchange": self.dead.exchange})

    @property
    def dead(self) -> QueuePlan:
        """The stream of dead letters: unlike a queue it can be looked at without taking anything from it."""
        name = f"{self.system}.dead"
        arguments: dict[str, Any] = {
            "x-queue-type": "stream",
            "x-max-age": f"{int(self.keep_dead.total_seconds())}s",
            "x-stream-max-segment-size-bytes": _SEGMENT_BYTES,
        }
        return QueuePlan(name, arguments, exchange=name)

    def waiting(self, delay: timedelta) -> QueuePlan:
        """Where messages wait for `delay`, rounded up by at most a quarter; they return to the queue they name.

        One queue for each length of time: in a queue with several, those that are due wait for those before them.
        """
        wanted = delay.total_seconds() * 1000
        if wanted > _LONGEST_WAIT_MS:
            raise DefinitionError(f"A retry after {delay} is too late for RabbitMQ. Retry within 24 days.")
        step = octave = _SHORTEST_WAIT_MS
        while step < wanted:
            if step >= 2 * octave:
                octave *= 2
            step += octave // _STEPS_PER_DOUBLING
        name = f"{self.system}.later.{step}"
        return QueuePlan(name, {**_SAFE, "x-message-ttl": step, "x-dead-letter-exchange": ""}, exchange=name)


def _escape(found: re.Match[str]) -> str:
    return "".join(f"#{byte:02X}" for byte in found[0].encode())
