"""How calls that come while others are under way share one transaction, so that they pay for one commit together."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence

__all__ = ["Grouping"]

Request = TypeVar("Request")
Answer = TypeVar("Answer")

_LARGEST_GROUP = 256


class Grouping(Generic[Request, Answer]):
    """Carries out requests in groups, `at_once` of them at a time.

    `about` tells what a request is about; requests about the same thing never share a group and keep their order. When
    a group fails, each of its requests is tried alone, so that none suffers for another; except where `is_outage` says
    that the error has nothing to do with what was asked for.
    """

    def __init__(
        self,
        carry_out: Callable[[Sequence[Request]], Awaitable[Sequence[Answer]]],
        *,
        about: Callable[[Request], Iterable[Hashable]],
        is_outage: Callable[[BackendError], bool],
        at_once: int = 1,
    ) -> None:
        self._carry_out = carry_out
        self._is_outage = is_outage
        self._about = about
        self._at_once = at_once
        self._queue: deque[tuple[Request, asyncio.Future[Answer]]] = deque()
        self._running: dict[asyncio.Task[None], set[Hashable]] = {}

    async def submit(self, request: Request) -> Answer:
        """Return the answer to a request. Cancelling this does not cancel the request once it is under way."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._queue.append((request, answer))
        # Not at once, so that what other tasks are about to submit comes along.
        loop.call_soon(self._start)
        return await answer

    async def finish(self) -> None:
        """Return when everything submitted is done."""
        while self._queue or self._running:
            self._start()
            if self._running:
                await asyncio.wait(self._running)

    def _start(self) -> None:
        while len(self._running) < self._at_once and (group := self._next_group()):
            topics = {topic for request, _ in group for topic in self._about(request)}
            task = asyncio.ensure_future(self._run(group))
            self._running[task] = topics
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._start()

    def _next_group(self) -> list[tuple[Request, asyncio.Future[Answer]]]:
        taken = {topic for topics in self._running.values() for topic in topics}
        group: list[tuple[Request, asyncio.Future[Answer]]] = []
        while self._queue and len(group) < _LARGEST_GROUP:
            request, answer = self._queue[0]
            topics = set(self._about(request))
            if topics & taken:
                break
            self._queue.popleft()
            if not answer.cancelled():
                taken |= topics
                group.append((request, answer))
        return group

    async def _run(self, group: Sequence[tuple[Request, asyncio.Future[Answer]]]) -> None:
        answers = await self._answers([request for request, _ in group])
        for (_, waiting), answer in zip(group, answers, strict=True):
            if waiting.done():
                continue
            if isinstance(answer, Exception):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)

    async def _answers(self, requests: Sequence[Request]) -> Sequence[Answer | Exception]:
        try:
            return await self._carry_out(requests)
        except BackendError as error:
            if len(requests) == 1 or self._is_outage(error):
                return [_copy(error) for _ in requests]
        except Exception as error:  # noqa: BLE001  whatever it is, those who wait must hear of it
            return [error for _ in requests]
        return [(await self._answers([request]))[0] for request in requests]


def _copy(error: BackendError) -> BackendError:
    """Return an exception of its own for one of several who share a failure."""
    own = BackendError(error.message)
    own.__cause__ = error.__cause__
    return own
