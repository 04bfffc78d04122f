"""What a worker serves: handlers, sinks and the hook for unhandled events, each under the name of its lanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from arvo.errors import DefinitionError
from arvo.runtime.middleware import taken_by, wrapped
from arvo.runtime.subscription import WorkflowDefinition
from arvo.runtime.worker.routes import UNHANDLED, sink_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from arvo.ports import MachineMemory
    from arvo.runtime.app import App
    from arvo.runtime.middleware import Execute, Middleware
    from arvo.runtime.subscription import Servable, Settings

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


def posts_of(app: App, sources: Iterable[str] | None) -> dict[str, Post]:
    """All that `app` can serve, or those of it that `sources` names, by address."""
    posts = {post.address: post for post in _all_posts(app)}
    if sources is None:
        return posts
    chosen = tuple(dict.fromkeys(sources))
    unknown = [source for source in chosen if source not in posts]
    if unknown or not chosen:
        named = ", ".join(map(repr, unknown)) if unknown else "nothing"
        raise DefinitionError(
            f"The worker is to serve {named}, but the app has {', '.join(map(repr, posts))}. Name some of those, or "
            "leave `sources` out to serve all."
        )
    return {source: posts[source] for source in chosen}


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
