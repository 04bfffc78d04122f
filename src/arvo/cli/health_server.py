"""`arvo run --health`: tells supervisors over HTTP whether a worker lives and takes events, with no more of HTTP."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from arvo.cli.failure import CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from arvo.runtime.worker.health import WorkerHealth

__all__ = ["HealthServer", "Listening", "parse_listening"]

LARGEST_HEAD: Final = 8 * 1024
SECONDS: Final = 5.0
"""So long may a client take to send its request and to take the answer."""
MOST_CLIENTS: Final = 32


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listening(text: str) -> Listening:
    """What `PORT`, `HOST:PORT` or `[HOST]:PORT` means; a port alone is that of 127.0.0.1. `ValueError` for the rest."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not port.isascii() or not port.isdecimal() or int(port) > 65535 or (not host and ":" in text):
        raise ValueError(f"{text!r:.80} is no place to listen at. Write a port, as in 8080, or 0.0.0.0:8080.")
    return Listening(host or "127.0.0.1", int(port))


class HealthServer:
    """Answers `GET /live` and `GET /ready` while it is open; `address` is where."""

    def __init__(self, listening: Listening, health: Callable[[], WorkerHealth]) -> None:
        self.address = listening
        self._health = health
        self._clients: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Self]:
        """Answer within the block."""
        host, port = self.address.host, self.address.port
        try:
            server = await asyncio.start_server(self._take, host, port, limit=LARGEST_HEAD)
        except OSError as error:
            # asyncio puts an error of its own in place of that of the system, but keeps the number.
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise CommandError(f"Nothing can listen at {self.address} for --health: {reason}.") from error
        self.address = Listening(host, server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()
            for client in self._clients:
                client.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            await server.wait_closed()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= MOST_CLIENTS:
            writer.transport.abort()
            return
        client = asyncio.ensure_future(self._serve(reader, writer))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                try:
                    answer = self._answer(await reader.readuntil(b"\r\n\r\n"))
                except asyncio.LimitOverrunError:
                    answer = _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, {"error": "too large"})
                writer.write(answer)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return  # what a client does wrong is its own business
        finally:
            writer.transport.abort()

    def _answer(self, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST, {"error": "not HTTP/1"})
        method, path = words[0], words[1].partition(b"?")[0]
        with_body = method != b"HEAD"
        if path not in (b"/live", b"/ready"):
            return _response(HTTPStatus.NOT_FOUND, {"error": "there are /live and /ready"}, with_body=with_body)
        if method not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, {"error": "GET or HEAD"}, allow="GET, HEAD")
        found = self._health()
        is_good = found.ready or path == b"/live"
        status = HTTPStatus.OK if is_good else HTTPStatus.SERVICE_UNAVAILABLE
        return _response(status, _members(found), with_body=with_body)


def _members(found: WorkerHealth) -> dict[str, Any]:
    return {
        "worker": found.worker,
        "ready": found.ready,
        "stopping": found.stopping,
        "lanes": found.lanes,
        "started_at": found.started_at,
        "store_silent_seconds": None if found.silent_for is None else round(found.silent_for.total_seconds(), 3),
    }


def _response(
    status: HTTPStatus, members: dict[str, Any], *, with_body: bool = True, allow: str | None = None
) -> bytes:
    body = msgspec.json.encode(members) + b"\n"
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *([] if allow is None else [f"Allow: {allow}"]),
    ]
    return "\r\n".join([*head, "", ""]).encode() + (body if with_body else b"")
