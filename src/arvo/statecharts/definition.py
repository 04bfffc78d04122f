"""The compiled form of a statechart: what both front doors make and every step reads.

Everything a step needs is worked out when the chart is compiled, so that it touches only the states it changes. The
objects are built by `compilation` and read-only from then on; what a transition does is decided in `macrostep`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from arvo.errors import DefinitionError
from arvo.statecharts.guards import Check, Guard, GuardFunction, compile_guard, read_guard
from arvo.statecharts.references import find_state

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from arvo.statecharts.actions import Action, Effect
    from arvo.statecharts.movement import Arrivals, Move

Kind: TypeAlias = Literal["atomic", "compound", "parallel", "final", "history"]
OutputFunction: TypeAlias = Callable[[dict[str, Any], Any], Any]
ContextFunction: TypeAlias = Callable[[Any], dict[str, Any]]
DelayFunction: TypeAlias = Callable[[dict[str, Any], Any], "timedelta"]
Path: TypeAlias = tuple[str | int, ...]


@dataclass(slots=True, eq=False, repr=False)
class StateNode:
    """One state of a chart. `index` is its place in document order, and `end` one past its last descendant's."""

    key: str
    id: str
    kind: Kind
    index: int
    parent: StateNode | None
    lineage: tuple[StateNode, ...] = ()
    """The way from the root to this state, both included."""
    end: int = 0
    children: tuple[StateNode, ...] = ()
    """Without history states."""
    histories: tuple[StateNode, ...] = ()
    by_key: dict[str, StateNode] = field(default_factory=dict[str, "StateNode"])
    entry: tuple[Action, ...] = ()
    exit: tuple[Action, ...] = ()
    initial: StateNode | None = None
    initial_actions: tuple[Action, ...] = ()
    deep: bool = False
    """For a history state: whether it remembers whole branches."""
    history_targets: tuple[StateNode, ...] = ()
    on: dict[str, tuple[Transition, ...]] = field(default_factory=dict[str, "tuple[Transition, ...]"])
    """Candidates by event descriptor, as written."""
    table: dict[str, tuple[Transition, ...]] = field(default_factory=dict[str, "tuple[Transition, ...]"])
    """Candidates by exact event type, those of matching wildcards behind them."""
    wildcards: tuple[Wildcard, ...] = ()
    always: tuple[Transition, ...] = ()
    eventless: tuple[Transition, ...] = ()
    """The `always` candidates of this state and of its ancestors, innermost first."""
    after: tuple[Delay, ...] = ()
    output: OutputFunction | Constant | None = None
    tags: tuple[str, ...] = ()
    all_tags: frozenset[str] = frozenset()
    """The tags that are on while this leaf is active: its own and its ancestors'."""
    meta: Mapping[str, Any] | None = None
    description: str | None = None
    value_path: tuple[str, ...] = ()
    """For a leaf: where its part of a state value stands, without the last key."""
    value_key: str = ""
    """For a leaf: that last key; empty when the leaf's own key is the whole value."""
    value: str | None = None
    """For a leaf: what stands there, its key or, for a region, an empty mapping."""
    restless: tuple[StateNode, ...] = ()
    """For a leaf: the states from the root to it that have something to do when they are left."""
    is_leaf: bool = False
    is_final: bool = False
    done_type: str = ""

    def __repr__(self) -> str:
        return f"<state #{self.id}>"

    def contains(self, other: StateNode) -> bool:
        """Whether `other` is a descendant."""
        return self.index < other.index < self.end

    def is_active(self, leaves: Iterable[StateNode]) -> bool:
        """Whether this state is active when `leaves` are the active leaves."""
        return any(self.index <= leaf.index < self.end for leaf in leaves)

    def candidates(self, event_type: str) -> tuple[Transition, ...]:
        """The transitions to try for an event, best match first."""
        found = self.table.get(event_type)
        if found is None:
            for wildcard in self.wildcards:
                if wildcard.matches(event_type):
                    return wildcard.transitions
            return ()
        return found


@dataclass(slots=True, eq=False, repr=False)
class Transition:
    """One candidate: from `source`, on an event (or none), under a guard, to `targets`."""

    source: StateNode
    targets: tuple[StateNode, ...]
    actions: tuple[Action, ...]
    reenter: bool
    guard: Guard | None = None
    check: Check | None = None
    meta: Mapping[str, Any] | None = None
    description: str | None = None
    to_history: bool = False
    path: Path = ()
    """Where the author wrote it, for messages."""
    move: Move | None = None
    """Where it leads, unless that depends on history."""

    def __repr__(self) -> str:
        return f"<transition #{self.source.id} -> {', '.join(f'#{target.id}' for target in self.targets) or 'nowhere'}>"


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The candidates for every event type under a prefix: its own, then those of every shorter wildcard."""

    prefix: str
    """`"a."` for the descriptor `a.*`, and empty for `*`."""
    transitions: tuple[Transition, ...]

    def matches(self, event_type: str) -> bool:
        """Whether an event type falls under the wildcard; `a.*` takes `a` too."""
        return event_type.startswith(self.prefix) or event_type == self.prefix[:-1]


@dataclass(frozen=True, slots=True)
class Delay:
    """A timer that runs while its state is active; `event_type` is the event it brings back."""

    key: str
    event_type: str
    duration: timedelta | DelayFunction


@dataclass(frozen=True, slots=True)
class Constant:
    """A static value of a document, copied for every use so that nobody can change the chart through it."""

    value: Any


@dataclass(slots=True, eq=False, repr=False)
class Definition:
    """A compiled statechart. Safe to share between tasks and threads; steps never change it."""

    id: str
    root: StateNode
    states: tuple[StateNode, ...]
    """Every state in document order, history states included."""
    by_id: Mapping[str, StateNode]
    context: ContextFunction | Constant
    guards: Mapping[str, GuardFunction]
    effects: Mapping[str, Effect]
    max_microsteps: int
    initial_arrivals: Arrivals = ()
    version: str | None = None

    def __repr__(self) -> str:
        return f"<statechart {self.id!r} of {len(self.states)} states>"

    def find(self, reference: str) -> StateNode:
        """The state at `"#id"`, `"#id.path"` or a path of keys from the root. Raises `LookupError`."""
        return find_state(self.root, self.by_id, reference)

    def effect(self, name: str) -> Effect:
        """The implementation of a named action, for actions chosen while a step runs."""
        found = self.effects.get(name)
        if found is None:
            raise DefinitionError(
                f"Statechart {self.id!r} has no action named {name!r}, which an enqueued action asked for. "
                f"Pass it in 'actions' (known: {', '.join(sorted(self.effects)) or 'none'})."
            )
        return found

    def check_of(self, guard: str | Mapping[str, Any]) -> Check:
        """The function for a guard given as in a document, for guards checked while a step runs."""
        read = read_guard(guard, self.guards, ())
        if isinstance(read, list):
            raise DefinitionError(
                f"Statechart {self.id!r} cannot check the guard {guard!r}: {'; '.join(map(str, read))}.", issues=read
            )
        try:
            return compile_guard(read, self.find)
        except LookupError as error:
            raise DefinitionError(
                f"Statechart {self.id!r} cannot check the guard {guard!r}: {error.args[0]}."
            ) from error
