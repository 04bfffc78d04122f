"""`NatsBroker`: the MessageBroker port on JetStream."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, cast
from urllib.parse import quote, unquote

from nats.js.errors import NoStreamResponseError, NotFoundError

from arvo.backends.nats.address import Address
from arvo.backends.nats.consumer import NatsConsumer
from arvo.backends.nats.declaration import Declaration, Declared
from arvo.backends.nats.diagnosis import FAILURES
from arvo.backends.nats.link import Link
from arvo.backends.nats.names import Names
from arvo.backends.nats.publisher import Publication, Publisher
from arvo.errors import BackendError, DefinitionError
from arvo.ports.broker import BrokerPromises, DeadMessage, MessageRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from nats.js.client import JetStreamContext

    from arvo.ports.broker import OutgoingMessage, ReceivedMessage

__all__ = ["NatsBroker"]

MESSAGE_ID: Final = "Nats-Msg-Id"
_CONTENT_TYPE: Final = "content-type"
_DEAD: Final = "Arvo-Dead-"
"""What a dead letter says about itself stands in headers that begin with this."""
_FOR_HEADERS: Final = 16 * 1024
"""The server counts headers as part of a message, so that much of its limit is kept for them."""
_LEAST_PAYLOAD: Final = 256 * 1024 + _FOR_HEADERS


class NatsBroker:
    """Carries messages over the JetStream of one NATS server or cluster.

        async with NatsBroker("nats://orders:secret@nats.example:4222") as broker:
            ...

    `system` names the two streams that are used, and made when they are not there: `arvo` and `arvo-dead`. Apps with
    the same one reach one another. `credentials` is a file as the tools of NATS make it. The rest is for what is made
    anew; streams and consumers that are there keep their settings. What a consumer holds for longer than `hold` without
    extending it is given to others. An event id is remembered for `duplicate_window`. Dead letters are removed after
    `keep_dead`. `replicas` is how many servers of a cluster keep each message.
    """

    def __init__(
        self,
        url: str,
        *,
        system: str = "arvo",
        credentials: str | Path | None = None,
        hold: timedelta = timedelta(seconds=30),
        duplicate_window: timedelta = timedelta(minutes=2),
        keep_dead: timedelta = timedelta(days=30),
        replicas: int = 1,
    ) -> None:
        for name, value in (("hold", hold), ("duplicate_window", duplicate_window), ("keep_dead", keep_dead)):
            if value < timedelta(milliseconds=100):
                raise DefinitionError(f"{name}={value} is too short for anything to happen. Give it some time.")
        self._names = Names(system)
        self._address = Address(url)
        self._declaration = Declaration(
            address=self._address,
            names=self._names,
            hold=hold,
            duplicate_window=duplicate_window,
            replicas=replicas,
            keep_dead=keep_dead,
        )
        self._link = Link(self._address, None if credentials is None else Path(credentials))
        self._publisher = Publisher(self._link)
        self._declared = Declared(duplicate_window, None)
        self._payload = _LEAST_PAYLOAD
        self._consumers: set[NatsConsumer] = set()

    @property
    def promises(self) -> BrokerPromises:
        """Ordered, with ids remembered as long as the stream does."""
        largest = min(self._payload, self._declared.largest_message or self._payload)
        return BrokerPromises(
            ordered=True,
            duplicate_window=self._declared.duplicate_window or None,
            largest_message=largest - _FOR_HEADERS,
        )

    async def __aenter__(self) -> Self:
        try:
            await self._declare()
        except BaseException:
            await self._link.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all consumers and the connection."""
        for consumer in tuple(self._consumers):
            await consumer.close()
        await self._link.close()

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish to the stream; the server confirms each message once it has stored it."""
        await self._publish([self._publication(message) for message in messages])

    def consumer(self, addresses: Mapping[str, int]) -> NatsConsumer:
        """What takes messages for these addresses, of each at most so many unsettled."""
        return NatsConsumer(addresses, self._link, self._declaration, self.bury, self._consumers)

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadMessage]:
        """The latest messages that were given up, oldest first."""
        jetstream = await self._link.jetstream()
        letters: list[DeadMessage] = []
        try:
            state = (await jetstream.stream_info(self._names.dead_stream)).state
            number = state.last_seq
            while number >= max(state.first_seq, 1) and len(letters) < limit:
                wanted = range(number, max(state.first_seq, 1, number - limit + len(letters) + 1) - 1, -1)
                found = await asyncio.gather(*(self._letter(jetstream, one) for one in wanted))
                letters += [letter for letter in found if letter is not None]
                number = wanted[-1] - 1
        except FAILURES as error:
            raise self._link.error(error) from error
        return letters[::-1]

    async def bury(self, message: ReceivedMessage, mark: str, reason: str, detail: str) -> None:
        """Keep a message among the dead; `mark` tells it from others, should it be buried twice."""
        about = {
            "Address": quote(message.address, safe=":/"),
            "Reason": quote(reason, safe=" "),
            "Detail": quote(" ".join(detail.split())[:2000], safe=" :'\"(),;=/"),
            "Attempts": str(message.attempt),
            "At": datetime.now(UTC).isoformat(),
        }
        headers = {
            **message.headers,
            **({} if message.content_type is None else {_CONTENT_TYPE: message.content_type}),
            **{_DEAD + name: value for name, value in about.items()},
            MESSAGE_ID: mark,
        }
        await self._publish([Publication(self._names.dead_subject(message.address), message.body, headers)])

    async def _publish(self, publications: Sequence[Publication]) -> None:
        try:
            await self._publisher.publish(publications)
        except NoStreamResponseError:
            # Somebody has removed the stream, or a server without a disk came back without it.
            await self._declare()
            try:
                await self._publisher.publish(publications)
            except NoStreamResponseError as error:
                raise self._link.error(error) from error

    async def _declare(self) -> None:
        jetstream = await self._link.jetstream()
        try:
            self._declared = await self._declaration.streams(jetstream)
        except FAILURES as error:
            raise self._link.error(error) from error
        self._payload = (await self._link.client()).max_payload
        if self._payload < _LEAST_PAYLOAD:
            raise BackendError(
                f"The NATS server at {self._address} takes messages of {self._payload} bytes at most. Raise its "
                f"max_payload to {_LEAST_PAYLOAD} or more; 1 MB is the default."
            )

    def _publication(self, message: OutgoingMessage) -> Publication:
        headers = {
            **message.headers,
            _CONTENT_TYPE: message.content_type,
            MESSAGE_ID: quote(message.event_id, safe="=+/"),
        }
        for_headers = sum(len(name) + len(value.encode()) + 4 for name, value in headers.items()) + 12
        largest = self.promises.largest_message
        if len(message.body) > largest or for_headers > _FOR_HEADERS:
            raise MessageRefused(
                f"The message {message.event_id!r:.80} for {message.address!r:.80} has {len(message.body)} bytes and "
                f"{for_headers} in its headers, where this server takes {largest} and {_FOR_HEADERS}. Keep large data "
                "elsewhere and send where it is, or raise max_payload of the server."
            )
        return Publication(self._names.subject(message.address), message.body, headers)

    async def _letter(self, jetstream: JetStreamContext, number: int) -> DeadMessage | None:
        try:
            found = await jetstream.get_msg(self._names.dead_stream, number)
        except NotFoundError:
            return None
        headers = dict(cast("Mapping[str, str]", found.headers or {}))  # pyright: ignore[reportUnknownMemberType]
        about = {
            name: unquote(headers.pop(_DEAD + name, "")) for name in ("Address", "Reason", "Detail", "Attempts", "At")
        }
        headers.pop(MESSAGE_ID, None)
        return DeadMessage(
            address=about["Address"],
            body=found.data or b"",
            content_type=headers.pop(_CONTENT_TYPE, None),
            headers=headers,
            reason=about["Reason"],
            detail=about["Detail"],
            attempts=int(about["Attempts"] or 0),
            at=datetime.fromisoformat(about["At"]) if about["At"] else datetime.fromtimestamp(0, UTC),
        )
