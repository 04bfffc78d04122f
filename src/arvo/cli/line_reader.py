"""Lines of a file, a pipe or a terminal, read without ever blocking the event loop for long.

What is in a line is for `event_input` to judge.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

__all__ = ["LineReader", "file_size", "opened_input"]

CHUNK_BYTES: Final = 64 * 1024


class LineReader:
    """The lines of an open file descriptor; `read_bytes` of `size_bytes` are behind, which is None for a stream.

    Of a line longer than `longest` only so much is kept, and one byte to show that there was more.
    """

    def __init__(self, descriptor: int, longest: int) -> None:
        self.read_bytes = 0
        self.size_bytes = file_size(descriptor)
        self._descriptor = descriptor
        self._longest = longest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Every line without its end. Raises OSError when reading fails."""
        line = bytearray()
        while chunk := await self._chunk():
            start = 0
            while (end := chunk.find(b"\n", start)) >= 0:
                line += chunk[start:end]
                self.read_bytes += end + 1 - start
                yield bytes(line[: self._longest + 1])
                line.clear()
                start = end + 1
            self.read_bytes += len(chunk) - start
            if len(line) <= self._longest:
                line += chunk[start:]
        if line:
            yield bytes(line[: self._longest + 1])

    async def _chunk(self) -> bytes:
        if self.size_bytes is not None:
            # The next bytes of a file are there at once; others get their turn all the same.
            await asyncio.sleep(0)
            return os.read(self._descriptor, CHUNK_BYTES)
        return await _read_in_thread(self._descriptor)


async def _read_in_thread(descriptor: int) -> bytes:
    """Wait for bytes in a thread that may be left behind: nothing can wake it, and it must not keep the process."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[bytes] = loop.create_future()

    def settle(outcome: bytes | OSError) -> None:
        if arrived.cancelled():
            return
        if isinstance(outcome, OSError):
            arrived.set_exception(outcome)
        else:
            arrived.set_result(outcome)

    def read() -> None:
        try:
            outcome: bytes | OSError = os.read(descriptor, CHUNK_BYTES)
        except OSError as error:
            outcome = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    Thread(target=read, name="arvo-input", daemon=True).start()
    return await arrived


@contextmanager
def opened_input(path: str) -> Generator[int]:
    """The file descriptor of the file, or of standard input for `-`. Raises OSError."""
    if path == "-":
        if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - so Python starts when it is closed
            raise OSError(errno.EBADF, "it is closed")
        yield sys.stdin.fileno()
        return
    if Path(path).is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - the descriptor is what is wanted
        yield file.fileno()


def file_size(descriptor: int) -> int | None:
    """The size of a regular file; None for what may make its reader wait."""
    found = os.fstat(descriptor)
    return found.st_size if stat.S_ISREG(found.st_mode) else None
