"""The claims that a worker has in hand: which lanes it works on, which of them it is still entitled to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Iterator, Mapping
    from uuid import UUID

    from arvo.ports import Claim, NewDelivery
    from arvo.runtime.worker.posts import Post

__all__ = ["Hand", "Hands"]

_STORING_FOR_EACH_TASK = 4
_ONWARD_SHARE = 0.75
"""At most so much of a worker goes on with what it has produced itself, so that what waits has its turn, too."""


@dataclass(slots=True, eq=False)
class Hand:
    """One claim. `secured_at` is when its lease was last known to begin anew, `lost` that it is somebody else's."""

    claim: Claim
    post: Post
    secured_at: float
    task: asyncio.Task[None] | None = None
    lost: bool = False
    onward: bool = False
    """Whether it came with what the worker itself had stored, and not of a claim."""


class Hands:
    """All claims of one worker, until they are finished or given back."""

    def __init__(self, posts: Mapping[str, Post], concurrency: int) -> None:
        self._posts = posts
        self._concurrency = concurrency
        self._hands: dict[tuple[UUID, int], Hand] = {}
        self._running = 0
        self._onward = 0
        self._asked: Mapping[str, int] = {}
        self._lanes_asked = 0
        self._limited = [(address, post, post.bucket) for address, post in posts.items() if post.bucket is not None]

    def __len__(self) -> int:
        return len(self._hands)

    def __iter__(self) -> Iterator[Hand]:
        return iter(tuple(self._hands.values()))

    def take(self, claim: Claim, now: float, *, onward: bool = False) -> Hand:
        """Begin the work on a claim."""
        hand = Hand(claim, self._posts[claim.handler], now, onward=onward)
        self._hands[claim.lane, claim.token] = hand
        self._onward += onward
        hand.post.running += 1
        self._running += 1
        return hand

    def ran(self, hand: Hand) -> None:
        """The work is done; what came of it is still to be stored, and others can run meanwhile."""
        hand.task = None
        hand.post.running -= 1
        self._running -= 1

    def of(self, claim: Claim) -> Hand | None:
        """The hand of a claim."""
        return self._hands.get((claim.lane, claim.token))

    def drop(self, claim: Claim) -> None:
        """The claim is over."""
        hand = self._hands.pop((claim.lane, claim.token), None)
        if hand is not None:
            self._onward -= hand.onward

    def reserve(self, produced: Iterable[NewDelivery], now: float) -> dict[UUID, str]:
        """Keep room for lanes that are about to be produced for, as far as there is any that nobody asks for now.

        The addresses by lane; `unreserve` gives the room back. What has a rate to keep to has to be claimed.
        """
        free = min(self._free() - self._lanes_asked, int(self._concurrency * _ONWARD_SHARE) - self._onward)
        chosen: dict[UUID, str] = {}
        for delivery in produced:
            if free <= 0:
                break
            post = self._posts.get(delivery.handler)
            if post is None or post.bucket is not None or delivery.due is not None:
                continue
            if (lane := delivery.lane) in chosen or post.room(now) <= self._asked.get(post.address, 0):
                continue
            chosen[lane] = post.address
            post.running += 1
            self._running += 1
            self._onward += 1
            free -= 1
        return chosen

    def unreserve(self, chosen: Mapping[UUID, str]) -> None:
        """Give back the room that was kept."""
        for address in chosen.values():
            self._posts[address].running -= 1
        self._running -= len(chosen)
        self._onward -= len(chosen)

    def _free(self) -> int:
        storing = len(self._hands) - self._running
        return 0 if storing >= self._concurrency * _STORING_FOR_EACH_TASK else self._concurrency - self._running

    def by_address(self) -> Mapping[str, int]:
        """How many claims on lanes of each address there are."""
        claimed = Counter(hand.claim.handler for hand in self._hands.values())
        return {address: claimed[address] for address in self._posts}

    def room(self, now: float) -> tuple[dict[str, int], int]:
        """How many more lanes of each address can be claimed, full ones left out, and how many in all.

        That is all the room there is, or the half of it while what is in hand may produce something to go on with.
        """
        free = self._free()
        if free <= 0:
            return {}, 0
        if self._hands:
            free = (free + 1) // 2
        by_address = {address: min(room, free) for address, post in self._posts.items() if (room := post.room(now)) > 0}
        return by_address, min(free, sum(by_address.values()))

    def ask(self, by_address: Mapping[str, int], lanes: int) -> None:
        """So much is being claimed now, for which there has to be room afterwards."""
        self._asked, self._lanes_asked = by_address, lanes

    def is_crowded(self, room: Mapping[str, int], claims: Iterable[Claim]) -> bool:
        """Whether an address had no room for all that may have waited for it when these were claimed."""
        claimed = Counter(claim.handler for claim in claims)
        return any(claimed[address] >= room.get(address, 0) for address in self._posts)

    def take_tokens(self, room: Mapping[str, int], now: float) -> None:
        """Take the tokens for as many lanes as are about to be claimed at most."""
        for address, _, bucket in self._limited:
            bucket.take(now, room.get(address, 0))

    def return_tokens(self, room: Mapping[str, int], claims: Iterable[Claim]) -> None:
        """Give back the tokens of lanes that were not claimed."""
        if self._limited:
            claimed = Counter(claim.handler for claim in claims)
            for address, _, bucket in self._limited:
                bucket.give_back(room.get(address, 0) - claimed[address])

    def next_token(self, now: float) -> float | None:
        """In how many seconds there is a token for an address that lacks nothing else; None if there is no such one."""
        waits = (bucket.wait(now) for _, post, bucket in self._limited if post.running < post.settings.concurrency)
        return min((wait for wait in waits if wait > 0), default=None)
