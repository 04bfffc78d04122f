"""Seeded randomness that is the same on every version of Python: everything is made of `random()` alone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Chance"]

T = TypeVar("T")


class Chance:
    """A stream of draws of its own for each name: what one part draws does not change what another one gets."""

    __slots__ = ("_random", "share")

    def __init__(self, *name: object) -> None:
        self._random = random.Random("/".join(map(str, name)))  # noqa: S311 - repeatable is what it is to be
        self.share = self._random.random
        """A number from 0 up to 1."""

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.share() < probability

    def between(self, low: float, high: float) -> float:
        """A number from `low` up to `high`."""
        return low + (high - low) * self.share()

    def below(self, limit: int) -> int:
        """A whole number from 0 up to `limit`, without it."""
        return int(self.share() * limit)

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in another order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in items]

    def id_bytes(self) -> bytes:
        """16 bytes."""
        return self._random.getrandbits(128).to_bytes(16, "big")
