"""Puts the next occurrence of every schedule into the store before its time, so that it needs no particular worker.

Every worker does so, and the store takes each occurrence in once. It waits there as a timer: should all workers be away
when it is due, it is carried out by the first one that comes back, and only those after that time follow.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from arvo.ports import NewDelivery

if TYPE_CHECKING:
    from datetime import datetime

    from arvo.ports import Clock, WorkStore
    from arvo.runtime.app import App
    from arvo.runtime.worker.patience import Patience

__all__ = ["Occurrences"]

_LONGEST_SLEEP = timedelta(minutes=1)
"""Then the clock is looked at again: it may have been set, or the machine may have slept."""


class Occurrences:
    """One for each worker; `run` is its task."""

    def __init__(self, app: App, store: WorkStore, patience: Patience, clock: Clock) -> None:
        self._schedules = app.schedules
        self._store = store
        self._patience = patience
        self._clock = clock
        self._stored: dict[str, datetime] = {}
        """The latest occurrence that was put into the store, by schedule."""

    async def run(self) -> None:
        """Keep the store ahead of time until cancelled; return if there is no schedule."""
        while self._schedules:
            now = self._clock.now()
            upcoming = {schedule: due for schedule in self._schedules if (due := schedule.next_after(now)) is not None}
            new = [
                NewDelivery(handler=schedule.address, event=schedule.occurrence(due), due=due)
                for schedule, due in upcoming.items()
                if self._stored.get(schedule.name) != due
            ]
            if new:
                await self._patience.ask("take in what is scheduled", partial(self._store.publish, new))
                self._stored = {schedule.name: due for schedule, due in upcoming.items()}
            next_due = min(upcoming.values(), default=now + _LONGEST_SLEEP)
            await self._clock.sleep(min(next_due - now, _LONGEST_SLEEP).total_seconds())
