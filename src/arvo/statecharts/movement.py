"""Which states a transition leaves and enters, and in which order: the geometry of a chart, without any action.

States are compared by their place in document order, in which every subtree is one span. What involves no history state
depends on the chart alone and is computed once per transition; the rest depends on the recorded history as well.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from arvo.statecharts.actions import Action
    from arvo.statecharts.definition import Definition, StateNode, Transition

History: TypeAlias = "Mapping[str, tuple[StateNode, ...]]"
Arrival: TypeAlias = "tuple[int, StateNode, tuple[Action, ...]]"
"""A state to enter with the actions its entry runs, behind its place in document order."""
Arrivals: TypeAlias = tuple[Arrival, ...]

NO_HISTORY: History = {}
document_order: Callable[[StateNode], int] = attrgetter("index")
"""The sort key of document order."""


@dataclass(slots=True, eq=False)
class Move:
    """A transition with the innermost state that it does not leave, and the span of document order that it does."""

    transition: Transition
    stays: StateNode | None
    low: int
    high: int
    arrivals: Arrivals | None = None
    """What it enters, kept after first use where no history takes part."""


def move_of(definition: Definition, transition: Transition, history: History) -> Move:
    """The move that a transition makes, given the history as it is before any exit."""
    if transition.move is not None:
        return transition.move
    stays = domain(definition, transition, history)
    if not transition.targets:
        return Move(transition, stays, 0, 0)
    if stays is None:
        return Move(transition, stays, 0, definition.root.end)
    return Move(transition, stays, stays.index + 1, stays.end)


def without_conflicts(moves: Sequence[Move]) -> Sequence[Move]:
    """Of moves that would leave the same states keeps the inner one, else the one selected first."""
    reached = 0
    for move in moves:
        if move.low < move.high:
            if move.low < reached:
                break
            reached = move.high
    else:
        # The usual case: each region moves within itself.
        return moves
    kept: list[Move] = []
    for move in moves:
        rivals = [rival for rival in kept if _overlap(move, rival)]
        if all(rival.transition.source.contains(move.transition.source) for rival in rivals):
            kept = [each for each in kept if each not in rivals]
            kept.append(move)
    return kept


def _overlap(first: Move, second: Move) -> bool:
    return max(first.low, second.low) < min(first.high, second.high)


def divide(leaves: Sequence[StateNode], moves: Sequence[Move]) -> tuple[list[StateNode], list[StateNode]]:
    """What moves without conflicts leave, and the leaves that stay.

    Of the states that are left come only those that something depends on, innermost first.
    """
    nearest = moves
    if len(moves) > 1:
        nearest = sorted([move for move in moves if move.low < move.high], key=_low)
        if not nearest:
            return [], list(leaves)
    lows = [move.low for move in nearest]
    leaving: set[StateNode] = set()
    staying: list[StateNode] = []
    for leaf in leaves:
        move = nearest[bisect_right(lows, leaf.index) - 1]
        if not move.low <= leaf.index < move.high:
            staying.append(leaf)
        elif leaf.restless:
            leaving.update([state for state in leaf.restless if state.index >= move.low])
    return sorted(leaving, key=document_order, reverse=True) if leaving else [], staying


def arrivals_together(
    definition: Definition, moves: Sequence[Move], staying: Sequence[StateNode], history: History
) -> tuple[Sequence[Move], Sequence[Arrival]]:
    """What several moves enter, each state once, and the moves that are left to make."""
    if None not in [move.arrivals for move in moves] or not any(move.transition.to_history for move in moves):
        arriving = [arrivals(definition, move, history) for move in moves]
        return moves, sorted(chain.from_iterable(arriving), key=_arrival_order)
    entering = _entering_by(definition, moves, history)
    if not _can_be_active([*staying, *entering.states]):
        # Moves that history leads back to their own leaf leave nothing, so they conflict with nothing. XState makes
        # them although another move leaves that leaf for good, and then has two siblings active.
        moves = [move for move in moves if not _is_left_behind(move, staying)]
        entering = _entering_by(definition, moves, history)
    return moves, entering.in_document_order()


def _is_left_behind(move: Move, staying: Sequence[StateNode]) -> bool:
    leaf = move.stays
    return move.transition.to_history and leaf is not None and leaf.is_leaf and leaf not in staying


def _can_be_active(states: Sequence[StateNode]) -> bool:
    """Whether states and their ancestors can be active together: at most one branch in every compound state."""
    branches = {state for each in states for state in each.lineage if state.parent and state.parent.kind == "compound"}
    return len({branch.parent for branch in branches}) == len(branches)


_low: Callable[[Move], int] = attrgetter("low")
_arrival_order: Callable[[Arrival], int] = itemgetter(0)


def domain(definition: Definition, transition: Transition, history: History) -> StateNode | None:
    """The innermost state that stays active throughout a transition; `None` when even the root is left."""
    source = transition.source
    targets = effective_targets(transition.targets, history)
    if not transition.reenter and all(target is source or source.contains(target) for target in targets):
        return source
    if not targets:
        return source
    first, *others = targets
    for ancestor in reversed(first.lineage[:-1]):
        if ancestor.contains(source) and all(ancestor.contains(other) for other in others):
            return ancestor
    return None if transition.reenter else definition.root


def effective_targets(targets: Sequence[StateNode], history: History) -> list[StateNode]:
    """The targets, with history states replaced by what they remember or default to."""
    found: dict[StateNode, None] = {}
    for target in targets:
        if target.kind != "history":
            found[target] = None
        else:
            found.update(dict.fromkeys(effective_targets(recalled(target, history), history)))
    return list(found)


def recalled(history_state: StateNode, history: History) -> tuple[StateNode, ...]:
    """What a history state stands for: the recorded states, else its own default, else its parent's."""
    recorded = history.get(history_state.id)
    if recorded:
        return recorded
    if history_state.history_targets:
        return history_state.history_targets
    parent = history_state.parent
    assert parent is not None, "the compiler refuses a history state as the root"  # noqa: S101
    return (parent,) if parent.initial is None else (parent.initial,)


