"""Publishing to streams: many messages on their way at once, each confirmed by the server."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

import msgspec
import nats.errors
from nats.js.errors import APIError, NoStreamResponseError, ServiceUnavailableError

from arvo.backends.nats.diagnosis import FAILURES
from arvo.errors import BackendError
from arvo.ports.broker import MessageRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from arvo.backends.nats.link import Link

__all__ = ["Publication", "Publisher"]

_ON_THEIR_WAY: Final = 1024
"""As many messages may wait for their confirmation, so that memory and the server's queue are bounded."""
_CONFIRM_SECONDS: Final = 10.0
_TOO_LARGE: Final = 10054
_UNAVAILABLE: Final = 503


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published to a subject of a stream."""

    subject: str
    body: bytes
    headers: Mapping[str, str]


class _Refusal(msgspec.Struct):
    code: int = 500
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct):
    error: _Refusal | None = None


_answer = msgspec.json.Decoder(_Answer).decode


class Publisher:
    """Publishes over one connection. Confirmations come to one inbox and are told apart by its last part."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._client: Client | None = None
        self._opening = asyncio.Lock()
        self._inbox = ""
        self._numbers = count()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        link.on_change.append(self._cut_off)

    async def publish(self, publications: Iterable[Publication]) -> None:
        """Publish in the order given and return when all are confirmed; NoStreamResponseError when nobody takes them.

        Raises MessageRefused when a message can never be taken and nothing else is wrong, else BackendError.
        """
        client = await self._ready()
        sent: deque[asyncio.Future[None]] = deque()
        failures: list[Exception] = []
        try:
            for publication in publications:
                while len(self._waiting) >= _ON_THEIR_WAY and sent:
                    await self._confirmed(sent.popleft(), failures)
                sent.append(await self._send(client, publication))
            while sent:
                await self._confirmed(sent.popleft(), failures)
        finally:
            for answer in sent:
                answer.cancel()
        if failures:
            # An outage goes before a refusal: only without one is it certain what is wrong.
            raise next((failure for failure in failures if not isinstance(failure, MessageRefused)), failures[0])

    async def _ready(self) -> Client:
        client = await self._link.client()
        async with self._opening:
            if client is not self._client:
                self._inbox = client.new_inbox()
                await self._link.subscribe(client, f"{self._inbox}.*", self._on_answer)
                self._client = client
        return client

    async def _send(self, client: Client, publication: Publication) -> asyncio.Future[None]:
        number = str(next(self._numbers))
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        answer.add_done_callback(lambda _: self._waiting.pop(number, None))
        try:
            await client.publish(
                publication.subject,
                publication.body,
                reply=f"{self._inbox}.{number}",
                headers=dict(publication.headers),
            )
        except FAILURES as error:
            answer.cancel()
            raise self._link.error(error) from error
        except BaseException:
            answer.cancel()
            raise
        return answer

    async def _confirmed(self, answer: asyncio.Future[None], failures: list[Exception]) -> None:
        """Wait for a confirmation. After the first outage nobody waits any longer for what was sent before."""
        if failures and not answer.done() and not isinstance(failures[-1], MessageRefused):
            answer.cancel()
            return
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await answer
        except NoStreamResponseError as error:
            failures.append(error)
        except (MessageRefused, BackendError) as error:
            failures.append(error)
        except FAILURES as error:
            failures.append(self._link.error(error))

    async def _on_answer(self, message: Msg) -> None:
        answer = self._waiting.get(message.subject.rpartition(".")[2])
        if answer is None or answer.done():
            return
        if message.headers is not None and message.headers.get("Status") == "503":
            answer.set_exception(NoStreamResponseError())
            return
        try:
            refusal = _answer(message.data).error
        except msgspec.DecodeError as error:
            answer.set_exception(nats.errors.Error(f"nats: {error}"))
            return
        if refusal is None:
            answer.set_result(None)
        elif refusal.err_code == _TOO_LARGE:
            answer.set_exception(
                MessageRefused(
                    f"The message is larger than its stream takes ({refusal.description}). Send less, or raise the "
                    "stream's max_msg_size."
                )
            )
        else:
            kind = ServiceUnavailableError if refusal.code == _UNAVAILABLE else APIError
            answer.set_exception(kind(refusal.code, refusal.description, refusal.err_code))

    def _cut_off(self) -> None:
        """Nobody knows what became of what was on its way."""
        for answer in tuple(self._waiting.values()):
            if not answer.done():
                answer.set_exception(nats.errors.StaleConnectionError())
