"""Asking over a store: an event goes in, workers do what comes of it, and its sender fetches the answer."""

# ruff: noqa: ASYNC109 - cancelling a call that fetches an answer would lose it, so time is looked at between calls

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, overload

from arvo.contracts import Payload
from arvo.errors import ArvoError, ConfigViolation, InvalidEvent
from arvo.runtime.dead_letters import DeadLetter, DeadLetterReason
from arvo.runtime.resolution import ResolveTimeoutError
from arvo.runtime.worker.enqueue import enqueue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from arvo.events import Event
    from arvo.ports import Delivery, Store, StoredDeadLetter, WaitingEvent
    from arvo.runtime.app import App
    from arvo.runtime.resolution import Answering

__all__ = ["resolve"]

A = TypeVar("A", bound=Payload)
R = TypeVar("R", bound=Payload)

_LONGEST_WAIT_SECONDS = 5.0
_SHORTEST_PAUSE_SECONDS = 0.005
_LONGEST_PAUSE_SECONDS = 0.1
_PAGE = 500
_PAGES_SEARCHED = 10


@overload
async def resolve(
    app: App, store: Store, event: Event[A], *, expect: Answering[A, R], timeout: timedelta | None = None
) -> Event[R]: ...
@overload
async def resolve(app: App, store: Store, event: Event[Any], *, timeout: timedelta | None = None) -> Event[Any]: ...
async def resolve(
    app: App,
    store: Store,
    event: Event[Any],
    *,
    expect: Answering[Any, Any] | None = None,
    timeout: timedelta | None = None,
) -> Event[Any]:
    """Enqueue the event, wait for what comes back to its source under its subject, and return it.

        request = charge_v1.request(ChargeCard(...), source="com.web.checkout")
        answer = await resolve(app, store, request, expect=charge_v1, timeout=timedelta(seconds=30))

    The work is done by workers, here or elsewhere. With `expect=charge_v1` the answer is read as one that this version
    gives. The answer is fetched once; should the asker crash before that, asking again with the same event (by id) gets
    it. Only one may ask under a subject at a time, which is so when each request has a subject of its own.

    Raises what `enqueue` does, and `ResolveTimeoutError`, which names what the store knows of the event, after
    `timeout`. Without one it waits for as long as it takes: a store cannot tell that nothing will come any more.
    """
    if any(event.source == handler.source for handler in app.handlers):
        raise ConfigViolation(
            f"The answer to {event.type!r} would go to {event.source!r}, which is a handler of this app, and not to "
            "the caller of resolve. Give the event a source that no handler answers to."
        )
    loop = asyncio.get_running_loop()
    ends_at = None if timeout is None else loop.time() + timeout.total_seconds()
    is_new = await enqueue(app, store, event)
    pause = _SHORTEST_PAUSE_SECONDS
    while not (found := await store.collect(event.source, event.subject)):
        now = loop.time()
        if ends_at is not None and now >= ends_at:
            raise await _timed_out(store, event, f"no answer within {timeout}", is_new=is_new)
        left = _LONGEST_WAIT_SECONDS if ends_at is None else min(ends_at - now, _LONGEST_WAIT_SECONDS)
        await store.wait_for_work([event.source], timedelta(seconds=left))
        # Answers to others, under the same source, end the wait at once for as long as nobody fetches them.
        woken_early = loop.time() - now < pause
        if woken_early:
            await asyncio.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS) if woken_early else _SHORTEST_PAUSE_SECONDS
    answer = _answer_in(found, event)
    return answer if expect is None else expect.parse_emitted(answer)


def _answer_in(found: Sequence[Delivery], event: Event[Any]) -> Event[Any]:
    """The one that answers the event itself; else, since others may have answered for whom it went to, the first."""
    events = [delivery.event() for delivery in found]
    return next((answer for answer in events if answer.parentid == event.id), events[0])


async def _timed_out(store: Store, event: Event[Any], reason: str, *, is_new: bool) -> ResolveTimeoutError:
    letters = [_shown(letter) async for letter in _dead_letters(store, event)]
    waiting = [entry.event() async for entry in _waiting(store, event)]
    address = event.type if event.to is None else event.to
    if letters:
        reason += f"; an event of its subject became a dead letter. {letters[0]}."
    elif waiting:
        names = ", ".join(sorted({repr(entry.domain) for entry in waiting}))
        reason += f"; an event of its subject waits in domain {names} for somebody to answer it."
    elif not any(address in worker.info.handlers for worker in await store.workers()):
        reason += f"; no worker runs that serves {address!r}. Start one: the event is kept."
    else:
        reason += "; nothing of it was given up, so it may still come. Ask again with the same event to wait longer."
    if not is_new:
        reason += " The store had this very event before; an answer that was fetched then does not come again."
    return ResolveTimeoutError(event, reason, dead_letters=letters, waiting=waiting)


async def _dead_letters(store: Store, event: Event[Any]) -> AsyncIterator[StoredDeadLetter]:
    last: StoredDeadLetter | None = None
    for _ in range(_PAGES_SEARCHED):
        page = await store.dead_letters(after=last, limit=_PAGE)
        for letter in page:
            if _has_subject(letter, event):
                yield letter
        if len(page) < _PAGE:
            return
        last = page[-1]


async def _waiting(store: Store, event: Event[Any]) -> AsyncIterator[WaitingEvent]:
    last: WaitingEvent | None = None
    for _ in range(_PAGES_SEARCHED):
        page = await store.waiting(after=last, limit=_PAGE)
        for entry in page:
            if _has_subject(entry, event):
                yield entry
        if len(page) < _PAGE:
            return
        last = page[-1]


def _has_subject(stored: StoredDeadLetter | WaitingEvent, event: Event[Any]) -> bool:
    try:
        return stored.event().subject == event.subject
    except InvalidEvent:
        return False


def _shown(stored: StoredDeadLetter) -> DeadLetter:
    letter = stored.letter
    known = {reason.value: reason for reason in DeadLetterReason}
    return DeadLetter(
        event=stored.event(),
        handler=letter.handler,
        reason=known.get(letter.reason, DeadLetterReason.UNEXPECTED),
        error=ArvoError(letter.error),
        attempts=letter.attempts,
        at=stored.at,
    )
