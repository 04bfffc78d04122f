"""Draws a chart as one SVG picture, without any tool outside this package: boxes within boxes, active ones filled.

Children stand below each other, regions of a parallel state beside each other. A transition is a line of text in the
box of its state, and a curve from there to its target.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from arvo.statecharts.labels import labelled_transitions
from arvo.statecharts.snapshot import restore_leaves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.statecharts.definition import Definition, StateNode

_CHARACTER = 7.0
_LINE = 18.0
_PADDING = 12.0
_GAP = 26.0
_LANE = 44.0
_STYLE = (
    "text{font:12px sans-serif;fill:#263238}.title{font-weight:bold}.state{fill:#fff;stroke:#607d8b}"
    ".region{stroke-dasharray:5 4}.active{fill:#fff8e1;stroke:#e65100}.leaf.active{fill:#ffd54f;stroke-width:2}"
    ".edge{fill:none;stroke:#90a4ae}"
)
_ARROW_HEAD = (
    '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="#90a4ae"/></marker></defs>'
)


@dataclass(slots=True, eq=False)
class _Box:
    state: StateNode
    lines: list[str]
    children: list[_Box] = field(default_factory=list["_Box"])
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0


def to_svg(definition: Definition, snapshot: Mapping[str, Any] | None = None) -> str:
    """The chart as an SVG document. With a snapshot, its active states carry the class `active`."""
    leaves = [] if snapshot is None else restore_leaves(definition, snapshot.get("value"))
    active = {state for leaf in leaves for state in leaf.lineage}
    boxes: dict[StateNode, _Box] = {}
    root = _measured(definition.root, boxes)
    _place(root, _PADDING, _PADDING)
    shapes = [shape for box in boxes.values() for shape in _shapes(box, active)]
    edges = [edge for box in boxes.values() for edge in _edges(box, boxes)]
    width, height = root.width + 2 * _PADDING + _LANE, root.height + 2 * _PADDING
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    head = f"<title>{_text(definition.id)}</title><style>{_STYLE}</style>{_ARROW_HEAD}"
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', head, *shapes, *edges, "</svg>\n"])


def _measured(state: StateNode, boxes: dict[StateNode, _Box]) -> _Box:
    """The box of a state with its size, and those of the states in it, in document order."""
    lines = [_title(state)]
    for label, transition in labelled_transitions(state):
        targets = f" → {', '.join(target.key for target in transition.targets)}" if transition.targets else ""
        lines.append(label + targets)
    box = boxes[state] = _Box(state, lines)
    box.children = [_measured(child, boxes) for child in state.by_key.values()]
    text_width = max(len(line) for line in lines) * _CHARACTER
    widths = [child.width for child in box.children]
    heights = [child.height for child in box.children]
    if state.kind == "parallel":
        inner_width, inner_height = sum(widths) + _GAP * (len(widths) - 1), max(heights, default=0)
    else:
        inner_width, inner_height = max(widths, default=0), sum(heights) + _GAP * (len(heights) - 1)
    box.width = max(text_width, inner_width + (_LANE if box.children else 0)) + 2 * _PADDING
    box.height = len(lines) * _LINE + 2 * _PADDING + (inner_height + _PADDING if box.children else 0)
    return box


def _title(state: StateNode) -> str:
    if state.kind == "history":
        return f"{'H*' if state.deep else 'H'} {state.key}"
    first = state.parent is not None and state.parent.initial is state
    return f"{'● ' if first else ''}{state.key}{' ◎' if state.is_final else ''}"


def _place(box: _Box, x: float, y: float) -> None:
    box.x, box.y = x, y
    below = y + _PADDING + len(box.lines) * _LINE + _PADDING
    beside = x + _PADDING
    for child in box.children:
        # Siblings end in line, so that curves run beside them and not across.
        if box.state.kind == "parallel":
            child.height = box.y + box.height - _PADDING - below
            _place(child, beside, below)
            beside += child.width + _GAP
        else:
            child.width = box.width - 2 * _PADDING - _LANE
            _place(child, beside, below)
            below += child.height + _GAP


def _text(text: str) -> str:
    """Text for any place in the picture. XML has no way to write control characters."""
    return escape("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))


def _shapes(box: _Box, active: set[StateNode]) -> list[str]:
    state = box.state
    classes = ["state"]
    if state.parent is not None and state.parent.kind == "parallel":
        classes.append("region")
    if state.is_leaf:
        classes.append("leaf")
    if state in active:
        classes.append("active")
    place_and_size = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
    shapes = [f'<rect class="{" ".join(classes)}" id="{_text(state.id)}" {place_and_size} rx="8"/>']
    for place, line in enumerate(box.lines):
        title = "" if place else ' class="title"'
        y = box.y + _PADDING + _LINE * (place + 0.7)
        shapes.append(f'<text{title} x="{box.x + _PADDING:g}" y="{y:g}">{_text(line)}</text>')
    return shapes


def _edges(box: _Box, boxes: Mapping[StateNode, _Box]) -> list[str]:
    """Curves along the right side, the longer the farther out; a target inside or around the state has text alone."""
    edges: list[str] = []
    for place, (_, transition) in enumerate(labelled_transitions(box.state), start=1):
        start_y = box.y + _PADDING + _LINE * (place + 0.5)
        for target in transition.targets:
            end = boxes[target]
            if box.state.contains(target) or target.contains(box.state) or target is box.state:
                continue
            start_x, end_x, end_y = box.x + box.width, end.x + end.width, end.y + _LINE
            bend = max(start_x, end_x) + min(_LANE, 12 + abs(end_y - start_y) / 12)
            path = f"M{start_x:g} {start_y:g}C{bend:g} {start_y:g} {bend:g} {end_y:g} {end_x:g} {end_y:g}"
            edges.append(f'<path class="edge" d="{path}" marker-end="url(#head)"/>')
    return edges
