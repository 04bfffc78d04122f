"""A worker's sign of life in the store, and how it sees that another worker is dead.

Whether a process of the same machine still runs can be looked up, so what a killed worker had claimed is free again as
soon as another one looks; of other machines only silence tells.
"""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from arvo.errors import BackendError
from arvo.ports import WorkerInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from arvo.ports import Clock, Store, WorkerStatus
    from arvo.runtime.worker.patience import Patience

__all__ = ["Presence", "dead_workers", "own_info", "process_key"]

logger = logging.getLogger("arvo.runtime")

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Presence:
    """Gives signs of life of a worker every `heartbeat`; who gives none for `lease` is taken for dead."""

    def __init__(
        self,
        store: Store,
        info: WorkerInfo,
        patience: Patience,
        clock: Clock,
        *,
        heartbeat: timedelta,
        lease: timedelta,
    ) -> None:
        self._store = store
        self._info = info
        self._patience = patience
        self._clock = clock
        self._heartbeat = heartbeat
        self._lease = lease

    async def run(self) -> None:
        """Stay present until cancelled."""
        while True:
            await self._clock.sleep(self._heartbeat.total_seconds())
            await self.show()

    async def show(self) -> None:
        """Give a sign of life, and free the lanes of those who give none."""
        try:
            await self._store.heartbeat(self._info)
            self._patience.answered()
            dead = dead_workers(await self._store.workers(), self._info, self._lease)
            if dead:
                freed = await self._store.remove_workers(dead)
                logger.warning("%d workers are gone; the %d lanes they had claimed are free again.", len(dead), freed)
        except BackendError as error:
            logger.warning("The store took no sign of life. %s", error.message)


def own_info(worker: str, handlers: Iterable[str]) -> WorkerInfo:
    """What this process tells about a worker in it."""
    pid = os.getpid()
    return WorkerInfo(
        id=worker, host=socket.gethostname(), pid=pid, process_key=process_key(pid), handlers=tuple(handlers)
    )


def dead_workers(workers: Sequence[WorkerStatus], own: WorkerInfo, silence: timedelta) -> list[str]:
    """The ids of those that are gone for certain, or have been silent for longer than `silence`."""
    return [
        worker.info.id
        for worker in workers
        if worker.info.id != own.id and (worker.silent_for > silence or _is_gone(worker.info, own))
    ]


def _is_gone(worker: WorkerInfo, own: WorkerInfo) -> bool:
    """Whether the process is known to have ended: only processes that this one would see can be judged."""
    visible = _surroundings_of(own)
    if not visible or worker.host != own.host or _surroundings_of(worker) != visible:
        return False
    return process_key(worker.pid) != worker.process_key


def _surroundings_of(worker: WorkerInfo) -> str:
    return worker.process_key.rpartition(":")[0]


def process_key(pid: int) -> str:
    """Boot and namespace in which process ids mean the same, and when the process began; empty where /proc is not."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink()
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
        # The name of the program stands in brackets and may hold anything; the start time is the 20th field after it.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{boot}:{namespace}:{fields[19]}"
