"""Conditions on the transitions of a machine: plain functions, and guards that combine them.

A function gets the state, and on a reply the reply too if it wants it. How a chart evaluates guards is in
`arvo.statecharts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typing_extensions import TypeVar as TypeVarWithDefault

from arvo.statecharts import AllOf, AnyOf, Not

if TYPE_CHECKING:
    from collections.abc import Callable

    from arvo.statecharts import Guard as ChartGuard

__all__ = ["Guard", "all_of", "any_of", "not_"]

S = TypeVar("S")
# Conditions on the state alone hold for whatever was replied.
D = TypeVarWithDefault("D", default=object)
S_contra = TypeVar("S_contra", contravariant=True)
D_contra = TypeVar("D_contra", contravariant=True)


class Guard(Generic[S_contra, D_contra]):
    """A condition made of others, by `all_of`, `any_of`, `not_`, or of a state: `reserving.active`."""

    __slots__ = ("combine", "parts")

    def __init__(self, combine: Callable[[tuple[ChartGuard, ...]], ChartGuard], *parts: Any) -> None:
        self.combine = combine
        self.parts: tuple[Any, ...] = parts


def all_of(*conditions: Callable[[S], bool] | Callable[[S, D], bool] | Guard[S, D]) -> Guard[S, D]:
    """Holds when every condition holds: `when=all_of(is_large, not_(paused.active))`."""
    return Guard(AllOf, *conditions)


def any_of(*conditions: Callable[[S], bool] | Callable[[S, D], bool] | Guard[S, D]) -> Guard[S, D]:
    """Holds when at least one condition holds."""
    return Guard(AnyOf, *conditions)


def not_(condition: Callable[[S], bool] | Callable[[S, D], bool] | Guard[S, D]) -> Guard[S, D]:
    """Holds when the condition does not."""
    return Guard(lambda parts: Not(parts[0]), condition)
