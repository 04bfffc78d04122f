"""Events that are held back until their time, in this process: a heap and one task, however many events there are.

What is delivered, and in which chain, is decided in `arvo.runtime.deliveries`; a durable worker's store holds back by
itself.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Any

from arvo.orchestration.timers import TIMER_ELAPSED

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from arvo.events import Event
    from arvo.ports import Clock
    from arvo.runtime.chain import Chain, Lane
    from arvo.runtime.schedule import Schedule

__all__ = ["Scheduled", "Timetable"]

_LONGEST_SLEEP_SECONDS = 60.0
"""Then the clock is looked at again: it may have been set, or the machine may have slept."""
_AT_ONCE = 256
"""So many events are delivered before other tasks have a turn."""


class Scheduled:
    """One event that `lane` gets at `due`; `schedule` is what made it, if it is the next occurrence of one."""

    __slots__ = ("chain", "due", "event", "lane", "over", "schedule")

    def __init__(
        self, event: Event[Any], lane: Lane, chain: Chain, due: datetime, schedule: Schedule | None = None
    ) -> None:
        self.event = event
        self.lane = lane
        self.chain = chain
        self.due = due
        self.schedule = schedule
        self.over = False
        """Whether it has been delivered or dropped."""


class Timetable:
    """Hands each event to `deliver` when its time has come on `clock`; events of one time in the order they came in.

    Time is the wall clock's, as in a store, so that both mean the same by a date.
    """

    def __init__(self, clock: Clock, group: asyncio.TaskGroup, deliver: Callable[[Scheduled], None]) -> None:
        self._clock = clock
        self._group = group
        self._deliver = deliver
        self._heap: list[tuple[datetime, int, Scheduled]] = []
        self._arrivals = count()
        self._dropped = 0
        self._timers: dict[tuple[str, str], dict[str, Scheduled]] = {}
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._stopped = False

    def __iter__(self) -> Iterator[Scheduled]:
        """All that is held back, the next one first."""
        return (scheduled for _, _, scheduled in sorted(self._heap) if not scheduled.over)

    def hold(self, scheduled: Scheduled) -> None:
        """Deliver the event when it is due."""
        heapq.heappush(self._heap, (scheduled.due, next(self._arrivals), scheduled))
        if scheduled.event.type == TIMER_ELAPSED:
            self._timers.setdefault(_lane_of(scheduled), {})[scheduled.event.id] = scheduled
        if self._alarm is None or self._alarm.done() or self._alarm_at is None or scheduled.due < self._alarm_at:
            self._set_alarm()

    def timers(self, lane: Lane, subject: str) -> Iterable[str]:
        """The ids of the workflow timers that are held back for the workflow under `subject`."""
        return tuple(self._timers.get((lane.address, subject), ()))

    def drop_timer(self, lane: Lane, subject: str, id: str) -> Scheduled | None:
        """Forget a workflow's timer, and return it if it was still held back."""
        scheduled = self._timers.get((lane.address, subject), {}).get(id)
        if scheduled is not None:
            self._end(scheduled)
            self._dropped += 1
            if self._dropped > len(self._heap) // 2:
                self._heap = [entry for entry in self._heap if not entry[2].over]
                heapq.heapify(self._heap)
                self._dropped = 0
        return scheduled

    def stop(self) -> None:
        """Deliver nothing more."""
        self._stopped = True
        if self._alarm is not None:
            self._alarm.cancel()

    def _end(self, scheduled: Scheduled) -> None:
        scheduled.over = True
        timers = self._timers.get(_lane_of(scheduled))
        if timers is not None and timers.get(scheduled.event.id) is scheduled:
            del timers[scheduled.event.id]
            if not timers:
                del self._timers[_lane_of(scheduled)]

    def _set_alarm(self) -> None:
        """Have exactly one task sleep until the first event is due."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None
        if self._heap and not self._stopped:
            self._alarm_at = self._heap[0][0]
            self._alarm = self._group.create_task(self._ring_at(self._alarm_at))

    async def _ring_at(self, due: datetime) -> None:
        seconds = (due - self._clock.now()).total_seconds()
        await self._clock.sleep(min(seconds, _LONGEST_SLEEP_SECONDS))
        self._alarm = None  # it is this task, which must not be cancelled by what follows
        now = self._clock.now()
        delivered = 0
        while self._heap and self._heap[0][0] <= now and delivered < _AT_ONCE and not self._stopped:
            scheduled = heapq.heappop(self._heap)[2]
            if scheduled.over:
                self._dropped -= 1
                continue
            self._end(scheduled)
            delivered += 1
            self._deliver(scheduled)
        self._set_alarm()


def _lane_of(scheduled: Scheduled) -> tuple[str, str]:
    return scheduled.lane.address, scheduled.event.subject
