"""The connection that a broker and its consumers share: opened when needed, and opened anew whenever it was lost."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from nats.aio.client import Client

from arvo.backends.nats.diagnosis import FAILURES, backend_error, is_refusal
from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription
    from nats.js.client import JetStreamContext

    from arvo.backends.nats.address import Address

__all__ = ["Link"]

logger = logging.getLogger("arvo.backends.nats")

_CONNECT_SECONDS: Final = 5
_RECONNECT_SECONDS: Final = 0.2
_RESETS: Final = 10
"""So many connections may be reset before that is what is wrong."""
_DENIED_SECONDS: Final = 10.0
"""So long a refusal explains why an answer did not come."""


class Link:
    """Gives the connected client. The driver reconnects by itself; `on_change` are told whenever it was cut off."""

    def __init__(self, address: Address, credentials: Path | None) -> None:
        self.address = address
        self.on_change: list[Callable[[], None]] = []
        self._credentials = credentials
        self._client: Client | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._failure: Exception | None = None
        self._denied: tuple[float, str] = (float("-inf"), "")

    async def client(self) -> Client:
        """The client, connected; BackendError when there is no connection."""
        if self._closed:
            raise BackendError(f"The broker at {self.address} is closed. Open a new one.")
        client = self._client
        if client is not None and client.is_connected:
            return client
        if client is not None and not client.is_closed:
            raise self.error(self._failure or ConnectionError("the connection was lost"))
        async with self._opening:
            if self._client is None or self._client.is_closed:
                self._client = await self._connected()
        return self._client

    async def jetstream(self) -> JetStreamContext:
        """What the streams are managed with."""
        return (await self.client()).jetstream()  # pyright: ignore[reportUnknownMemberType]

    async def subscribe(self, client: Client, subject: str, take: Callable[[Msg], Awaitable[None]]) -> Subscription:
        """Have `take` called with whatever comes to a subject; how much may come is bounded by what is asked for."""
        try:
            return await client.subscribe(  # pyright: ignore[reportUnknownMemberType]
                subject, cb=take, pending_msgs_limit=0, pending_bytes_limit=0
            )
        except FAILURES as error:
            raise self.error(error) from error

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._client is not None and self._client.is_connected

    def error(self, failure: BaseException) -> BackendError:
        """The BackendError for what the driver raised."""
        at, denied = self._denied
        recent = time.monotonic() - at < _DENIED_SECONDS
        return backend_error(failure, self.address, denied=denied if recent else "")

    async def close(self) -> None:
        """Let go of the connection."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            with suppress(*FAILURES):
                await client.close()

    async def _connected(self) -> Client:
        """Connect, or raise what the first failure of each server means; the driver itself would try for ever."""
        client = Client()
        failures: list[Exception] = []
        failed = asyncio.Event()

        async def on_error(error: Exception) -> None:
            self._note(error)
            failures.append(error)
            # A server that hangs up may have said why, and a reset connection have lost it: it is asked again.
            resets = sum(isinstance(failure, ConnectionResetError | BrokenPipeError) for failure in failures)
            if len(failures) - min(resets, _RESETS) >= len(self.address.servers):
                failed.set()

        options: dict[str, Any] = dict(self.address.login)
        if self._credentials is not None:
            options["user_credentials"] = str(self._credentials)
        connecting = asyncio.ensure_future(
            client.connect(
                servers=list(self.address.servers),
                error_cb=on_error,
                disconnected_cb=self._on_disconnected,
                reconnected_cb=self._on_reconnected,
                name="arvo",
                connect_timeout=_CONNECT_SECONDS,
                reconnect_time_wait=_RECONNECT_SECONDS,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
                max_reconnect_attempts=-1,
                ping_interval=20,
                pending_size=0,  # Nothing is kept to be sent later: who publishes is told that it is impossible.
                **options,
            )
        )
        giving_up = asyncio.ensure_future(failed.wait())
        try:
            await asyncio.wait((connecting, giving_up), return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                connecting.result()
                return client
            raise self.error(next((failure for failure in failures if is_refusal(failure)), failures[-1]))
        except FAILURES as error:
            raise self.error(error) from error
        finally:
            giving_up.cancel()
            if not client.is_connected:
                connecting.cancel()
                with suppress(asyncio.CancelledError, *FAILURES):
                    await connecting
                with suppress(*FAILURES):
                    await client.close()

    def _note(self, error: Exception) -> None:
        self._failure = error
        if "permissions violation" in str(error).lower():
            self._denied = (time.monotonic(), self.address.scrubbed(str(error)))
        logger.debug("The NATS driver reports: %s", self.address.scrubbed(repr(error)))

    async def _on_disconnected(self) -> None:
        if not self._closed:
            logger.warning("The connection to the NATS server at %s was lost.", self.address)
        self._tell()

    async def _on_reconnected(self) -> None:
        logger.info("The connection to the NATS server at %s is back.", self.address)
        self._failure = None
        self._tell()

    def _tell(self) -> None:
        for tell in tuple(self.on_change):
            tell()
