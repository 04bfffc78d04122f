"""What the runtime's tests are played with: handlers made of functions, events between them, and a settable clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from arvo.events import Event

if TYPE_CHECKING:
    from arvo.contracts import ContractVersion

Outcome: TypeAlias = Sequence[Event[Any]] | Event[Any] | None
Function: TypeAlias = Callable[[Event[Any]], Awaitable[Outcome]]

OUTSIDE = "com.outside.caller"


@dataclass(frozen=True, eq=False)
class FunctionHandler:
    """An event handler that is one function, with no contract and no conversion of errors."""

    source: str
    function: Function
    _: KW_ONLY
    implements: tuple[ContractVersion[Any, Any], ...] = ()
    calls: tuple[ContractVersion[Any, Any], ...] = ()
    domain: str | None = None

    def check(self) -> None:
        """Always complete."""

    async def execute(self, event: Event[Any]) -> list[Event[Any]]:
        outcome = await self.function(event)
        if isinstance(outcome, Event):
            return [outcome]
        return cast("list[Event[Any]]", outcome) if outcome is not None else []


def handler(source: str) -> Callable[[Function], FunctionHandler]:
    """Make the decorated function a handler."""
    return lambda function: FunctionHandler(source, function)


def request(to: str, *, subject: str = "process/1", source: str = OUTSIDE, **envelope: Any) -> Event[Any]:
    """An event from outside for a handler."""
    return Event(type="com.some.request", source=source, subject=subject, to=to, data={}, **envelope)


def sent(by: str, cause: Event[Any], *, to: str, **envelope: Any) -> Event[Any]:
    """An event that a handler emits because of `cause`."""
    return Event(
        type="evt.some.output", source=by, subject=cause.subject, to=to, data={}, parentid=cause.id, **envelope
    )


def answer(by: str, cause: Event[Any], **envelope: Any) -> Event[Any]:
    """An event that goes back to where `cause` came from."""
    return sent(by, cause, to=cause.source, **envelope)


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(200):
        await asyncio.sleep(0)


class SimulatedClock:
    """Time that stands still until `advance`."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.naps: list[float] = []
        """What was asked for, in order."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._seconds + seconds, woken))
        await woken

    async def advance(self, duration: timedelta) -> None:
        """Wake in order everybody whose time comes within `duration`, each with all that follows from it."""
        end = self._seconds + duration.total_seconds()
        await settle()
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end]:
            at, woken = min(due, key=lambda sleeper: sleeper[0])
            self._sleepers.remove((at, woken))
            self._seconds = max(self._seconds, at)
            if not woken.done():
                woken.set_result(None)
                await settle()
        self._seconds = end
