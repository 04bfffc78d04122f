"""One connection that is opened when it is needed, and again when it was lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from arvo.backends.postgres.diagnosis import CONNECTION_LOST, FAILURES, backend_error, is_passing
from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from arvo.backends.postgres.address import Address

__all__ = ["BY_INDEX", "Link", "Server"]

T = TypeVar("T")

_CONNECT_SECONDS = 10.0
_GOOD_BYE_SECONDS = 5.0
_RETRY_PAUSES_SECONDS = (0.05, 0.2, 0.5)

BY_INDEX = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""Settings of connections that work on the queue: plans are made once and go by the indexes, for the tables are small
when a plan is made and large when it matters. This also halves the time of small calls."""


class Server:
    """How connections to one schema of one database are opened."""

    def __init__(self, address: Address, schema: str) -> None:
        self.address = address
        self.schema = schema

    async def connect(self, settings: Mapping[str, str], *, timeout_seconds: float) -> asyncpg.Connection[Any]:
        """Open a connection; asyncpg's errors as they are."""
        quoted = '"' + self.schema.replace('"', '""') + '"'
        return await asyncpg.connect(
            self.address.url,
            timeout=_CONNECT_SECONDS,
            command_timeout=timeout_seconds,
            server_settings={"application_name": "arvo", "search_path": quoted, **settings},
        )


class Link:
    """A connection for one kind of work. Calls on it wait for one another, and are made again when that may help.

    So only what may be carried out twice belongs here; `before_retry` can first undo what a lost call may have done.
    """

    def __init__(self, server: Server, *, timeout_seconds: float, settings: Mapping[str, str] | None = None) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._settings = settings or {}
        self._connection: asyncpg.Connection[Any] | None = None
        self._turn = asyncio.Lock()
        self._closed = False

    async def fetch(
        self, statement: str, *values: Any, before_retry: tuple[str, Any] | None = None
    ) -> Sequence[asyncpg.Record]:
        """Return the rows of a statement."""

        async def query(connection: asyncpg.Connection[Any]) -> Sequence[asyncpg.Record]:
            return await connection.fetch(statement, *values)

        async def undo(connection: asyncpg.Connection[Any]) -> object:
            return before_retry and await connection.execute(*before_retry)

        return await self.use(query, undo)

    async def fetch_value(self, statement: str, *values: Any) -> Any:
        """Return the one value of a statement."""
        return (await self.fetch(statement, *values))[0][0]

    async def use(
        self,
        work: Callable[[asyncpg.Connection[Any]], Awaitable[T]],
        before_retry: Callable[[asyncpg.Connection[Any]], Awaitable[object]] | None = None,
    ) -> T:
        """Return what `work` returns on the connection, or raise BackendError."""
        async with self._turn:
            failure: BaseException | None = None
            for pause in (*_RETRY_PAUSES_SECONDS, None):
                try:
                    connection = await self._open()
                    if failure is not None and before_retry is not None:
                        await before_retry(connection)
                    return await work(connection)
                except FAILURES as error:
                    failure = error
                    if isinstance(error, CONNECTION_LOST):
                        self._drop()
                    if pause is None or not is_passing(error):
                        break
                await asyncio.sleep(pause)
            assert failure is not None  # noqa: S101 - the loop ends by returning otherwise
            raise backend_error(failure, self._server.address)

    async def close(self) -> None:
        """Close the connection once the call at hand is done."""
        async with self._turn:
            self._closed = True
            if self._connection is not None:
                with suppress(*FAILURES):
                    await self._connection.close(timeout=_GOOD_BYE_SECONDS)

    async def _open(self) -> asyncpg.Connection[Any]:
        if self._closed:
            raise BackendError(f"The store at {self._server.address} is closed. Open a new one.")
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._server.connect(self._settings, timeout_seconds=self._timeout_seconds)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
