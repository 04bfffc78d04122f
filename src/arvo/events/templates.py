"""Events that are made again and again from the same few attributes: those are checked once, for all of them.

Whatever else goes into such an event comes out of another event, which was checked, or is made up here. What a caller
could get wrong goes through the constructor of `Event`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from arvo.events.creation import create_event
from arvo.events.envelope import duplicate, force, hold_data
from arvo.events.event import Event
from arvo.events.ids import derive_event_id, new_event_id
from arvo.events.timestamps import current_time
from arvo.events.uri import decode_uri, is_plain

if TYPE_CHECKING:
    from typing import Any

__all__ = ["AnswerTemplate", "EventTemplate", "RequestTemplate"]

M = TypeVar("M", bound=BaseModel)


class EventTemplate:
    """Makes the events of one type from one source, for the local domain and outside of any trace."""

    __slots__ = ("_blank", "_source")

    def __init__(
        self,
        *,
        type: str,
        source: str,
        dataschema: str | None,
        executionunits: float | None,
        redirectto: str | None = None,
    ) -> None:
        """Raises InvalidEvent when no event can have these attributes. The events go to whoever handles their type."""
        self._source = source
        self._blank: Event[Any] = Event(
            type=type,
            source=source,
            dataschema=dataschema,
            executionunits=executionunits,
            redirectto=redirectto,
            subject="-",
            data={},
        )

    def event(
        self,
        consumed: Event[Any],
        data: M,
        *,
        position: int,
        subject: str,
        parentid: str,
        to: str | None = None,
    ) -> Event[M]:
        """What `Event(...)` makes of the template, and of what has to be sound already: attributes of other events."""
        made = _filled(self._blank, data)
        force(made, "id", derive_event_id(consumed.source, consumed.id, self._source, position, None))
        force(made, "subject", subject)
        if to is not None:
            force(made, "to", to)
        force(made, "accesscontrol", consumed.accesscontrol)
        force(made, "parentid", parentid)
        return made


class AnswerTemplate(EventTemplate):
    """Makes the answers of one type from one source."""

    __slots__ = ()

    def answer(self, question: Event[Any], data: M, *, position: int) -> Event[M]:
        """The event that takes over from its question what an answer does."""
        if not isinstance(question, Event):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"Events are answered, but {question!r} is none.")
        return self.event(
            question,
            data,
            position=position,
            subject=question.subject,
            parentid=question.id,
            to=question.redirectto or question.source,
        )


class RequestTemplate:
    """Makes the requests of one type and dataschema, for the local domain."""

    __slots__ = ("_blank", "_dataschema")

    def __init__(self, *, type: str, dataschema: str) -> None:
        """Raises InvalidEvent when no event can have these attributes."""
        self._blank: Event[Any] = Event(type=type, dataschema=dataschema, source="-", subject="-", data={})
        self._dataschema = dataschema

    def request(self, data: M, *, source: str, subject: str) -> Event[M]:
        """What `create_event(...)` makes of the template and of these."""
        if not (type(source) is type(subject) is str and is_plain(source) and is_plain(subject)):
            schema = decode_uri(self._dataschema)
            return create_event(type=self._blank.type, dataschema=schema, source=source, subject=subject, data=data)
        made = _filled(self._blank, data)
        force(made, "id", new_event_id())
        force(made, "source", source)
        force(made, "subject", subject)
        return made


def _filled(blank: Event[Any], data: M) -> Event[M]:
    if not isinstance(data, BaseModel):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"Events are made of models here, but {data!r} is none.")
    made: Event[M] = duplicate(blank)
    hold_data(made, data)
    force(made, "time", current_time())
    return made
