"""Events that are made again and again from the same few attributes: those are checked once, for all of them.

Whatever else goes into such an event comes out of another event, which was checked, or is made up here. What a caller
could get wrong goes through the constructor of `Event`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from arvo.events.envelope import duplicate, force, hold_data
from arvo.events.event import Event
from arvo.events.ids import derive_event_id
from arvo.events.timestamps import current_time

if TYPE_CHECKING:
    from typing import Any

__all__ = ["AnswerTemplate"]

M = TypeVar("M", bound=BaseModel)


class AnswerTemplate:
    """Makes the answers of one type from one source, for the local domain and outside of any trace."""

    __slots__ = ("_blank",)

    def __init__(self, *, type: str, source: str, dataschema: str | None, executionunits: float | None) -> None:
        """Raises InvalidEvent when no event can have these attributes."""
        self._blank: Event[Any] = Event(
            type=type, source=source, dataschema=dataschema, executionunits=executionunits, subject="-", data={}
        )

    def answer(self, question: Event[Any], data: M, *, position: int) -> Event[M]:
        """What `Event(...)` makes of the template and of what an answer takes over from its question."""
        if not isinstance(question, Event) or not isinstance(data, BaseModel):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"Events are answered with models, but {question!r} was to be answered with {data!r}.")
        answer: Event[M] = duplicate(self._blank)
        force(answer, "id", derive_event_id(question.source, question.id, self._blank.source, position, None))
        force(answer, "subject", question.subject)
        hold_data(answer, data)
        force(answer, "time", current_time())
        force(answer, "to", question.redirectto or question.source)
        force(answer, "accesscontrol", question.accesscontrol)
        force(answer, "parentid", question.id)
        return answer
