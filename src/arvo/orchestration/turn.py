"""What an imperative workflow's function gets and gives back: a `Turn` in, `Wait` or `Done` out.

Plain values, so that a function can be tested by calling it. Who makes turns and obeys answers is `resumable.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Never, TypeVar, cast

from pydantic import BaseModel
from typing_extensions import TypeVar as TypeVarWithDefault

from arvo.contracts import Payload
from arvo.events import Event, Subject
from arvo.handlers import Emit, HandlerContext

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

__all__ = ["Done", "Turn", "Wait"]

D = TypeVar("D", bound=Payload)
P_co = TypeVar("P_co", bound=Payload, covariant=True)
S_co = TypeVar("S_co", bound=BaseModel, covariant=True)
# `Done[OrderPlaced]` is all that most functions have to say: what is left out is nothing.
KeptState_co = TypeVarWithDefault("KeptState_co", bound=BaseModel, covariant=True, default=Never)
Call_co = TypeVarWithDefault("Call_co", bound=Payload, covariant=True, default=Never)


class Turn(HandlerContext, Generic[P_co, S_co], frozen=True, kw_only=True):
    """Everything a workflow's function sees when an event wakes it up, beside what every handler sees.

    To call the function in a test, make one: `Turn(event=request, source="arvo.orc.order", state=OrderState(...))`.
    """

    event: Event[P_co]
    """The event that woke it up: its own initial request, the reply of a service, or a `Timeout`."""
    state: S_co | None = None
    """What the last `Wait` kept, a copy of this turn's own; None until one kept something."""
    collected: Sequence[Event[Any]] = ()
    """All replies so far to the workflow's own calls, this one included, in order of arrival."""
    init_event_id: str = ""
    """The id of the event that started the workflow."""
    parent_subject: str | None = None
    """The subject of the workflow that started this one, if one did."""

    def replies(self, payload: type[D]) -> list[Event[D]]:
        """The collected replies of one kind, oldest first: `turn.replies(CardCharged)`."""
        return [cast("Event[D]", reply) for reply in self.collected if isinstance(reply.data, payload)]

    @property
    def subject(self) -> Subject:
        """Which execution of the workflow this is, who started it and in which domain it lives."""
        return Subject.parse(self.event.subject)


@dataclass(frozen=True, slots=True)
class Wait(Generic[KeptState_co, Call_co]):
    """Keep `state`, send `calls`, and sleep until a reply arrives, or time has passed.

    Without a state the one there is stays. A call is the payload that a service accepts, or an `Emit` of one; several
    go out together, and their replies come back one turn each, in any order.

    If no event arrives before `wake_after` has passed, a `Timeout` wakes the function up. Every turn decides that anew.
    An `Emit` with a `deadline` waits for the reply to one call, however many turns there are in between. A workflow
    that uses either says so: `@workflow.on(..., timeouts=True)`.
    """

    state: KeptState_co | None = None
    calls: Sequence[Call_co | Emit[Call_co]] = ()
    wake_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Done(Generic[P_co, KeptState_co, Call_co]):
    """End the workflow with `output`, which goes to whoever started it. Later events are ignored.

    `state` is kept for the record, and `calls` are sent although no reply will be heard:
    `-> Done[OrderPlaced, OrderState, NotifyCustomer]`.
    """

    output: P_co | Emit[P_co]
    state: KeptState_co | None = None
    calls: Sequence[Call_co | Emit[Call_co]] = ()
