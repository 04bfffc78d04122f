"""The order in which one handler takes its events: first in first out, and one at a time for each subject.

A plain data structure without tasks or clocks; `arvo.runtime.broker` runs what it hands out.
"""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from typing import Generic, TypeVar

__all__ = ["SubjectQueue"]

T = TypeVar("T")


class SubjectQueue(Generic[T]):
    """Items wait in order of arrival; a subject is held from its first item on until the last one is released.

    Only the oldest item of a subject is in the heap, the others wait behind it, so a subject with a million items
    costs the rest nothing, and a subject without items leaves nothing behind.
    """

    __slots__ = ("_arrivals", "_behind", "_eligible", "_returns")

    def __init__(self) -> None:
        self._arrivals = count()
        self._returns = count(-(2**62))
        self._eligible: list[tuple[int, T]] = []
        self._behind: dict[str, deque[tuple[int, T]] | None] = {}

    def put(self, subject: str, item: T) -> None:
        """Add an item behind everything that came before it."""
        entry = (next(self._arrivals), item)
        if subject not in self._behind:
            self._behind[subject] = None
            heapq.heappush(self._eligible, entry)
            return
        line = self._behind[subject]
        if line is None:
            line = self._behind[subject] = deque()
        line.append(entry)

    def take(self) -> T | None:
        """The oldest item that may run now, or None. Its subject gives no other item until `release`."""
        return heapq.heappop(self._eligible)[1] if self._eligible else None

    def put_back(self, item: T) -> None:
        """Return a taken item to be taken again, before everything that has not been tried yet."""
        heapq.heappush(self._eligible, (next(self._returns), item))

    def release(self, subject: str) -> None:
        """The item taken for `subject` is done with: the next one of that subject may be taken."""
        line = self._behind[subject]
        if line:
            heapq.heappush(self._eligible, line.popleft())
        else:
            del self._behind[subject]

    @property
    def subjects(self) -> int:
        """How many subjects hold state here."""
        return len(self._behind)