def arrivals(definition: Definition, move: Move, history: History) -> Arrivals:
    """What a move enters, given the history as it is after the exits."""
    if move.arrivals is not None:
        return move.arrivals
    entering = _entering_by(definition, (move,), history)
    found = entering.in_document_order()
    if not entering.used_history:
        move.arrivals = found
    return found


def _entering_by(definition: Definition, moves: Sequence[Move], history: History) -> _Entering:
    """Collects for all moves at once: history makes each of them see what those before it enter."""
    entering = _Entering(history)
    for move in moves:
        entering.add(move.transition, _entry_domain(definition, move, history))
    return entering


def _entry_domain(definition: Definition, move: Move, history: History) -> StateNode | None:
    if move.stays is None or not move.transition.to_history:
        return move.stays
    # The exits may have recorded other states than those the move was planned for. Whatever they left has to be
    # entered again, which XState forgets where a parallel state leads to its own history for the first time.
    recorded_since = domain(definition, move.transition, history)
    return move.stays if recorded_since is None or move.stays.contains(recorded_since) else recorded_since


def initial_arrivals(definition: Definition) -> Arrivals:
    """What the start of the chart enters."""
    return _default_entry(definition.root).in_document_order()


def default_leaves(state: StateNode) -> list[StateNode]:
    """The leaves that become active when `state` is entered by default and nothing was recorded."""
    return [entered for _, entered, _ in _default_entry(state).in_document_order() if entered.is_leaf]


def _default_entry(state: StateNode) -> _Entering:
    entering = _Entering(NO_HISTORY)
    entering.enter(state, by_default=True)
    entering.fill_below(state)
    return entering


class _Entering:
    """Collects the states to enter. Default entries also run the `initial` actions of the state entered."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.used_history = False
        self.states: set[StateNode] = set()
        self.defaults: set[StateNode] = set()
        self.occupied: set[StateNode] = set()
        """The states that have a descendant to enter."""

    def add(self, transition: Transition, stays: StateNode | None) -> None:
        """Enters what a transition leads to below its domain."""
        for target in transition.targets:
            itself = target is transition.source is stays and not transition.reenter
            if target.kind != "history" and not itself:
                self.enter(target, by_default=True)
            self.fill_below(target)
        for target in effective_targets(transition.targets, self.history):
            self.fill_above(target, stays)

    def enter(self, state: StateNode, *, by_default: bool = False) -> None:
        self.states.add(state)
        if by_default:
            self.defaults.add(state)
        above = state.parent
        while above is not None and above not in self.occupied:
            self.occupied.add(above)
            above = above.parent

    def fill_below(self, state: StateNode) -> None:
        if state.kind == "history":
            self._recall(state)
        elif state.initial is not None:
            if state.initial.kind != "history":
                self.enter(state.initial, by_default=True)
            self.fill_below(state.initial)
        elif state.kind == "parallel":
            self._fill_regions(state, by_default=True)

    def fill_above(self, state: StateNode, stays: StateNode | None) -> None:
        """Enters the ancestors below `stays`, with the regions beside them; regions beside `stays` itself too."""
        if state is not stays:
            self._fill_between(state, stays)
            if stays is not None and stays.kind == "parallel":
                self._fill_regions(stays)

    def in_document_order(self) -> Arrivals:
        return tuple(
            (state.index, state, state.entry + state.initial_actions if state in self.defaults else state.entry)
            for state in sorted(self.states, key=document_order)
        )

    def _fill_between(self, state: StateNode, top: StateNode | None) -> None:
        for ancestor in reversed(state.lineage[:-1]):
            if ancestor is top:
                return
            self.enter(ancestor)
            if ancestor.kind == "parallel":
                self._fill_regions(ancestor)

    def _fill_regions(self, parallel: StateNode, *, by_default: bool = False) -> None:
        for region in parallel.children:
            if region not in self.occupied:
                self.enter(region, by_default=by_default)
                self.fill_below(region)

    def _recall(self, state: StateNode) -> None:
        self.used_history = True
        targets = recalled(state, self.history)
        parent = state.parent
        if not self.history.get(state.id) and not state.history_targets and parent is not None and parent.initial:
            self.defaults.add(parent)
        for target in targets:
            if target.kind != "history":
                self.enter(target)
            self.fill_below(target)
        for target in targets:
            if target is not parent:
                self._fill_between(target, parent)
