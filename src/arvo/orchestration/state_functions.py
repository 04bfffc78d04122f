"""A machine author's functions as a chart calls them: the state instead of a context, a reply instead of an event.

What a function returned is read here, strictly. Where functions are attached is in `states.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from arvo.contracts import Payload
from arvo.errors import ContractViolation, DefinitionError, Issue
from arvo.handlers import Emit

if TYPE_CHECKING:
    from arvo.statecharts import DelayFunction, GuardFunction, OutputFunction, Scope

__all__ = [
    "STATE",
    "FunctionNames",
    "Signal",
    "StateAction",
    "arguments_of",
    "check_function",
    "checked_state",
    "delay_function",
    "guard_function",
    "output_function",
]

M = TypeVar("M", bound=BaseModel)

STATE = "state"
"""Where a chart's context has the state while a step runs."""


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """An event that a machine sends to itself, within one step; made by `machine.signal`."""

    name: str


@dataclass(frozen=True, slots=True)
class StateAction:
    """An action of a chart that calls a function `(state)` or `(state, reply)` and does what it returns."""

    function: Callable[..., Any]
    takes_reply: bool
    model: type[BaseModel]
    signals: Mapping[str, Signal]
    """Those of its machine."""
    what: str
    """How errors name it."""

    def apply(self, scope: Scope, params: Any, /) -> None:  # noqa: ARG002 - machines in Python have no parameters
        """Call the function, then keep the state, emit the calls and raise the signals that it returned."""
        state = scope.context[STATE]
        result = self.function(state, scope.event.data) if self.takes_reply else self.function(state)
        items: Sequence[Any] = () if result is None else _several(result)
        assigned = None
        for item in items:
            if isinstance(item, self.model):
                if assigned is not None:
                    raise self._refused("returned two states, and only one can be kept")
                assigned = item
            elif isinstance(item, Payload | Emit):
                scope.emit(item)
            elif isinstance(item, Signal) and self.signals.get(item.name) is item:
                scope.raise_event({"type": item.name})
            else:
                raise self._refused(f"returned {item!r:.80}")
        if assigned is not None and assigned is not state:
            scope.context = {STATE: checked_state(assigned, self.model, self.what)}
            scope.assigned = True

    def _refused(self, problem: str) -> ContractViolation:
        return ContractViolation(
            f"{self.what} {problem}. Return a new {self.model.__name__}, a payload that a service accepts or an Emit "
            "of one, a signal of the same machine, several of them in a list or tuple, or None."
        )


def _several(result: object) -> Sequence[Any]:
    if isinstance(result, Sequence) and not isinstance(result, str | bytes):
        return result  # pyright: ignore[reportUnknownVariableType]
    return (result,)


def checked_state(state: object, model: type[M], what: str) -> M:
    """The state as it will be after it was kept: one that cannot be kept has to fail where it was made."""
    if not isinstance(state, model):
        raise ContractViolation(f"{what} returned {state!r:.80}, which is no {model.__name__}. Return one.")
    strangers = [name for name in state.__dict__ if name not in model.model_fields and not hasattr(model, name)]
    issues = [Issue((name,), f"{model.__name__} has no such field", "unknown_field") for name in strangers]
    try:
        kept = model.__pydantic_validator__.validate_json(
            model.__pydantic_serializer__.to_json(state, by_alias=True, round_trip=True, warnings=False),
            by_alias=True,
            by_name=True,
        )
    except PydanticSerializationError as error:
        issues.append(Issue((), str(error), "not_json"))
    except ValidationError as error:
        issues += [
            Issue(detail["loc"], detail["msg"], detail["type"])
            for detail in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    else:
        if not issues:
            return cast("M", kept)
    raise ContractViolation(
        f"{what} returned a state that is no valid {model.__name__}: {'; '.join(map(str, issues))}. "
        "The model's own constructor would have told; model_copy(update=...) checks nothing.",
        issues=issues,
    )


def guard_function(function: Callable[..., Any], *, takes_reply: bool) -> GuardFunction:
    """The function as a guard of a chart."""
    if takes_reply:
        return lambda context, event, _params: function(context[STATE], event.data)
    return lambda context, _event, _params: function(context[STATE])


def delay_function(function: Callable[..., Any]) -> DelayFunction:
    """The function as the duration of a delay."""
    return lambda context, _event: function(context[STATE])


def output_function(function: Callable[[Any], Any]) -> OutputFunction:
    """The function as the output of a final state."""
    return lambda context, _event: function(context[STATE])


def check_function(function: object, what: str, *, arguments: tuple[str, ...]) -> None:
    """Raise `DefinitionError` unless `function` can be called with these arguments and answers at once."""
    takes = f"({', '.join(arguments)})"
    if not callable(function):
        raise DefinitionError(f"{what} is {function!r:.80}, which is no function. Give one that takes {takes}.")
    if any(map(_is_lazy, (inspect.unwrap(function), getattr(function, "__call__", None)))):  # noqa: B004
        raise DefinitionError(
            f"{what} is async or yields, but a step of a machine is one plain call. Return the calls of services that "
            "do the work, and take their replies with .on(...)."
        )
    if not _can_be_called_with(function, len(arguments)):
        raise DefinitionError(f"{what} cannot be called with {takes}. Give it these parameters.")


def _is_lazy(function: object) -> bool:
    """Whether calling the function only makes something that has to be awaited or iterated over."""
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return any(is_kind(function) for is_kind in kinds)


def arguments_of(function: Callable[..., Any]) -> int:
    """How many arguments a function needs, one or two: a condition need not look at the reply."""
    return 1 if _can_be_called_with(function, 1) else 2


def _can_be_called_with(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        # Some functions written in C do not say what they take.
        return True
    return True


class FunctionNames:
    """Gives each function of a machine the name that diagrams and documents call it by."""

    __slots__ = ("_functions", "_reserved")

    def __init__(self, *, reserved: frozenset[str] = frozenset()) -> None:
        self._reserved = reserved
        self._functions: dict[str, object] = {}

    def of(self, function: object, place: str) -> str:
        """The function's own name; that of the place where it is used if it has none, and numbered if it is taken."""
        own: object = getattr(function, "__name__", None)
        base = own if isinstance(own, str) and own != "<lambda>" else place
        name, number = base, 1
        while name in self._reserved or self._functions.setdefault(name, function) != function:
            number += 1
            name = f"{base}_{number}"
        return name
