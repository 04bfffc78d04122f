"""What may be registered as the function of a handler or of a workflow."""

from __future__ import annotations

import inspect

from arvo.errors import DefinitionError

__all__ = ["check_function"]


def check_function(function: object, whose: str) -> None:
    """Raise `DefinitionError` unless calling `function` gives something to await, as far as can be seen.

    Async functions, methods and callable objects are fine, also in a `functools.partial` or behind decorators that use
    `functools.wraps`. `whose` opens the error message.
    """
    inner = inspect.unwrap(function) if callable(function) else function
    if not any(map(inspect.iscoroutinefunction, (function, inner, getattr(inner, "__call__", None)))):  # noqa: B004
        name = getattr(function, "__qualname__", repr(function))
        raise DefinitionError(
            f"{whose}: {name} is not an async function, so it cannot be awaited. Define it with `async def`; "
            "to emit several payloads, return a list instead of yielding."
        )
