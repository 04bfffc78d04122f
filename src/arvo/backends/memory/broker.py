"""A message broker in the memory of this process, with every promise of the port: for tests, and to try things out."""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from arvo.errors import BackendError, DefinitionError
from arvo.ports import SystemClock
from arvo.ports.broker import BrokerPromises, DeadMessage, MessageRefused, OutgoingMessage, ReceivedMessage
from arvo.ports.store.bell import Bell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from arvo.ports import Clock

__all__ = ["InMemoryBroker"]

_DUPLICATE_WINDOW: Final = timedelta(minutes=2)
_MOST_DEAD_LETTERS: Final = 10_000


@dataclass(slots=True, order=True)
class _Kept:
    """A message until it is settled; those given out again keep their place in the order."""

    number: int
    message: OutgoingMessage = field(compare=False)
    attempts: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Received(ReceivedMessage):
    kept: _Kept


@dataclass(slots=True)
class _Address:
    """What waits for one address, and which ids it has had lately."""

    ready: list[_Kept] = field(default_factory=list[_Kept])
    later: list[tuple[float, _Kept]] = field(default_factory=list[tuple[float, _Kept]])
    ids: OrderedDict[str, float] = field(default_factory=OrderedDict[str, float])

    def knows(self, event_id: str, now: float) -> bool:
        """Whether the id was published lately; it is from now on."""
        while self.ids and next(iter(self.ids.values())) <= now - _DUPLICATE_WINDOW.total_seconds():
            self.ids.popitem(last=False)
        if event_id in self.ids:
            return True
        self.ids[event_id] = now
        return False

    def take(self, most: int, now: float) -> Iterator[_Kept]:
        """Take up to `most` of what is ready."""
        while self.later and self.later[0][0] <= now:
            heapq.heappush(self.ready, heapq.heappop(self.later)[1])
        for _ in range(min(most, len(self.ready))):
            yield heapq.heappop(self.ready)


class InMemoryBroker:
    """Carries messages within this process; they end with it.

        async with InMemoryBroker() as broker:
            await broker.publish([OutgoingMessage(address="com.a", event_id="1", subject="s", body=b"{}", ...)])

    What a consumer holds for longer than `hold` without a sign of life is given to others. While `away` is set, every
    call fails as it does when the server of another broker is down. Belongs to one event loop.
    """

    def __init__(
        self,
        *,
        hold: timedelta = timedelta(seconds=30),
        largest_message: int = 1024 * 1024,
        clock: Clock | None = None,
    ) -> None:
        if hold <= timedelta(0):
            raise DefinitionError(f"hold={hold}, so every message would be given out again at once. Give it some time.")
        self.hold = hold
        self.clock: Clock = SystemClock() if clock is None else clock
        self._away = False
        self.bell = Bell()
        self._largest = largest_message
        self._addresses: dict[str, _Address] = {}
        self._consumers: list[_Consumer] = []
        self._dead: deque[DeadMessage] = deque(maxlen=_MOST_DEAD_LETTERS)
        self._published = 0
        self._closed = False

    @property
    def promises(self) -> BrokerPromises:
        """Ordered, with ids remembered for two minutes, and gone with the process."""
        return BrokerPromises(
            ordered=True, duplicate_window=_DUPLICATE_WINDOW, largest_message=self._largest, durable=False
        )

    @property
    def away(self) -> bool:
        """Whether it behaves like a broker that cannot be reached."""
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = away
        self.bell.ring()

    async def __aenter__(self) -> Self:
        self.check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all consumers."""
        for consumer in tuple(self._consumers):
            await consumer.close()
        self._closed = True

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Keep the messages until they are settled."""
        self.check_open()
        for message in messages:
            if len(message.body) > self._largest:
                raise MessageRefused(
                    f"The message {message.event_id!r:.80} has {len(message.body)} bytes, and this broker takes "
                    f"{self._largest} at most. Send less, or make it with a larger largest_message."
                )
        now = self.clock.monotonic()
        for message in messages:
            queue = self.queue(message.address)
            if not queue.knows(message.event_id, now):
                self._published += 1
                heapq.heappush(queue.ready, _Kept(self._published, message))
        self.bell.ring()

    def consumer(self, addresses: Mapping[str, int]) -> _Consumer:
        """What takes messages for these addresses, of each at most so many unsettled."""
        return _Consumer(self, addresses)

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadMessage]:
        """The latest messages that were given up, oldest first."""
        self.check_open()
        return tuple(self._dead)[-limit:] if limit > 0 else ()

    # For its consumers.

    def check_open(self) -> None:
        """Raise when it is closed or away."""
        if self._closed:
            raise BackendError("The broker is closed. Make a new one.")
        if self._away:
            raise BackendError("The broker is away, because somebody set that. Wait until it is unset.")

    def queue(self, address: str) -> _Address:
        """What waits for an address."""
        return self._addresses.setdefault(address, _Address())

    def join(self, consumer: _Consumer) -> None:
        """Count a consumer among those that hold messages."""
        self._consumers.append(consumer)

    def leave(self, consumer: _Consumer) -> None:
        """The consumer holds nothing any more."""
        if consumer in self._consumers:
            self._consumers.remove(consumer)

    def take_from_the_silent(self, now: float) -> float:
        """Hand back what was held for too long; return when that is next to be looked at."""
        return min((consumer.hand_back(until=now) for consumer in self._consumers), default=float("inf"))

    def bury(self, letter: DeadMessage) -> None:
        """Keep a message among the dead."""
        self._dead.append(letter)


