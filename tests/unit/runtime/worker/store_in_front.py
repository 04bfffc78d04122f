"""A store that hands every call on to another one, for tests that watch or disturb some of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.ports import Store

CALLS = (
    "publish",
    "claim",
    "finish",
    "finish_and_claim",
    "renew",
    "release",
    "wait_for_work",
    "heartbeat",
    "workers",
    "remove_workers",
)


class StoreInFront:
    """Goes through `around` with each call that a worker makes: its name, what it was given, and the rest of the way.

    `around` may raise, wait, change what goes in and what comes out; without it everything goes straight through.
    """

    def __init__(self, behind: Store) -> None:
        self.behind = behind
        self.calls: Counter[str] = Counter()
        self.around: Callable[[str, tuple[Any, ...], Callable[[], Awaitable[Any]]], Awaitable[Any]] | None = None

    def as_store(self) -> Store:
        """The store as workers see it."""
        return cast("Store", self)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.behind, name)
        if name not in CALLS:
            return call

        async def passed_on(*given: Any, **named: Any) -> Any:
            self.calls[name] += 1
            if self.around is None:
                return await call(*given, **named)
            return await self.around(name, given, lambda: call(*given, **named))

        return passed_on


class FailingStore(StoreInFront):
    """Fails as often as `failures` says for each call, before it takes effect or, with `lose_answers`, after it."""

    def __init__(self, behind: Store, failures: dict[str, int], *, lose_answers: bool = False) -> None:
        super().__init__(behind)
        self.failures = Counter(failures)
        self.around = self._failing
        self._lose_answers = lose_answers

    async def _failing(self, name: str, _: tuple[Any, ...], call: Callable[[], Awaitable[Any]]) -> Any:
        fails = self.failures[name] > 0
        self.failures[name] -= 1
        if fails and not self._lose_answers:
            raise BackendError("The store is away.")
        result = await call()
        if fails:
            raise BackendError("The store went away before it answered.")
        return result
