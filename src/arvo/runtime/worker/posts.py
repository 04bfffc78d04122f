"""What a worker serves: handlers, sinks and the hook for unhandled events, each under the name of its lanes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from arvo.errors import DefinitionError
from arvo.runtime.middleware import handed_on, taken_by, wrapped
from arvo.runtime.rate_limit import TokenBucket
from arvo.runtime.subscription import WorkflowDefinition
from arvo.runtime.worker.relay import OUTBOX
from arvo.runtime.worker.routes import LATE, UNHANDLED, sink_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from arvo.ports import MachineMemory
    from arvo.runtime.app import App
    from arvo.runtime.middleware import Execute, Middleware
    from arvo.runtime.subscription import Servable, Settings
    from arvo.runtime.worker.relay import Relay

__all__ = ["Post", "posts_of"]

Binding: TypeAlias = "Callable[[MachineMemory], Execute]"
"""Gives what runs an event, with the memory that a workflow is to use for it."""


@dataclass(slots=True, eq=False)
class Post:
    """One address that is served. `running` is how many lanes are worked on at the moment."""

    address: str
    bind: Binding
    settings: Settings
    running: int = 0
    bucket: TokenBucket | None = field(init=False)

    def __post_init__(self) -> None:
        self.bucket = None if self.settings.rate_limit is None else TokenBucket(self.settings.rate_limit)

    def room(self, now: float) -> int:
        """How many more lanes may be begun."""
        free = self.settings.concurrency - self.running
        return free if self.bucket is None else min(free, self.bucket.available(now))

    def may_begin(self, now: float) -> bool:
        """Whether one more event of a lane may be begun, which it then is."""
        if self.bucket is None:
            return True
        if not self.bucket.available(now):
            return False
        self.bucket.take(now)
        return True


def posts_of(app: App, sources: Iterable[str] | None, relay: Relay | None = None) -> dict[str, Post]:
    """All that `app` can serve, or those of it that `sources` names, by address; and what every worker serves."""
    posts = {post.address: post for post in _all_posts(app)}
    always = {post.address: post for post in (*_common_posts(app), *_ways_out(app, relay))}
    if sources is None:
        return posts | always
    chosen = tuple(dict.fromkeys(sources))
    unknown = [source for source in chosen if source not in posts]
    if unknown or not chosen:
        named = ", ".join(map(repr, unknown)) if unknown else "nothing"
        raise DefinitionError(
            f"The worker is to serve {named}, but the app has {', '.join(map(repr, posts))}. Name some of those, or "
            "leave `sources` out to serve all."
        )
    return {source: posts[source] for source in chosen} | always


def _common_posts(app: App) -> Iterator[Post]:
    yield Post(LATE, _always(handed_on), app.default_settings)
    for schedule in app.schedules:
        yield Post(schedule.address, _always(schedule.execute(app.publish)), app.default_settings)


def _ways_out(app: App, relay: Relay | None) -> Iterator[Post]:
    if relay is not None:
        sources = {handler.source for handler in app.handlers}
        for address in sorted({OUTBOX, *(contract.type for contract in app.external)} - sources):
            yield Post(address, _always(relay.execute), relay.settings)


def _all_posts(app: App) -> Iterator[Post]:
    for handler in app.handlers:
        yield Post(handler.source, _binding(handler, app.middleware), app.settings[handler.source])
    for domain, sink in app.sinks.items():
        yield Post(sink_address(domain), _always(taken_by(sink)), app.default_settings)
    if app.unhandled is not None:
        yield Post(UNHANDLED, _always(taken_by(app.unhandled)), app.default_settings)


def _binding(handler: Servable, middleware: Sequence[Middleware]) -> Binding:
    if isinstance(handler, WorkflowDefinition):
        definition = handler
        return lambda memory: wrapped(definition.bind(memory).execute, middleware)
    return _always(wrapped(handler.execute, middleware))


def _always(execute: Execute) -> Binding:
    return lambda _: execute
