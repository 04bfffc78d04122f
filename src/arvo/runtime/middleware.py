"""What runs around every handler: one shape for work before, after, around or instead of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

from arvo.events import Event

__all__ = ["Execute", "Middleware", "handed_on", "taken_by", "wrapped"]

Execute: TypeAlias = Callable[[Event[Any]], Awaitable[Sequence[Event[Any]]]]
"""Takes an event and returns what came of it."""

Middleware: TypeAlias = Callable[[Event[Any], Execute], Awaitable[Sequence[Event[Any]]]]
"""Gets the event and `call_next`, the rest of the way to the handler, and returns the events to emit.

It runs once for every attempt. What it raises is treated like an error of the handler: retried or parked.

    async def timed(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        started = perf_counter()
        outputs = await call_next(event)
        print(event.type, perf_counter() - started)
        return outputs
"""


def wrapped(execute: Execute, middleware: Iterable[Middleware]) -> Execute:
    """`execute` with `middleware` around it, the first one outermost."""
    for layer in reversed(tuple(middleware)):
        execute = _layered(layer, execute)
    return execute


def _layered(layer: Middleware, call_next: Execute) -> Execute:
    def run(event: Event[Any]) -> Awaitable[Sequence[Event[Any]]]:
        return layer(event, call_next)

    return run


async def handed_on(event: Event[Any]) -> Sequence[Event[Any]]:
    """A station on the way of an event, in the shape of a handler: it comes out as it went in."""
    return (event,)


def taken_by(sink: Callable[[Event[Any]], Awaitable[None]]) -> Execute:
    """A sink in the shape of a handler: nothing comes of what it takes."""

    async def run(event: Event[Any]) -> Sequence[Event[Any]]:
        await sink(event)
        return ()

    return run