class _Consumer:
    """Takes messages of some addresses of an `InMemoryBroker`."""

    def __init__(self, broker: InMemoryBroker, addresses: Mapping[str, int]) -> None:
        self._broker = broker
        self._room = dict(addresses)
        self._held: dict[_Received, float] = {}
        self._closed = False

    @property
    def hold(self) -> timedelta | None:
        """As the broker was told."""
        return self._broker.hold

    async def __aenter__(self) -> Self:
        self._check_open()
        self._broker.join(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hand back what is not settled."""
        self._closed = True
        self.hand_back(until=float("inf"))
        self._broker.leave(self)

    async def receive(self, at_most: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        """What is there, or comes within `wait`."""
        clock, bell = self._broker.clock, self._broker.bell
        until = clock.monotonic() + wait.total_seconds()
        while True:
            self._check_open()
            heard, now = bell.rings, clock.monotonic()
            expiring = self._broker.take_from_the_silent(now)
            if taken := self._take(at_most, now):
                return taken
            if now >= until:
                return ()
            due = min(
                (queue.later[0][0] for queue in map(self._broker.queue, self._room) if queue.later), default=until
            )
            await bell.wait(min(until, due, expiring) - now, clock, heard=heard)

    async def ack(self, messages: Sequence[ReceivedMessage]) -> None:
        """Forget them."""
        self._check_open()
        for message in messages:
            self._let_go(message)
        self._broker.bell.ring()

    async def retry(self, message: ReceivedMessage, delay: timedelta) -> None:
        """Have it wait for `delay`."""
        self._check_open()
        kept = self._let_go(message)
        if kept is not None:
            due = self._broker.clock.monotonic() + delay.total_seconds()
            heapq.heappush(self._broker.queue(message.address).later, (due, kept))
            self._broker.bell.ring()

    async def dead(self, message: ReceivedMessage, reason: str, detail: str) -> None:
        """Keep it among the dead."""
        self._check_open()
        if self._let_go(message) is not None:
            self._broker.bury(
                DeadMessage(
                    address=message.address,
                    body=message.body,
                    content_type=message.content_type,
                    headers=message.headers,
                    reason=reason,
                    detail=detail,
                    attempts=message.attempt,
                    at=self._broker.clock.now(),
                )
            )
            self._broker.bell.ring()

    async def extend(self, messages: Sequence[ReceivedMessage]) -> None:
        """Hold them anew."""
        self._check_open()
        until = self._broker.clock.monotonic() + self._broker.hold.total_seconds()
        self._held.update(
            {message: until for message in messages if isinstance(message, _Received) and message in self._held}
        )

    def hand_back(self, *, until: float) -> float:
        """Give up what may be held no longer than `until`; return when that is so for the next."""
        over = [message for message, end in self._held.items() if end <= until]
        for message in over:
            self._let_go(message)
            heapq.heappush(self._broker.queue(message.address).ready, message.kept)
        if over:
            self._broker.bell.ring()
        return min(self._held.values(), default=float("inf"))

    def _take(self, at_most: int, now: float) -> list[_Received]:
        taken: list[_Received] = []
        for address, room in self._room.items():
            free = min(room, at_most - len(taken))
            for kept in self._broker.queue(address).take(free, now):
                kept.attempts += 1
                self._room[address] -= 1
                taken.append(
                    _Received(
                        address=address,
                        body=kept.message.body,
                        content_type=kept.message.content_type,
                        headers=kept.message.headers,
                        attempt=kept.attempts,
                        kept=kept,
                    )
                )
        self._held.update(dict.fromkeys(taken, now + self._broker.hold.total_seconds()))
        return taken

    def _let_go(self, message: ReceivedMessage) -> _Kept | None:
        """Hold the message no longer; None when it was not held."""
        if not isinstance(message, _Received) or self._held.pop(message, None) is None:
            return None
        self._room[message.address] += 1
        return message.kept

    def _check_open(self) -> None:
        self._broker.check_open()
        if self._closed:
            raise BackendError("The consumer is closed. Make a new one.")
