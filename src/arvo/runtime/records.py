"""What an app remembers across its runs, all of it bounded: hooks, dead letters, and events that wait for a domain."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from arvo.errors import DefinitionError
from arvo.runtime.hooks import Hooks
from arvo.runtime.waiting import WaitingRoom

if TYPE_CHECKING:
    from arvo.runtime.dead_letters import DeadLetter

__all__ = ["Records"]


@dataclass(slots=True)
class Records:
    """Keeps the latest `limit` dead letters and the first `limit` waiting events."""

    limit: int
    hooks: Hooks = field(default_factory=Hooks)
    waiting: WaitingRoom = field(init=False)
    dead_letters: deque[DeadLetter] = field(init=False)

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise DefinitionError(f"record_limit is {self.limit}. Give it the number of records to keep, at least 0.")
        self.waiting = WaitingRoom(self.limit)
        self.dead_letters = deque(maxlen=self.limit)
