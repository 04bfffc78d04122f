"""Takes messages from the durable consumers of JetStream, several addresses at once over one subscription."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import msgspec

from arvo.backends.nats.diagnosis import FAILURES
from arvo.backends.nats.pull import Pull
from arvo.errors import BackendError
from arvo.ports.broker import ReceivedMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

    from arvo.backends.nats.declaration import Declaration
    from arvo.backends.nats.link import Link

__all__ = ["NatsConsumer"]

_ACK: Final = b"+ACK"
_NAK: Final = b"-NAK"
_TERM: Final = b"+TERM"
_IN_PROGRESS: Final = b"+WPI"
_API: Final = "$JS.API.CONSUMER.MSG.NEXT"
_PARTS_OF_ACK: Final = 9
_OWN_HEADERS: Final = ("content-type", "nats-msg-id")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Received(ReceivedMessage):
    reply: str
    pull: Pull


class NatsConsumer:
    """Made by `NatsBroker.consumer`."""

    def __init__(
        self,
        addresses: Mapping[str, int],
        link: Link,
        declaration: Declaration,
        bury: Callable[[ReceivedMessage, str, str, str], Awaitable[None]],
        siblings: set[NatsConsumer],
    ) -> None:
        names = declaration.names
        self._link = link
        self._declaration = declaration
        self._bury = bury
        self._siblings = siblings
        self._addresses = dict(addresses)
        self._pulls = {
            address: Pull(f"{_API}.{names.stream}.{names.consumer(address)}", limit)
            for address, limit in addresses.items()
        }
        self._address_of = {names.subject(address): address for address in addresses}
        self._numbered = tuple(self._pulls.values())
        self._held: dict[_Received, float] = {}
        self._hold = declaration.hold
        self._client: Client | None = None
        self._subscription: Subscription | None = None
        self._inbox = ""
        self._undeclared = True
        self._closed = False
        self._changed = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    @property
    def hold(self) -> timedelta | None:
        """What the consumers on the server say; the shortest, should they differ."""
        return self._hold

    async def __aenter__(self) -> Self:
        await self._ready()
        self._siblings.add(self)
        self._link.on_change.append(self._on_change)
        self._keeping = asyncio.create_task(self._keep_what_arrived())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hand back what is not settled. What the server is just sending is given to others after `hold`."""
        if self._closed:
            return
        self._closed = True
        self._siblings.discard(self)
        self._link.on_change.remove(self._on_change)
        if self._keeping is not None:
            self._keeping.cancel()
        try:
            if self._subscription is not None and self._link.is_connected:
                await self._subscription.drain()  # type: ignore[no-untyped-call]
            arrived = [message.reply for pull in self._numbered for _, message in pull.arrived]
            await self._send([*(message.reply for message in self._held), *arrived], _NAK)
            if self._client is not None and self._link.is_connected:
                await self._client.flush()
        except (BackendError, *FAILURES):
            # The server gives it to others all the same, only later.
            pass
        self._held.clear()

    async def receive(self, at_most: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        """What has arrived, or does within `wait`."""
        until = time.monotonic() + wait.total_seconds()
        while True:
            self._changed.clear()
            trouble: BackendError | None = None
            try:
                await self._ready()
                await self._ask()
            except BackendError as error:
                trouble = error
            if taken := self._take(at_most):
                return taken
            left = until - time.monotonic()
            if left <= 0 or self._closed:
                if trouble is not None:
                    raise trouble
                return ()
            try:
                async with asyncio.timeout(left if trouble is None else min(left, 0.2)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def ack(self, messages: Sequence[ReceivedMessage]) -> None:
        """Acknowledge, however late: the work is done."""
        self._check_open()
        await self._send([message.reply for message in map(self._let_go, messages) if message is not None], _ACK)

    async def retry(self, message: ReceivedMessage, delay: timedelta) -> None:
        """Have the server send it again after `delay`."""
        self._check_open()
        if self._is_lost(message):
            self._let_go(message)
        elif (held := self._let_go(message)) is not None:
            nanoseconds = max(0, int(delay.total_seconds() * 1e9))
            answer = _NAK + b" " + msgspec.json.encode({"delay": nanoseconds}) if nanoseconds else _NAK
            await self._send([held.reply], answer)

    async def dead(self, message: ReceivedMessage, reason: str, detail: str) -> None:
        """Move it to the stream of dead letters."""
        self._check_open()
        if self._is_lost(message):
            self._let_go(message)
        elif isinstance(message, _Received) and message in self._held:
            await self._bury(message, _mark_of(message.reply), reason, detail)
            self._let_go(message)
            await self._send([message.reply], _TERM + b" " + reason.encode())

    async def extend(self, messages: Sequence[ReceivedMessage]) -> None:
        """Tell the server that they are worked on."""
        self._check_open()
        held = [message for message in messages if isinstance(message, _Received) and message in self._held]
        await self._send([message.reply for message in held], _IN_PROGRESS)
        now = time.monotonic()
        self._held.update((message, now) for message in held if message in self._held)

    # What goes on behind.

    async def _ready(self) -> None:
        """Have a subscription on the present connection, and the consumers on the server."""
        self._check_open()
        client = await self._link.client()
        try:
            if client is not self._client:
                inbox = client.new_inbox()
                self._subscription = await self._link.subscribe(client, f"{inbox}.*.*", self._on_message)
                self._client, self._inbox = client, inbox
                self._forget_requests()
            if self._undeclared:
                jetstream = await self._link.jetstream()
                holds = [await self._declaration.consumer(jetstream, address) for address in self._addresses]
                self._hold = min(holds, default=self._declaration.hold)
                self._undeclared = False
        except FAILURES as error:
            raise self._link.error(error) from error

    async def _ask(self) -> None:
        """Ask the server for as many messages as there is room for."""
        assert self._client is not None  # noqa: S101 - made ready before
        now = time.monotonic()
        for index, pull in enumerate(self._numbered):
            request = pull.next_request(now)
            if request is None:
                continue
            number, body = request
            try:
                await self._client.publish(pull.subject, body, reply=f"{self._inbox}.{index}.{number}")
            except FAILURES as error:
                pull.forget()
                raise self._link.error(error) from error

    async def _on_message(self, message: Msg) -> None:
        address = self._address_of.get(message.subject)
        if address is not None:
            self._pulls[address].arrive(message)
        else:
            self._on_status(message)
        self._changed.set()

    def _on_status(self, message: Msg) -> None:
        """The server has ended a request, because of its time or because its consumer is gone."""
        headers = message.headers or {}
        _, index, number = message.subject.rsplit(".", 2)
        self._numbered[int(index)].ended(int(number))
        description = headers.get("Description", "").lower()
        if headers.get("Status") == "503" or "consumer deleted" in description:
            self._undeclared = True

    def _take(self, at_most: int) -> list[_Received]:
        taken: list[_Received] = []
        for address, pull in self._pulls.items():
            while pull.arrived and len(taken) < at_most:
                since, message = pull.arrived.popleft()
                pull.held += 1
                headers = dict(message.headers or {})
                content_type = None
                for name in tuple(headers):
                    if name.lower() in _OWN_HEADERS:
                        value = headers.pop(name)
                        content_type = value if name.lower() == "content-type" else content_type
                received = _Received(
                    address=address,
                    body=message.data,
                    content_type=content_type,
                    headers=headers,
                    attempt=_attempt_of(message.reply),
                    reply=message.reply,
                    pull=pull,
                )
                self._held[received] = since
                taken.append(received)
        return taken

    def _let_go(self, message: ReceivedMessage) -> _Received | None:
        """Hold the message no longer; None when it was not held."""
        if not isinstance(message, _Received) or self._held.pop(message, None) is None:
            return None
        message.pull.held -= 1
        self._changed.set()
        return message

    def _is_lost(self, message: ReceivedMessage) -> bool:
        """Whether it was held for too long, so that somebody else may have it."""
        since = self._held.get(message) if isinstance(message, _Received) else None
        return since is not None and time.monotonic() - since > self._hold.total_seconds()

    async def _send(self, replies: Iterable[str], answer: bytes) -> None:
        client = await self._link.client()
        try:
            for reply in replies:
                await client.publish(reply, answer)
        except FAILURES as error:
            raise self._link.error(error) from error

    async def _keep_what_arrived(self) -> None:
        """Extend what waits to be given out, which nobody else can, and let go of what was held for too long."""
        third = self._hold.total_seconds() / 3
        while True:
            await asyncio.sleep(third)
            for lost in [held for held in self._held if self._is_lost(held)]:
                self._let_go(lost)
            now = time.monotonic()
            for pull in self._numbered:
                waiting = [message.reply for since, message in pull.arrived if now - since >= third]
                try:
                    await self._send(waiting, _IN_PROGRESS)
                except BackendError:
                    break
                # What was given out meanwhile is no longer among them.
                for index, (since, message) in enumerate(pull.arrived):
                    if now - since >= third:
                        pull.arrived[index] = (now, message)

    def _forget_requests(self) -> None:
        for pull in self._numbered:
            pull.forget()

    def _on_change(self) -> None:
        """The connection was lost, or is back: what was asked for is forgotten at the server."""
        self._forget_requests()
        self._undeclared = True
        self._changed.set()

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError("The consumer is closed. Make a new one.")


def _attempt_of(reply: str) -> int:
    """How often the server has sent the message, as the subject tells that acknowledges it."""
    return int(_place(reply)[0])


def _mark_of(reply: str) -> str:
    """What tells the message from all others of its stream, even should the stream be made anew."""
    _, number, _, time_, *_ = _place(reply)
    return f"dead-{number}-{time_}"


def _place(reply: str) -> list[str]:
    """Deliveries, number in the stream, number in the consumer, time, and more; some servers say their domain first."""
    parts = reply.split(".")
    return parts[4:] if len(parts) == _PARTS_OF_ACK else parts[6:]
