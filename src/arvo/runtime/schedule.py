"""Schedules: when a cron expression is due, and the events that are made each time.

Here is what both runtimes share. In process the broker keeps the next occurrence in its timetable; workers put it into
their store (`arvo.runtime.worker.occurrences`).
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from cronsim import CronSim, CronSimError

from arvo.errors import DefinitionError
from arvo.events import Event, create_event, derive_event_id

if TYPE_CHECKING:
    from arvo.runtime.middleware import Execute

__all__ = ["EventFactory", "Schedule", "new_schedule"]

logger = logging.getLogger("arvo.runtime")

EventFactory: TypeAlias = Callable[[datetime], Event[Any] | Sequence[Event[Any]]]
"""Makes what is to be published for one occurrence, which is given in the schedule's time zone."""

_SOURCE = "arvo.schedule"
_DUE_TYPE = "arvo.schedule.due"
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """A name, a cron expression in a time zone, and what makes the events."""

    name: str
    cron: str
    zone: tzinfo
    factory: EventFactory

    @property
    def address(self) -> str:
        """Under this name occurrences wait to be carried out. With a space, which no source can have."""
        return f"schedule {self.name}"

    def next_after(self, moment: datetime) -> datetime | None:
        """The first occurrence after `moment`, None if there is none in the next 50 years.

        When clocks are put forward, a fixed time of day that is left out is due right after the gap; when they are put
        back, one that comes twice is due the first time only. What is due every hour or minute goes by real time.
        """
        for due in CronSim(self.cron, moment.astimezone(self.zone)):
            if due.astimezone(UTC) > moment:  # aware times of one zone are compared without their offsets
                return due
        return None

    def is_due_at(self, moment: datetime) -> bool:
        """Whether `moment` is an occurrence."""
        due = self.next_after(moment - _SECOND)
        return due is not None and due.astimezone(UTC) == moment

    def occurrence(self, due: datetime) -> Event[Any]:
        """The event that has an occurrence carried out. The same occurrence has the same id everywhere."""
        text = due.astimezone(UTC).isoformat()
        return create_event(
            id=derive_event_id(_SOURCE, text, self.address, 0, None),
            source=_SOURCE,
            type=_DUE_TYPE,
            subject=f"schedule/{self.name}",
            data={"schedule": self.name, "due": text},
        )

    def execute(self, publish: Callable[[Event[Any]], Awaitable[None]]) -> Execute:
        """What carries occurrences out: it makes the events of each and publishes them."""

        async def carry_out(occurrence: Event[Any]) -> Sequence[Event[Any]]:
            for event in self.events(occurrence):
                await publish(event)
            return ()

        return carry_out

    def events(self, occurrence: Event[Any]) -> list[Event[Any]]:
        """What is to be published for one occurrence; nothing when it is none (any more)."""
        due = datetime.fromisoformat(occurrence.data["due"])
        if not self.is_due_at(due):
            logger.info("Schedule %r was changed: %s is no occurrence of it any more.", self.name, due)
            return []
        made: object = self.factory(due.astimezone(self.zone))
        events = cast("Sequence[Event[Any]]", made if isinstance(made, list | tuple) else [made])
        if not all(isinstance(event, Event) for event in events):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"{self.factory!r} of schedule {self.name!r} must return an event, or a list or tuple of events, "
                f"not {made!r:.200}."
            )
        return [
            event.replace(id=derive_event_id(_SOURCE, occurrence.id, self.address, position, event.domain))
            for position, event in enumerate(events)
        ]


def new_schedule(cron: str, factory: EventFactory, *, name: str | None, zone: tzinfo) -> Schedule:
    """A schedule, or a `DefinitionError` that says why there can be none."""
    name = str(getattr(factory, "__name__", "")) if name is None else name
    if not name.isprintable() or not name.strip() or name == "<lambda>":
        raise DefinitionError(
            f"The schedule {cron!r} is called {name!r}. Give it a name with `name=`: its occurrences are known by it."
        )
    if inspect.iscoroutinefunction(factory):
        raise DefinitionError(
            f"{name!r} of schedule {cron!r} is an async function. Make the event in a plain one, and do what takes "
            "time in the handler of that event."
        )
    schedule = Schedule(name, cron, zone, factory)
    try:
        if schedule.next_after(datetime.now(UTC)) is not None:
            return schedule
        problem = "there is no such time in the next 50 years"
    except CronSimError as error:
        problem = str(error)
    raise DefinitionError(
        f"Schedule {name!r} cannot be {cron!r}: {problem}. Write minute, hour, day of month, month and day of week, "
        "such as '0 6 * * MON-FRI'; a sixth field in front means seconds."
    )
