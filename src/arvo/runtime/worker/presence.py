"""A worker's sign of life in the store, and how it sees that another worker is dead.

Whether a process of the same machine still runs can be looked up, so what a killed worker had claimed is free again as
soon as another one looks; of other machines only silence tells.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from arvo.ports import WorkerInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from arvo.ports import WorkerStatus

__all__ = ["dead_workers", "own_info", "process_key"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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
