"""How workers hear of work that other processes stored: LISTEN and NOTIFY, with a poll as the safety net.

A notification inside the transaction that stores the work would make all such transactions commit one after another,
so it is sent afterwards, seldom and without waiting for the disk. One that gets lost costs at most one poll.
"""

from __future__ import annotations

import asyncio
import logging
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from arvo.backends.postgres.diagnosis import FAILURES
from arvo.errors import BackendError
from arvo.ports.store.identity import name_key

if TYPE_CHECKING:
    import asyncpg

    from arvo.backends.postgres.link import Link, Server
    from arvo.ports.store.bell import Bell

__all__ = ["Notifications"]

_logger = logging.getLogger("arvo.backends.postgres")

_PAUSE_SECONDS = 0.02
_LISTENING = {"synchronous_commit": "off"}
_RETRY_SECONDS = 5.0


class Notifications:
    """Rings `bell` when another process stored work, and tells the others when this one did."""

    def __init__(self, server: Server, sender: Link, bell: Bell) -> None:
        self._server = server
        self._sender = sender
        self._bell = bell
        self._own_name = token_hex(8)
        # A digest, because names of channels are shorter than those of schemas may become.
        self._channel = f"arvo_{name_key(server.schema).hex}"
        self._listening: asyncpg.Connection[Any] | None = None
        self._next_try = 0.0
        self._sending: asyncio.Task[None] | None = None
        self._more = False

    def announce(self) -> None:
        """Tell the others soon; many announcements become one."""
        self._more = True
        if self._sending is None:
            self._sending = asyncio.ensure_future(self._send())

    async def _send(self) -> None:
        try:
            while self._more:
                self._more = False
                await self._sender.fetch("SELECT pg_notify($1, $2)", self._channel, self._own_name)
                await asyncio.sleep(_PAUSE_SECONDS)
        except BackendError as error:
            _logger.warning("Other workers will hear of new work a little later: %s", error)
        finally:
            self._sending = None

    async def listen(self) -> None:
        """See to it that this process hears the others; when it cannot, the poll has to do."""
        if self._listening is not None and not self._listening.is_closed():
            return
        now = asyncio.get_running_loop().time()
        if now < self._next_try:
            return
        self._next_try = now + _RETRY_SECONDS
        try:
            self._listening = await self._listener()
        except FAILURES as error:
            _logger.warning(
                "This worker hears of new work a little later: %s", self._server.address.scrubbed(str(error))
            )
        else:
            self._next_try = 0.0

    async def _listener(self) -> asyncpg.Connection[Any]:
        connection = await self._server.connect(_LISTENING, timeout_seconds=_RETRY_SECONDS)
        try:
            await connection.add_listener(self._channel, self._hear)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _hear(self, _connection: object, _pid: int, _channel: str, sender: object) -> None:
        if sender != self._own_name:
            self._bell.ring()

    async def close(self) -> None:
        """Send what is to be sent, and stop listening."""
        if self._sending is not None:
            await self._sending
        if self._listening is not None:
            self._listening.terminate()
