"""Draws a chart as a Mermaid state diagram, with the active states of a snapshot marked.

Mermaid can style no composite states, knows no history and draws no arrow between a state and one inside it. So leaves
alone are marked, history states are states labelled H, and a transition without such an arrow becomes text: a note on a
leaf, a box of its own inside a composite state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.statecharts.labels import labelled_transitions
from arvo.statecharts.movement import document_order
from arvo.statecharts.snapshot import restore_leaves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.statecharts.definition import Definition, StateNode

_INDENT = "    "
_ESCAPED = {ord(character): f"#{ord(character)};" for character in '#;:"<>{}`\\&'}


def to_mermaid(definition: Definition, snapshot: Mapping[str, Any] | None = None) -> str:
    """The chart as text for Mermaid. With a snapshot, its active leaves carry the class `active`."""
    lines = ["stateDiagram-v2"]
    edges = _edges(definition)
    # Mermaid knows regions only inside a composite state, so a parallel root needs a box around it.
    draw = _draw if definition.root.kind == "parallel" else _draw_inside
    draw(definition.root, edges, _INDENT, lines)
    if snapshot is not None:
        lines.append(f"{_INDENT}classDef active fill:#ffd54f,stroke:#e65100,stroke-width:2px")
        leaves = restore_leaves(definition, snapshot.get("value"))
        lines.extend(f"{_INDENT}class {_name(leaf)} active" for leaf in sorted(leaves, key=document_order))
    return "\n".join(lines) + "\n"


def _draw(state: StateNode, edges: Mapping[StateNode, list[str]], indent: str, lines: list[str]) -> None:
    label = _escape(("H* " if state.deep else "H ") + state.key if state.kind == "history" else state.key)
    if state.by_key:
        lines.append(f'{indent}state "{label}" as {_name(state)} {{')
        _draw_inside(state, edges, indent + _INDENT, lines)
        lines.append(f"{indent}}}")
    else:
        lines.append(f'{indent}state "{label}" as {_name(state)}')
        lines.extend(f"{indent}note right of {_name(state)} : {_escape(text)}" for text in _texts(state))


def _draw_inside(state: StateNode, edges: Mapping[StateNode, list[str]], indent: str, lines: list[str]) -> None:
    if state.initial is not None:
        lines.append(f"{indent}[*] --> {_name(state.initial)}")
    for place, child in enumerate(state.by_key.values()):
        if place and state.kind == "parallel":
            lines.append(f"{indent}--")
        _draw(child, edges, indent, lines)
        if child.is_final:
            lines.append(f"{indent}{_name(child)} --> [*]")
    for place, text in enumerate(_texts(state)):
        lines.append(f'{indent}state "{_escape(text)}" as {_name(state)}_{place}')
    lines.extend(indent + edge for edge in edges.get(state, ()))


def _texts(state: StateNode) -> list[str]:
    """The transitions that are told in words, because no arrow can be drawn for them."""
    return [
        " → ".join([label, *([", ".join(target.key for target in transition.targets)] if transition.targets else [])])
        for label, transition in labelled_transitions(state)
        if not any(_can_be_drawn(state, target) for target in transition.targets)
    ]


def _edges(definition: Definition) -> dict[StateNode, list[str]]:
    """The arrows by the state in whose block they are drawn."""
    edges: dict[StateNode, list[str]] = {}
    for state in definition.states:
        arrows = [(label, target) for label, transition in labelled_transitions(state) for target in transition.targets]
        arrows.extend(("default", target) for target in state.history_targets)
        for label, target in arrows:
            if _can_be_drawn(state, target):
                edge = f"{_name(state)} --> {_name(target)} : {_escape(label)}"
                edges.setdefault(_block(state, target), []).append(edge)
    return edges


def _can_be_drawn(state: StateNode, target: StateNode) -> bool:
    return not state.contains(target) and not target.contains(state) and (state is not target or state.is_leaf)


def _block(first: StateNode, second: StateNode) -> StateNode:
    return [a for a, b in zip(first.lineage[:-1], second.lineage[:-1], strict=False) if a is b][-1]


def _name(state: StateNode) -> str:
    return f"s{state.index}"


def _escape(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).translate(_ESCAPED)
