"""Waiting for the event that comes back: who waits, how an answer finds them, and what is said when none comes."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

from arvo.contracts import Payload
from arvo.errors import ArvoError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from arvo.events import Event
    from arvo.runtime.dead_letters import DeadLetter

__all__ = ["Answering", "Resolution", "Resolutions", "ResolveTimeoutError", "UnansweredError"]

A_contra = TypeVar("A_contra", bound=Payload, contravariant=True)
R_co = TypeVar("R_co", bound=Payload, covariant=True)


class Answering(Protocol[A_contra, R_co]):
    """What `resolve` needs of a contract version: that it fits the event, and how it reads the answer."""

    def request(self, data: A_contra, *, source: str) -> Event[Any]:
        """The event that was published is one of these."""
        ...

    def parse_emitted(self, event: Event[Any]) -> Event[R_co]:
        """The answer, with its data as a payload."""
        ...


class UnansweredError(ArvoError):
    """`resolve` ended without the event it waited for; the attributes say what became of the chain instead.

    `event` was published, `handlers` took part, `dead_letters` were given up, `handed_over` went to the sinks of their
    domains, and `waiting` are in domains without a sink.
    """

    def __init__(
        self,
        event: Event[Any],
        reason: str,
        *,
        handlers: Iterable[str] = (),
        dead_letters: Iterable[DeadLetter] = (),
        handed_over: Iterable[Event[Any]] = (),
        waiting: Iterable[Event[Any]] = (),
    ) -> None:
        super().__init__(f"Nothing came back to {event.source!r} for {event.type!r} (id {event.id}): {reason}")
        self.event = event
        self.handlers = tuple(handlers)
        self.dead_letters = tuple(dead_letters)
        self.handed_over = tuple(handed_over)
        self.waiting = tuple(waiting)


class ResolveTimeoutError(UnansweredError, TimeoutError):
    """The time that `resolve` was given is over; the chain itself goes on.

    Over a store, all that is known is what the store tells: dead letters, and waiting events of the same subject.
    """


class _Known(TypedDict):
    handlers: Iterable[str]
    dead_letters: Iterable[DeadLetter]
    handed_over: Iterable[Event[Any]]
    waiting: Iterable[Event[Any]]


class Resolution:
    """One `resolve` in progress. Its chains may be several: answers from other domains start new ones."""

    __slots__ = (
        "answer",
        "chains",
        "dead_letters",
        "event",
        "handed_over",
        "handlers",
        "patient",
        "scheduled",
        "waiting",
    )

    def __init__(self, event: Event[Any], *, patient: bool) -> None:
        self.event = event
        self.patient = patient
        self.answer: asyncio.Future[Event[Any]] = asyncio.get_running_loop().create_future()
        self.chains = 0
        self.scheduled = 0
        """How many events of its chains are held back until their time."""
        self.handlers: dict[str, None] = {}
        self.dead_letters: list[DeadLetter] = []
        self.handed_over: list[Event[Any]] = []
        self.waiting: list[Event[Any]] = []

    def take(self, event: Event[Any]) -> bool:
        """Whether `event` is the answer; the first one is."""
        if self.answer.done() or event.to != self.event.source:
            return False
        self.answer.set_result(event)
        return True

    def chain_ended(self) -> None:
        """Give up when nothing is left that could still bring an answer."""
        self.chains -= 1
        outside = self.handed_over or self.waiting
        if self.chains == 0 and not (outside and self.patient):
            error = UnansweredError(self.event, self._reason(), **self._known())
            error.__cause__ = self.dead_letters[0].error if self.dead_letters else None
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End with `error` unless there is an answer."""
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # nobody may be waiting any more, and that is no reason for a warning

    def timed_out(self, limit: object) -> ResolveTimeoutError:
        """The error for a `resolve` that ran out of time."""
        state = "its chain is still running" if self.chains else self._reason()
        return ResolveTimeoutError(self.event, f"no answer within {limit}; {state}", **self._known())

    def _known(self) -> _Known:
        return {
            "handlers": self.handlers,
            "dead_letters": self.dead_letters,
            "handed_over": self.handed_over,
            "waiting": self.waiting,
        }

    def _reason(self) -> str:
        if self.dead_letters:
            return f"an event of its chain became a dead letter. {self.dead_letters[0]}."
        if self.waiting:
            names = ", ".join(sorted({repr(event.domain) for event in self.waiting}))
            return (
                f"an event waits in domain {names}, which has no sink. Register one with @app.sink(...), or give "
                "resolve a timeout and publish the answer meanwhile."
            )
        if self.handed_over:
            names = ", ".join(sorted({repr(event.domain) for event in self.handed_over}))
            return (
                f"an event was handed to the sink of domain {names}, and its answer has not been published here. Give "
                "resolve a timeout in which the answer may come."
            )
        took_part = ", ".join(repr(handler) for handler in self.handlers) or "none"
        return (
            f"every handler that took part ({took_part}) has finished, and none of them addressed an event to it. "
            "Check what they return, and `redirectto` of the event."
        )


class Resolutions:
    """All that wait, and where to find them when an answer is published from outside."""

    __slots__ = ("_by_event", "_by_subject", "_open")

    def __init__(self) -> None:
        self._open: dict[Resolution, None] = {}
        self._by_event: dict[str, Resolution] = {}
        self._by_subject: dict[str, Resolution] = {}

    @contextmanager
    def opened(self, resolution: Resolution) -> Generator[None]:
        """Have `resolution` wait while the body runs, and leave nothing of it behind."""
        self._open[resolution] = None
        try:
            yield
        finally:
            del self._open[resolution]
            for event in (*resolution.handed_over, *resolution.waiting):
                if self._by_event.get(event.id) is resolution:
                    del self._by_event[event.id]
                if self._by_subject.get(event.subject) is resolution:
                    del self._by_subject[event.subject]

    def left(self, event: Event[Any], resolution: Resolution, *, sink: bool) -> None:
        """Remember that `event` of `resolution`'s chain has gone to another domain, to a sink of it or to wait."""
        if resolution in self._open:
            (resolution.handed_over if sink else resolution.waiting).append(event)
            self._by_event.setdefault(event.id, resolution)
            self._by_subject.setdefault(event.subject, resolution)

    def expecting(self, event: Event[Any]) -> Resolution | None:
        """The resolution that `event`, published from outside, belongs to: by parent, else by subject."""
        if not self._by_event:
            return None
        by_parent = self._by_event.get(event.parentid) if event.parentid is not None else None
        return by_parent or self._by_subject.get(event.subject)

    def await_time(self) -> bool:
        """Whether somebody waits for what comes of an event that is held back."""
        return any(resolution.scheduled and not resolution.answer.done() for resolution in self._open)

    def fail_all(self, error: Exception) -> None:
        """End every wait with `error`."""
        for resolution in self._open:
            resolution.fail(error)
