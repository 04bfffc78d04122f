# ruff: noqa: ARG001 - they only look like functions of handlers

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import DefinitionError
from arvo.handlers import check_function

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


async def plain(*args: Any) -> None: ...


class WithMethod:
    async def method(self, *args: Any) -> None: ...

    async def __call__(self, *args: Any) -> None: ...


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def not_async(*args: Any) -> None: ...


async def generator(*args: Any) -> AsyncIterator[None]:
    yield


class NotAsync:
    def __call__(self, *args: Any) -> None: ...


@pytest.mark.parametrize(
    "function",
    [plain, partial(plain, 1), WithMethod().method, WithMethod(), partial(WithMethod().method, 1), timed(plain)],
    ids=["function", "partial", "method", "object", "partial_method", "decorated"],
)
def test_whatever_can_be_awaited_is_taken(function: object) -> None:
    check_function(function, "Handler for 'com.x.y'")


@pytest.mark.parametrize(
    "function",
    [not_async, generator, NotAsync(), partial(not_async, 1), timed(not_async), "plain", None],
    ids=["function", "async_generator", "object", "partial", "decorated", "text", "none"],
)
def test_whatever_cannot_be_awaited_is_refused(function: object) -> None:
    with pytest.raises(DefinitionError, match=r"^Handler for 'com.x.y': .* is not an async function"):
        check_function(function, "Handler for 'com.x.y'")
