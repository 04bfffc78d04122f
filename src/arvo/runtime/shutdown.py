"""The end of a run: what was left undone, and the error for those who come too late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arvo.errors import ArvoError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from arvo.events import Event
    from arvo.runtime.chain import Stage

__all__ = ["AppClosedError", "ShutdownReport", "Unfinished"]


class AppClosedError(ArvoError):
    """The app takes no events: it is not open yet, is shutting down, or was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An event that a handler (or sink) had not finished with. `attempts` are those that were begun.

    One in stage `scheduled` was held back: its handler was to get it at `due`.
    """

    event: Event[Any]
    handler: str
    stage: Stage
    attempts: int
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownReport:
    """The state in which an app stopped; nothing of it is kept anywhere else once the process ends.

    Publishing an unfinished event again is safe, since events made again have the same ids, but no guarantee: a
    workflow stopped just after it saved a step has not handed over the events of that step, and takes the event for a
    duplicate.
    """

    unfinished: tuple[Unfinished, ...]
    waiting: Mapping[str, int]
    """How many events wait for each domain without a sink."""
    dead_letters: int
    """How many dead letters are kept."""

    @property
    def clean(self) -> bool:
        """Whether every event that was taken in had been finished with."""
        return not self.unfinished

    def __str__(self) -> str:
        if self.clean:
            done = "Stopped with nothing in flight."
        else:
            stages = [entry.stage for entry in self.unfinished]
            counts = ", ".join(f"{stages.count(stage)} {stage}" for stage in dict.fromkeys(stages))
            done = f"Stopped with {len(stages)} events unfinished: {counts}."
        waiting = "".join(f" {count} waiting in domain {domain!r}." for domain, count in self.waiting.items())
        letters = f" {self.dead_letters} dead letters." if self.dead_letters else ""
        return f"{done}{waiting}{letters}"
