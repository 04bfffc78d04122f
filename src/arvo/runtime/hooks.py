"""What an app tells to those who watch it: observations of single attempts, dead letters, and the hooks that get them.

Hooks watch, they do not steer: what one raises is logged and changes nothing for the events.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from arvo.runtime.dead_letters import DeadLetter

if TYPE_CHECKING:
    from arvo.events import Event
    from arvo.runtime.retry import Park, Retry

__all__ = ["DeadLetterHook", "Hooks", "Observation", "Observer"]

logger = logging.getLogger("arvo.runtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One attempt of one handler (or sink) at one event.

    `handler` is its source, `outputs` what it emitted, `error` what it raised instead, and `decision` what follows
    from the error: another try or a dead letter.
    """

    event: Event[Any]
    handler: str
    attempt: int
    duration_seconds: float
    outputs: tuple[Event[Any], ...] = ()
    error: Exception | None = None
    decision: Retry | Park | None = None


Observer: TypeAlias = Callable[[Observation], object]
"""Called in line after every attempt, so it must be quick; nothing is measured or built while there is none."""

DeadLetterHook: TypeAlias = Callable[[DeadLetter], Awaitable[object]]
"""Awaited before the chain of the event counts as finished."""


@dataclass(slots=True)
class Hooks:
    """The hooks of one app, in order of registration."""

    observers: list[Observer] = field(default_factory=list[Observer])
    on_dead_letter: list[DeadLetterHook] = field(default_factory=list[DeadLetterHook])

    def observe(self, observation: Observation) -> None:
        """Tell every observer."""
        for observer in self.observers:
            try:
                observer(observation)
            except Exception:
                logger.exception("An on_event hook failed on %s; the event is not affected.", observation.event.id)

    async def report(self, letter: DeadLetter) -> None:
        """Tell every dead-letter hook."""
        for hook in self.on_dead_letter:
            try:
                await hook(letter)
            except Exception:
                logger.exception("An on_dead_letter hook failed on %s; the letter is kept.", letter.event.id)
