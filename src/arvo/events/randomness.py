"""Random bytes for ids, fetched from the system many at a time.

Asking the system lets other threads go first, which next to a busy one costs far more than the bytes themselves.
"""

from __future__ import annotations

import os
from struct import iter_unpack

__all__ = ["random_16_bytes"]

_FETCHED = 4096


class _Pool:
    """Gives each 16 bytes to one caller only, whichever thread it is in. A forked process begins a pool of its own."""

    def __init__(self) -> None:
        self._forget()
        if hasattr(os, "register_at_fork"):  # where processes cannot be forked, nothing is shared
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._unused = iter_unpack("16s", b"")

    def take(self) -> bytes:
        while True:
            for (random,) in self._unused:
                return bytes(random)
            self._unused = iter_unpack("16s", os.urandom(_FETCHED))


random_16_bytes = _Pool().take
