"""Which services the actions of a chart call, as far as can be seen without running them.

A function says it by its return annotation; one without, as any lambda, can call everything. In documents, the actions
that call with parameters of their own say it by these.
"""

from __future__ import annotations

import collections.abc
import typing
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from arvo.handlers import Emit
from arvo.orchestration.document_chart import ENQUEUE
from arvo.orchestration.state_functions import Signal, StateAction
from arvo.statecharts import Assign, EmitEvent, RaiseEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arvo.contracts import ContractVersion, Services
    from arvo.statecharts import Action

__all__ = ["called_by"]

_SEVERAL = (list, tuple, collections.abc.Sequence)


def called_by(action: Action, services: Services[Any, Any]) -> frozenset[ContractVersion[Any, Any]] | None:
    """The services that an action may call, or None if that cannot be seen."""
    effect = action.effect
    if isinstance(effect, Assign | RaiseEvent):
        return frozenset()
    params: Any = action.params
    if action.name == ENQUEUE and isinstance(params, dict):
        called = params.get("type")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return frozenset(service for service in services.versions if service.accepted_type == called)
    if not isinstance(effect, StateAction | EmitEvent):
        return None
    kept = effect.model if isinstance(effect, StateAction) else None
    found: set[ContractVersion[Any, Any]] = set()
    for returned in _members(_return_annotation(effect.function)):
        if not isinstance(returned, type):
            return None
        if kept is None or not issubclass(returned, kept):
            service = services.by_accepts.get(returned)
            if service is None:
                return None
            found.add(service)
    return frozenset(found)


def _return_annotation(function: object) -> Any:
    """What a function says it returns; `Any` where it says nothing, or nothing that means something at run time."""
    annotations = getattr(function, "__annotations__", {})
    if "return" not in annotations:
        return Any

    def alike() -> None: ...

    # The annotations of its parameters may name what only type checkers know.
    alike.__annotations__ = {"return": annotations["return"]}
    try:
        return typing.get_type_hints(alike, globalns=getattr(function, "__globals__", {}))["return"]
    except (NameError, TypeError, AttributeError, SyntaxError):
        return Any


def _members(annotation: Any) -> Iterator[Any]:
    """The classes that an annotation allows to be returned, alone or in a sequence."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType, Emit, *_SEVERAL):
        for part in get_args(annotation):
            if part is not ...:
                yield from _members(part)
    elif annotation not in (None, NoneType, Signal):
        yield annotation
