"""How a worker is doing, as plain data: for a health endpoint, a supervisor, a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = ["WorkerHealth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerHealth:
    """How a worker is doing at one moment.

    `started_at` is when it began, None before. `last_answer_at` is when the store answered last, and `silent_for` how
    long ago that is, None when it never did. `lanes` are those in hand. It is `ready` while it takes events: it runs,
    is not `stopping`, and the store answers, if slowly.
    """

    worker: str
    started_at: datetime | None
    last_answer_at: datetime | None
    silent_for: timedelta | None
    lanes: int
    stopping: bool
    ready: bool
