"""Conditions on transitions: named functions, and the built-in `and`, `or`, `not` and `stateIn` over them.

A guard has two forms: the readable one that documents and diagrams show (`Guard`), and the function a step calls
(`Check`), made once when the chart is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from arvo.errors import Issue
from arvo.statecharts.document import as_list, as_object
from arvo.statecharts.references import escape_key

if TYPE_CHECKING:
    from arvo.statecharts.definition import StateNode

__all__ = [
    "BUILT_IN_GUARDS",
    "AllOf",
    "AnyOf",
    "Check",
    "Guard",
    "GuardFunction",
    "NamedGuard",
    "Not",
    "StateIn",
    "compile_guard",
    "read_guard",
    "read_name",
]

BUILT_IN_GUARDS = frozenset({"and", "or", "not", "stateIn"})

GuardFunction: TypeAlias = Callable[[dict[str, Any], Any, Any], object]
StatePattern: TypeAlias = "str | Mapping[str, Any]"


class ActiveStates(Protocol):
    """What `stateIn` looks at: the leaves of the active tree as the step found them before its current transition.

    `#id` and paths see different leaves during the initial entry, where XState counts only the root as entered but
    matches paths against the initial state value.
    """

    @property
    def leaves(self) -> Sequence[StateNode]:
        """For `#id`."""
        ...

    @property
    def matched_leaves(self) -> Sequence[StateNode]:
        """For paths."""
        ...


Check: TypeAlias = Callable[[dict[str, Any], Any, ActiveStates], object]


@dataclass(frozen=True, slots=True)
class NamedGuard:
    """A function `(context, event, params)`; true lets the transition through."""

    name: str
    function: GuardFunction
    params: Any = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when every guard holds (`and`)."""

    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when at least one guard holds (`or`)."""

    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its guard does not (`not`)."""

    guard: Guard


@dataclass(frozen=True, slots=True)
class StateIn:
    """Holds while a state is active: `"#id"`, `"#id.path"`, a path from the root, or a nested mapping of keys."""

    state: StatePattern


Guard: TypeAlias = NamedGuard | AllOf | AnyOf | Not | StateIn

StateFinder: TypeAlias = "Callable[[str], StateNode]"


def compile_guard(guard: Guard, find: StateFinder) -> Check:
    """The function a step calls for this guard; `find` looks up `#id` references and paths from the root.

    Raises `LookupError` for a state that does not exist.
    """
    match guard:
        case NamedGuard():
            return _named(guard.function, guard.params)
        case AllOf():
            return _all_of(tuple(compile_guard(part, find) for part in guard.guards))
        case AnyOf():
            return _any_of(tuple(compile_guard(part, find) for part in guard.guards))
        case Not():
            inner = compile_guard(guard.guard, find)
            return lambda context, event, states: not inner(context, event, states)
        case StateIn():
            return _state_in(guard.state, find)


def _named(function: GuardFunction, params: Any) -> Check:
    return lambda context, event, _states: function(context, event, params)


def _all_of(checks: tuple[Check, ...]) -> Check:
    # A plain loop: a generator would cost more than most guards do.
    def every(context: dict[str, Any], event: Any, states: ActiveStates) -> bool:
        for check in checks:  # noqa: SIM110
            if not check(context, event, states):
                return False
        return True

    return every


def _any_of(checks: tuple[Check, ...]) -> Check:
    def some(context: dict[str, Any], event: Any, states: ActiveStates) -> bool:
        for check in checks:  # noqa: SIM110
            if check(context, event, states):
                return True
        return False

    return some


def _state_in(pattern: StatePattern, find: StateFinder) -> Check:
    if isinstance(pattern, str):
        state = find(pattern)
        if pattern.startswith("#"):
            return lambda _context, _event, states: state.is_active(states.leaves)
        return lambda _context, _event, states: state.is_active(states.matched_leaves)
    wanted = tuple(find(path) for path in _paths(pattern))
    return lambda _context, _event, states: all(state.is_active(states.matched_leaves) for state in wanted)


def _paths(pattern: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The deepest paths that a nested pattern names; each of them has to be active."""
    paths: list[str] = []
    for key, below in pattern.items():
        path = prefix + escape_key(key)
        if isinstance(below, str):
            paths.append(f"{path}.{below}")
        elif nested := as_object(below):
            paths.extend(_paths(nested, f"{path}."))
        else:
            raise LookupError(f"the pattern of '{path}' is {below!r}; give a state key or a mapping with at least one")
    return paths


def read_guard(value: Any, functions: Mapping[str, GuardFunction], path: tuple[str | int, ...]) -> Guard | list[Issue]:
    """The guard a document describes by name, or what is wrong with the description."""
    named = read_name(value)
    if named is None:
        return [Issue(path, "a guard is a name, or a mapping of 'type' and 'params'", "invalid_guard")]
    name, params = named
    if name == "and" or name == "or":
        return _read_several(name, params, functions, path)
    if name == "not":
        part = _only(params, "guard")
        if part is None:
            return [Issue((*path, "params"), "'not' takes the one parameter 'guard'", "invalid_guard")]
        inner = read_guard(part, functions, (*path, "params", "guard"))
        return inner if isinstance(inner, list) else Not(inner)
    if name == "stateIn":
        state = _only(params, "state")
        if not isinstance(state, str | Mapping) or not state:
            message = "'stateIn' takes the one parameter 'state': '#id', a path or a mapping"
            return [Issue((*path, "params"), message, "invalid_guard")]
        return StateIn(cast("StatePattern", state))
    function = functions.get(name)
    if function is None:
        known = ", ".join(sorted(functions)) or "none"
        return [Issue(path, f"no guard is named {name!r} (known: {known}); pass it in 'guards'", "unknown_guard")]
    return NamedGuard(name, function, params)


def read_name(value: Any) -> tuple[str, Any] | None:
    """The name and the parameters of an action or guard as a document gives them: alone, or as `type` and `params`."""
    if isinstance(value, str):
        return value, None
    config = as_object(value)
    if config is None or not isinstance(config.get("type"), str) or not config.keys() <= {"type", "params"}:
        return None
    return config["type"], config.get("params")


def _only(params: Any, key: str) -> Any:
    config = as_object(params)
    return config[key] if config is not None and list(config) == [key] else None


def _read_several(
    name: str, params: Any, functions: Mapping[str, GuardFunction], path: tuple[str | int, ...]
) -> Guard | list[Issue]:
    parts = as_list(_only(params, "guards"))
    if parts is None:
        return [Issue((*path, "params"), f"{name!r} takes the one parameter 'guards', a list", "invalid_guard")]
    guards: list[Guard] = []
    issues: list[Issue] = []
    for position, part in enumerate(parts):
        guard = read_guard(part, functions, (*path, "params", "guards", position))
        if isinstance(guard, list):
            issues.extend(guard)
        else:
            guards.append(guard)
    if issues:
        return issues
    return AllOf(tuple(guards)) if name == "and" else AnyOf(tuple(guards))
