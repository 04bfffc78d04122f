"""How text names a state: `#id`, `#id.path`, `.child`, `sibling.child`; `\\` goes before a dot of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.statecharts.definition import StateNode


def split_path(text: str) -> list[str]:
    """The keys of a dotted path."""
    keys: list[str] = []
    key = ""
    characters = iter(text)
    for character in characters:
        if character == "\\":
            key += next(characters, "")
        elif character == ".":
            keys.append(key)
            key = ""
        else:
            key += character
    return [*keys, key]


def escape_key(key: str) -> str:
    """A key as one part of a dotted path."""
    return key.replace("\\", "\\\\").replace(".", "\\.")


def find_state(root: StateNode, by_id: Mapping[str, StateNode], reference: str) -> StateNode:
    """The state at `#id`, `#id.path`, or a path of keys from the root. Raises `LookupError` saying what is missing."""
    if not reference.startswith("#"):
        return descend(root, split_path(reference))
    first, *rest = split_path(reference[1:])
    named = by_id.get(first)
    if named is not None:
        return descend(named, rest)
    # An id may itself hold dots, as the default ids of nested states do.
    whole = by_id.get(reference[1:])
    if whole is None:
        raise LookupError(f"no state has the id {first!r}")
    return whole


def find_target(source: StateNode, root: StateNode, by_id: Mapping[str, StateNode], target: str) -> StateNode:
    """The state that a transition of `source` means by `target`. Raises `LookupError`."""
    if target.startswith("#"):
        return find_state(root, by_id, target)
    if target.startswith("."):
        return descend(source, split_path(target[1:]))
    if source.parent is None:
        raise LookupError(f"{target!r} would be a sibling of the root, which has none; write '.{target}' for its child")
    return descend(source.parent, split_path(target))


def descend(state: StateNode, keys: list[str]) -> StateNode:
    """The state that `keys` lead to below `state`. Raises `LookupError`."""
    for key in keys:
        child = state.by_key.get(key)
        if child is None:
            known = ", ".join(state.by_key) or "none"
            raise LookupError(f"#{state.id} has no state {key!r} (its states: {known})")
        state = child
    return state
