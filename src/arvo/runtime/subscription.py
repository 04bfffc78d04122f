"""A handler's place in an app: the handler or workflow definition, and how much of it may run at once."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from arvo.errors import DefinitionError
from arvo.handlers import EventHandler
from arvo.ports.store.work import PRIORITIES
from arvo.runtime.rate_limit import RateLimit  # noqa: TC001 - dataclass fields are looked at
from arvo.runtime.retry import RetryPolicy

if TYPE_CHECKING:
    from arvo.contracts import ContractVersion
    from arvo.ports import MachineMemory

__all__ = ["Servable", "Settings", "Subscription", "WorkflowDefinition"]


@runtime_checkable
class WorkflowDefinition(Protocol):
    """A workflow without its memory: all that an `EventHandler` tells about itself, and `bind` to make it one."""

    @property
    def source(self) -> str:
        """The name it answers to."""
        ...

    @property
    def domain(self) -> str | None:
        """The domain it lives in; None is the local one."""
        ...

    @property
    def implements(self) -> tuple[ContractVersion[Any, Any], ...]:
        """The versions it answers for."""
        ...

    @property
    def calls(self) -> tuple[ContractVersion[Any, Any], ...]:
        """The versions of other contracts that it calls."""
        ...

    def check(self) -> None:
        """Raise `DefinitionError` when it is not complete."""
        ...

    def bind(self, memory: MachineMemory) -> EventHandler:
        """The workflow as a handler that keeps its state in `memory`."""
        ...


Servable: TypeAlias = EventHandler | WorkflowDefinition
"""What an app can run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How much of a handler may run at once, how urgent that is, and what happens to events it fails on."""

    concurrency: int = 16
    queue_limit: int = 1000
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    rate_limit: RateLimit | None = None
    priority: int = 0

    def __post_init__(self) -> None:
        for name, value in (("concurrency", self.concurrency), ("queue_limit", self.queue_limit)):
            if value < 1:
                raise DefinitionError(f"{name} is {value}, so no event could ever be handled. Give it 1 or more.")
        if self.priority not in PRIORITIES:
            raise DefinitionError(f"priority={self.priority} is not between {PRIORITIES[0]} and {PRIORITIES[-1]}.")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler with settings of its own: `App(handlers=[ship, Subscription(charge, concurrency=2)])`.

    `concurrency` is how many events it works on at once, all of different subjects; `queue_limit` how many events
    published to it may be unfinished, with all that came of them, before publishers have to wait; `retry` what happens
    to failed events. None takes the app's setting. `rate_limit` bounds how many events it begins in a time, in each
    process. Durable workers take what has a higher priority first: that of an event and the `priority` of its handler
    added up. What comes of an event has the event's own.
    """

    handler: Servable
    _: KW_ONLY
    concurrency: int | None = None
    queue_limit: int | None = None
    retry: RetryPolicy | None = None
    rate_limit: RateLimit | None = None
    priority: int = 0

    def settings(self, default: Settings) -> Settings:
        """The settings given here, and those of `default` for the rest."""
        return Settings(
            concurrency=default.concurrency if self.concurrency is None else self.concurrency,
            queue_limit=default.queue_limit if self.queue_limit is None else self.queue_limit,
            retry=default.retry if self.retry is None else self.retry,
            rate_limit=self.rate_limit,
            priority=self.priority,
        )
