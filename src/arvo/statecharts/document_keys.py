"""The keys an XState v5 document may use, where each may stand, and what to do instead of the ones that are refused."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from arvo.statecharts.definition import Kind

KINDS: tuple[Kind, ...] = ("atomic", "compound", "parallel", "final", "history")
OPTIONS = frozenset({"maxIterations"})
TRANSITION = frozenset({"target", "guard", "actions", "reenter", "meta", "description"})
INITIAL = frozenset({"target", "actions", "meta", "description"})

_DESCRIPTIVE = frozenset({"id", "type", "tags", "meta", "description"})
_REACTIVE = _DESCRIPTIVE | {"entry", "exit", "on", "always", "after"}
_ROOT = frozenset({"context", "version", "options", "output"})
_STATE: dict[Kind, frozenset[str]] = {
    "atomic": _REACTIVE | {"states"},
    "compound": _REACTIVE | {"states", "initial", "onDone"},
    "parallel": _REACTIVE | {"states", "onDone"},
    "final": _REACTIVE | {"output"},
    "history": _DESCRIPTIVE | {"history", "target"},
}

NO_STATES = "this kind of state has none; remove them, or change its 'type'"
_ACTORS = "charts start no actors here; emit a request in 'entry' and take its reply with 'on'"
_ADVICE = {
    "invoke": _ACTORS,
    "activities": _ACTORS,
    "route": "routes are not supported; write a transition on an event of its own",
    "schemas": "types are not part of a chart here; remove it",
    "types": "types are not part of a chart here; remove it",
    "onEntry": "this is XState v4; v5 calls it 'entry'",
    "onExit": "this is XState v4; v5 calls it 'exit'",
    "data": "this is XState v4; v5 calls it 'output'",
    "cond": "this is XState v4; v5 calls it 'guard'",
    "in": "this is XState v4; use the guard 'stateIn'",
    "internal": "this is XState v4; transitions of v5 are internal unless 'reenter' is true",
    "initial": "only a state of type 'compound' has one; remove it",
    "onDone": "only states with states of their own are ever done; remove it",
    "output": "only final states and the root have one; move it there",
    "context": "only the root has one; move it there",
    "options": "only the root has them; move them there",
    "version": "only the root has one; move it there",
    "history": "only states of type 'history' have it; remove it",
    "states": NO_STATES,
    "target": "only transitions and history states have one; use 'always' or 'initial'",
}


def of_state(kind: Kind, *, is_root: bool) -> frozenset[str]:
    """The keys that a state of this kind may have."""
    return _STATE[kind] | _ROOT if is_root else _STATE[kind]


def refused(config: Mapping[str, object], known: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The keys of an object that are not known where it stands, each with what to do about it."""
    for key in config:
        if key not in known:
            near = get_close_matches(key, known, 1)
            guess = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
            yield key, _ADVICE.get(key, f"no such key is known here; {guess}")
